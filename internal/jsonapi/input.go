package jsonapi

import (
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/go-passport/passport/internal/formdata"
	"github.com/go-passport/passport/internal/wire"
)

// input is the parsed body of a request, JSON or form, by field name. A value is a
// string, number, bool, list, object or nil. Strings are trimmed; an empty string
// is nil, as if it had not been sent.
type input map[string]any

// readInput reads the body of a request, and returns it with the time at which it
// was complete. It reads the body of POST and PUT only, and only JSON or a form.
func readInput(r *http.Request) (input, time.Time, error) {
	input, err := parseAPIInput(r)
	if err != nil {
		return nil, time.Time{}, malformed(err)
	}
	at, err := wire.Received(r)
	if err != nil {
		return nil, time.Time{}, malformed(err)
	}
	return input, at, nil
}

func parseAPIInput(r *http.Request) (input, error) {
	if r.Method != http.MethodPost && r.Method != http.MethodPut {
		return nil, nil
	}
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	var input map[string]any
	var err error
	switch {
	case media == "application/json" || strings.HasSuffix(media, "+json"):
		input, err = wire.ReadJSONObject(r.Body)
	case media == "application/x-www-form-urlencoded":
		err = formdata.ParseForm(r, knownField)
		input = formObject(r.PostForm)
	case media == "multipart/form-data":
		err = r.ParseMultipartForm(wire.MaxBody)
		input = formObject(r.PostForm)
	}
	if err != nil {
		return nil, err
	}
	normalized, _ := normalize(input).(map[string]any)
	return normalized, nil
}

// fields has the fields that the API reads.
var fields = []string{"name", "redirect", "confidential", "scopes", "expires_at", "_method", "client_uri", "policy_uri", "tos_uri", "contacts",
	"id_token_signed_response_alg", "default_max_age", "require_auth_time", "post_logout_redirect_uris", "backchannel_logout_uri", "backchannel_logout_session_required", "application_type"}

func knownField(name string) bool {
	base, _, _ := strings.Cut(name, "[")
	return slices.Contains(fields, base)
}

// malformed returns the error for an unreadable body.
func malformed(err error) error {
	switch status := wire.UnreadableStatus(err); status {
	case http.StatusRequestEntityTooLarge:
		return &failure{status: status, Message: "The body is too large.", cause: err}
	case http.StatusRequestTimeout:
		return &failure{status: status, Message: "The body did not arrive in time.", cause: err}
	}
	return &failure{status: http.StatusBadRequest, Message: "The body is malformed.", cause: err}
}

// formObject returns the fields of a form. Fields named scopes[] or scopes[0] form
// a list. Of repeated fields the last one wins.
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

// normalize trims strings and replaces empty ones by nil.
func normalize(value any) any {
	switch v := value.(type) {
	case string:
		if v = strings.TrimFunc(v, invisible); v == "" {
			return nil
		}
		return v
	case []any:
		for i := range v {
			v[i] = normalize(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = normalize(v[name])
		}
	}
	return value
}

// invisible reports whether a character is invisible at the end of a text.
func invisible(r rune) bool {
	return unicode.IsSpace(r) || r == 0 || r == '\uFEFF' || r == '\u200B' || r == '\u200E'
}

// method returns the requested method. A form can override POST with the field
// _method, because HTML forms support neither PUT nor DELETE.
func (in input) method(r *http.Request) string {
	override, _ := in["_method"].(string)
	switch {
	case r.Method == http.MethodHead:
		return http.MethodGet
	case r.Method == http.MethodPost && override != "":
		return strings.ToUpper(override)
	}
	return r.Method
}
