package wire

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-passport/passport/internal/bodylimit"
	"github.com/go-passport/passport/internal/clock"
	"github.com/go-passport/passport/oauth"
)

// The maximum size of a request's body, and of a parameter's value, in bytes.
const (
	MaxBody      = 64 << 10
	MaxParameter = 8 << 10
)

// Received reads the rest of a request's body and returns the time of the request.
// The server judges a request by the state when it is complete, not by the state at
// its first byte. An endpoint that takes the time before it reads the body gets no
// body.
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
	if r.URL.Query().Has("client_secret") {
		return nil, oauth.InvalidRequest.Errorf("client_secret was sent in the URL, where it is logged: send it in the body or the Authorization header, and replace it")
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return nil, oauth.InvalidRequest.Errorf("the body must be a form: Content-Type application/x-www-form-urlencoded")
	}
	if err := r.ParseForm(); err != nil {
		if TooLarge(err) || bodylimit.TimedOut(err) {
			return nil, Unreadable(err)
		}
		if len(r.PostForm) == 0 {
			return nil, oauth.InvalidRequest.Errorf("the body is not a form")
		}
		return nil, oauth.InvalidRequest.Errorf("the form is not properly encoded")
	}
	for name, values := range r.PostForm {
		if err := CheckParameter(name, values, name == "resource" || name == "audience"); err != nil {
			return nil, err
		}
	}
	return r.PostForm, nil
}

// Unreadable is the error for a body that cannot be read.
func Unreadable(err error) error {
	switch {
	case TooLarge(err):
		return fmt.Errorf("%w: %w", err, oauth.InvalidRequest.Errorf("the body is larger than %d bytes", MaxBody))
	case bodylimit.TimedOut(err):
		return fmt.Errorf("%w: %w", err, oauth.InvalidRequest.Errorf("the body did not arrive in time"))
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
