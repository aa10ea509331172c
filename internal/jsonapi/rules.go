package jsonapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-passport/passport/internal/storable"
)

// faults are the validation errors of an input, by field, in the order of the
// checks.
type faults []fault

type fault struct {
	field string
	texts []string
	cause error // for the log, if it says more
}

// add adds validation errors of a field.
func (f *faults) add(field string, texts ...string) {
	*f = append(*f, fault{field: field, texts: texts})
}

// MarshalJSON implements [json.Marshaler]. It writes an object with a list for each
// field.
func (f faults) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	for i, fault := range f {
		b.WriteByte("{,"[min(i, 1)])
		field, err := json.Marshal(fault.field)
		if err != nil {
			return nil, err
		}
		texts, err := json.Marshal(fault.texts)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%s:%s", field, texts)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// err returns a 422 failure, or nil if there are no faults.
func (f faults) err() error {
	if len(f) == 0 {
		return nil
	}
	more := -1
	var causes []error
	for _, fault := range f {
		more += len(fault.texts)
		causes = append(causes, fault.cause)
	}
	message := f[0].texts[0]
	switch {
	case more == 1:
		message += " (and 1 more error)"
	case more > 1:
		message += fmt.Sprintf(" (and %d more errors)", more)
	}
	return &failure{status: http.StatusUnprocessableEntity, Message: message, Errors: f, cause: errors.Join(causes...)}
}

// maxName is the maximum length, in characters, of a client's or token's name in
// this API.
const maxName = 191

// name checks the field name.
func (f *faults) name(value any) string {
	name, isText := value.(string)
	switch {
	case isEmpty(value):
		f.add("name", "The name field is required.")
	case !isText:
		f.add("name", "The name field must be a string.")
	case utf8.RuneCountInString(name) > maxName:
		f.add("name", fmt.Sprintf("The name field must not be greater than %d characters.", maxName))
	case !storable.Name(name):
		f.add("name", "The name field must be text without control and format characters, of at most 255 bytes.")
	}
	return name
}

// maxRedirects is the maximum number of redirect URIs of a client in this API. Each
// request with one of the client's tokens reads all of them.
const maxRedirects = 100

// redirects checks the field redirect: URIs separated by commas. Our rules are
// stricter than Laravel's, whose message comes first; further messages name the
// violated rule.
func (f *faults) redirects(value any, check func(uri string) error) (uris []string) {
	list, isText := value.(string)
	switch {
	case isEmpty(value):
		f.add("redirect", "The redirect field is required.")
		return nil
	case !isText:
		f.add("redirect", "The redirect field must be a string.")
		return nil
	case strings.Count(list, ",") >= maxRedirects:
		f.add("redirect", fmt.Sprintf("The redirect field must not have more than %d items.", maxRedirects))
		return nil
	}
	var reasons []string
	for uri := range strings.SplitSeq(list, ",") {
		uri = strings.TrimSpace(uri)
		if err := check(uri); err != nil {
			reasons = append(reasons, fmt.Sprintf("The redirect URI %.200q %v.", uri, err))
		}
		uris = append(uris, uri)
	}
	if len(reasons) > 0 {
		f.add("redirect", append([]string{"One or more redirects have an invalid URI format."}, reasons...)...)
	}
	return uris
}

// isEmpty reports whether Laravel's rule "required" refuses a value: null, and an
// empty list or object.
func isEmpty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// boolean checks a boolean field. It returns absent if the field is missing. As in
// Laravel, null and an empty string are not booleans.
func (f *faults) boolean(field string, in input, absent bool) bool {
	value, sent := in[field]
	if !sent {
		return absent
	}
	switch value {
	case true, "1", 1.0:
		return true
	case false, "0", 0.0:
		return false
	}
	f.add(field, fmt.Sprintf("The %s field must be true or false.", field))
	return absent
}

// scopes checks the field scopes: a list of registered scopes. `*` is not allowed.
// Null means none. A value that is not a list also breaks the rule for its content,
// unless it is a single registered scope. check returns the error for the log.
func (f *faults) scopes(value any, check func(id string) error) (ids []string) {
	const notAnArray = "The scopes field must be an array."
	var list []any
	switch v := value.(type) {
	case nil:
		return nil
	case []any:
		list = v
	case map[string]any:
		f.add("scopes", notAnArray)
		return nil
	default:
		texts := []string{notAnArray}
		id, _ := value.(string)
		err := check(id)
		if err != nil {
			texts = append(texts, selectedScopes)
		}
		*f = append(*f, fault{"scopes", texts, err})
		return nil
	}
	for _, item := range list {
		id, _ := item.(string)
		if err := check(id); err != nil {
			*f = append(*f, fault{"scopes", []string{selectedScopes}, err})
			return nil
		}
		ids = append(ids, id)
	}
	return ids
}

const selectedScopes = "The selected scopes is invalid."

// expiry checks the field expires_at. It is a date, which means its first moment in
// UTC, or a time (RFC 3339). The result is zero if the field is missing.
func (f *faults) expiry(value any, at, latest time.Time) time.Time {
	if value == nil {
		return time.Time{}
	}
	text, _ := value.(string)
	expires, err := time.Parse(time.RFC3339, text)
	if err != nil {
		expires, err = time.Parse(time.DateOnly, text)
	}
	switch {
	case err != nil:
		f.add("expires_at", "The expires at field must be a valid date, such as 2026-12-31 or 2026-12-31T23:59:59Z.")
	case !at.Before(expires):
		f.add("expires_at", "The expires at field must be a date after now.")
	case expires.After(latest):
		f.add("expires_at", fmt.Sprintf("The expires at field must not be a date after %s.", latest.Format(time.RFC3339)))
	}
	return expires
}
