package wire

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-passport/passport/internal/bodylimit"
	"github.com/go-passport/passport/internal/clock"
	"github.com/go-passport/passport/internal/formdata"
	"github.com/go-passport/passport/oauth"
)

// The maximum size of a request's body, and of a parameter's value, in bytes.
const (
	MaxBody      = 64 << 10
	MaxParameter = 8 << 10
)

// Received reads the rest of a request's body and returns the time of the request.
// The server judges a request by the state when it is complete, not by the state at
// its first byte. An endpoint that calls Received before it reads the body gets an
// empty body.
//
// No other function gives an endpoint the time; internal/archtest checks that.
func Received(r *http.Request) (time.Time, error) {
	if r.Body != nil {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return time.Time{}, err
		}
	}
	return clock.Now(), nil
}

// FormBody reads the body of a client's request, which must be a form (RFC 6749
// §3.2), and returns it with the time of the request. It ignores the query, but
// refuses a secret in it, because logs already contain it.
func FormBody(r *http.Request) (url.Values, time.Time, error) {
	form, err := parseFormBody(r)
	if err != nil {
		return nil, time.Time{}, err
	}
	at, err := Received(r)
	if err != nil {
		return nil, at, Unreadable(err)
	}
	return form, at, nil
}

func parseFormBody(r *http.Request) (url.Values, error) {
	isSecret := func(name string) bool { return name == "client_secret" }
	if query, err := formdata.Parse(r.URL.RawQuery, isSecret); err != nil || query.Has("client_secret") {
		return nil, oauth.InvalidRequest.Errorf("client_secret was sent in the URL, where it is logged: send it in the body or the Authorization header, and replace it")
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return nil, oauth.InvalidRequest.Errorf("the body must be a form: Content-Type application/x-www-form-urlencoded")
	}
	if err := formdata.ParseForm(r, knownParameter); err != nil {
		return nil, Unreadable(err)
	}
	form := url.Values{}
	for name, values := range r.PostForm {
		many := name == "resource" || name == "audience"
		if err := CheckParameter(name, values, many); err == nil {
			form[name] = values
		} else if knownParameter(name) || len(values) > 1 {
			return nil, err
		}
	}
	return form, nil
}

// known are the parameters of the endpoints that clients call (RFC 6749, RFC 7009,
// RFC 7521, RFC 7636, RFC 7662, RFC 8628, RFC 8693 and RFC 8707). A malformed one is
// refused. Any other is ignored if it is malformed, and left to a custom grant
// otherwise.
var known = strings.Fields(`grant_type client_id client_secret scope resource audience
	code redirect_uri code_verifier refresh_token username password token token_type_hint device_code
	assertion client_assertion client_assertion_type subject_token subject_token_type actor_token actor_token_type requested_token_type`)

// knownParameter reports whether known has a name, with or without array brackets.
func knownParameter(name string) bool {
	base, _, _ := strings.Cut(name, "[")
	return slices.Contains(known, base)
}

// Unreadable is the error for a body that cannot be read.
func Unreadable(err error) error {
	switch {
	case TooLarge(err):
		return fmt.Errorf("%w: %w", err, oauth.InvalidRequest.Errorf("the body is larger than %d bytes", MaxBody))
	case bodylimit.TimedOut(err):
		return fmt.Errorf("%w: %w", err, oauth.InvalidRequest.Errorf("the body did not arrive in time"))
	}
	if bad, ok := errors.AsType[*formdata.Malformed](err); ok {
		return oauth.InvalidRequest.Errorf("%s", bad)
	}
	if errors.Is(err, formdata.ErrTooMany) {
		return oauth.InvalidRequest.Errorf("the request has more than %d parameters", formdata.MaxParameters)
	}
	return fmt.Errorf("%w: %w", err, oauth.InvalidRequest.Errorf("the request is not properly encoded"))
}

// UnreadableStatus returns the status for a body that is too large or too slow, and
// 0 for any other error.
func UnreadableStatus(err error) int {
	switch {
	case TooLarge(err):
		return http.StatusRequestEntityTooLarge
	case bodylimit.TimedOut(err):
		return http.StatusRequestTimeout
	}
	return 0
}

// TooLarge reports whether err means that the body is larger than [MaxBody].
func TooLarge(err error) bool {
	_, large := errors.AsType[*http.MaxBytesError](err)
	return large
}

// CheckParameter refuses a parameter that is repeated (RFC 6749 §3.1, §3.2), a PHP
// array, too long, or not plain text. With many, it may be repeated.
func CheckParameter(name string, values []string, many bool) error {
	shown := name
	if len(shown) > 40 {
		shown = shown[:40]
	}
	if base, _, array := strings.Cut(name, "["); array && base != "" {
		return oauth.InvalidRequest.Errorf("%s is an array: parameters are plain strings", shown)
	}
	if len(values) > 1 && !many {
		return oauth.InvalidRequest.Errorf("%s is given more than once", shown)
	}
	for _, v := range values {
		switch {
		case len(v) > MaxParameter:
			return oauth.InvalidRequest.Errorf("%s is longer than %d bytes", shown, MaxParameter)
		case !utf8.ValidString(v):
			return oauth.InvalidRequest.Errorf("%s is not UTF-8", shown)
		case strings.ContainsAny(v, "\x00\r\n"):
			return oauth.InvalidRequest.Errorf("%s holds a NUL or a line end", shown)
		}
	}
	return nil
}
