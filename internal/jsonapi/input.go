package passport

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// apiInput is what the body of a request holds, JSON or a form: by name a text, a
// number, a truth, a list, an object or nil. Texts are trimmed, and an empty one
// is nil, as if it had not been sent.
type apiInput map[string]any

// readAPIInput reads the body of a request and returns it with the time of the
// request. A body counts where something is changed, and if it is JSON or a form.
func readAPIInput(r *http.Request) (apiInput, time.Time, error) {
	input, err := parseAPIInput(r)
	if err != nil {
		return nil, time.Time{}, malformed(err)
	}
	at, err := received(r)
	if err != nil {
		return nil, time.Time{}, malformed(err)
	}
	return input, at, nil
}

func parseAPIInput(r *http.Request) (apiInput, error) {
	if r.Method != http.MethodPost && r.Method != http.MethodPut {
		return nil, nil
	}
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	var input map[string]any
	var err error
	switch {
	case media == "application/json" || strings.HasSuffix(media, "+json"):
		input, err = readJSONObject(r.Body)
	case media == "application/x-www-form-urlencoded":
		err = r.ParseForm()
		input = formObject(r.PostForm)
	case media == "multipart/form-data":
		err = r.ParseMultipartForm(maxBody)
		input = formObject(r.PostForm)
	}
	if err != nil {
		return nil, err
	}
	normalised, _ := normalise(input).(map[string]any)
	return normalised, nil
}

// malformed is the error for a body that cannot be read.
func malformed(err error) error {
	switch status := unreadableStatus(err); status {
	case http.StatusRequestEntityTooLarge:
		return &apiError{status: status, Message: "The body is too large.", cause: err}
	case http.StatusRequestTimeout:
		return &apiError{status: status, Message: "The body did not arrive in time.", cause: err}
	}
	return &apiError{status: http.StatusBadRequest, Message: "The body is malformed.", cause: err}
}

// readJSONObject reads an object. Another value holds no parameters.
func readJSONObject(body io.Reader) (map[string]any, error) {
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

// formObject returns the fields of a form. Those that are called scopes[] or
// scopes[0] make up a list; of several with one name the last counts.
func formObject(form url.Values) map[string]any {
	object := map[string]any{}
	for _, field := range slices.Sorted(maps.Keys(form)) {
		values := form[field]
		name, _, list := strings.Cut(field, "[")
		if !list || name == "" {
			object[field] = values[len(values)-1]
			continue
		}
		items, _ := object[name].([]any)
		for _, v := range values {
			items = append(items, v)
		}
		object[name] = items
	}
	return object
}

// normalise trims texts, and makes nil of an empty one.
func normalise(value any) any {
	switch v := value.(type) {
	case string:
		if v = strings.TrimFunc(v, invisible); v == "" {
			return nil
		}
		return v
	case []any:
		for i := range v {
			v[i] = normalise(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = normalise(v[name])
		}
	}
	return value
}

// invisible reports whether nobody sees a character at the end of a text.
func invisible(r rune) bool {
	return unicode.IsSpace(r) || r == 0 || r == '\uFEFF' || r == '\u200B' || r == '\u200E'
}

// method is the one that is meant: a form can say so with the field _method, for
// HTML knows no PUT and no DELETE.
func (in apiInput) method(r *http.Request) string {
	meant, _ := in["_method"].(string)
	switch {
	case r.Method == http.MethodHead:
		return http.MethodGet
	case r.Method == http.MethodPost && meant != "":
		return strings.ToUpper(meant)
	}
	return r.Method
}
