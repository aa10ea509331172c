// Package formdata reads the parameters of a query and of a form. It ignores a
// malformed parameter that the endpoint does not know (RFC 6749 §3.1), and names a
// malformed parameter that the endpoint knows. net/http fails in both cases, and
// names none.
package formdata

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Malformed is a known parameter that is not properly encoded.
type Malformed struct{ Name string }

// Error implements [error].
func (m *Malformed) Error() string {
	return fmt.Sprintf("%s is not properly encoded: send %%25 for a %% and %%3B for a semicolon", m.Name)
}

// MaxParameters is the maximum number of parameters in a text.
const MaxParameters = 1000

// ErrTooMany is the error for more than [MaxParameters] parameters.
var ErrTooMany = fmt.Errorf("more than %d parameters", MaxParameters)

// Parse reads an application/x-www-form-urlencoded text. Only & separates
// parameters. A malformed parameter is an error if known has its name, and is left
// out otherwise. A semicolon that is not encoded is malformed in the value of a known
// parameter, because a proxy may take it for a separator.
func Parse(text string, known func(name string) bool) (url.Values, error) {
	values := url.Values{}
	if strings.Count(text, "&") >= MaxParameters {
		return values, ErrTooMany
	}
	var malformed *Malformed
	for pair := range strings.SplitSeq(text, "&") {
		if pair == "" {
			continue
		}
		raw, rawValue, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(raw)
		if err != nil {
			continue // no known name
		}
		value, err := url.QueryUnescape(rawValue)
		if err == nil && !strings.Contains(pair, ";") {
			values[name] = append(values[name], value)
			continue
		}
		if known(name) && malformed == nil {
			malformed = &Malformed{name}
		}
	}
	if malformed != nil {
		return values, malformed
	}
	return values, nil
}

// ParseForm sets r.Form and r.PostForm as [http.Request.ParseForm] does, with
// [Parse]. It keeps values that are already set, because a middleware has read the
// body. If the middleware restored the body, a malformed parameter is still an
// error. Otherwise net/http has dropped the parameter, and the request is like one
// without it. The error is a [Malformed] or an error of reading the body.
func ParseForm(r *http.Request, known func(name string) bool) error {
	query, err := Parse(r.URL.RawQuery, known)
	parsed := r.PostForm != nil
	text, readErr := formBody(r, parsed)
	if readErr != nil {
		return readErr
	}
	form, bodyErr := Parse(text, known)
	if bodyErr != nil {
		err = bodyErr
	}
	if !parsed {
		r.PostForm = form
	}
	if r.Form == nil {
		r.Form = url.Values{}
		for _, part := range []url.Values{r.PostForm, query} {
			for name, values := range part {
				r.Form[name] = append(r.Form[name], values...)
			}
		}
	}
	return err
}

// formBody reads the body of a request that has a form. If parsed, a middleware has
// read it before, and there may be nothing left.
func formBody(r *http.Request, parsed bool) (string, error) {
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	hasForm := slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodPatch}, r.Method)
	if !hasForm || media != "application/x-www-form-urlencoded" || parsed && r.Body == nil {
		return "", nil
	}
	if r.Body == nil { // a program created the request
		return "", errors.New("the form is missing")
	}
	text, err := io.ReadAll(r.Body)
	if parsed && errors.Is(err, http.ErrBodyReadAfterClose) {
		return "", nil
	}
	return string(text), err
}
