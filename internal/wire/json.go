package wire

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// ReadJSONObject reads a JSON object. For any other JSON value it returns nil.
func ReadJSONObject(body io.Reader) (map[string]any, error) {
	text, err := io.ReadAll(body)
	if err != nil || len(strings.TrimSpace(string(text))) == 0 {
		return nil, err
	}
	if !utf8.Valid(text) {
		return nil, errors.New("the body is not UTF-8")
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return nil, err
	}
	object, _ := value.(map[string]any)
	return object, nil
}
