package passport

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

// maxParameter is as long as the value of any one parameter may be.
const maxParameter = 8 << 10

// received reads what is left of a request's body and returns the time, which is
// the request's: it is judged by what holds once it is there in full, and not by
// what held when its first byte came. The body can be read before, and not after,
// so an endpoint that takes the time too early gets no body.
//
// Nothing else gives an endpoint the time; internal/archtest checks that.
func received(r *http.Request) (time.Time, error) {
	if r.Body != nil {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return time.Time{}, err
		}
	}
	return clock.Now(), nil
}

// formBody reads the body of a token request, a form and nothing else
// (RFC 6749 §3.2), and returns it with the time of the request. What is in the
// query is not read, but a secret there is refused, for it stands in somebody's
// log by now.
func formBody(r *http.Request) (url.Values, time.Time, error) {
	form, err := parseFormBody(r)
	if err != nil {
		return nil, time.Time{}, err
	}
	at, err := received(r)
	if err != nil {
		return nil, at, unreadable(err)
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
		if tooLarge(err) || bodylimit.TimedOut(err) {
			return nil, unreadable(err)
		}
		if len(r.PostForm) == 0 {
			return nil, oauth.InvalidRequest.Errorf("the body is not a form")
		}
		return nil, oauth.InvalidRequest.Errorf("the form is not properly encoded")
	}
	for name, values := range r.PostForm {
		if err := checkParameter(name, values, name == "resource" || name == "audience"); err != nil {
			return nil, err
		}
	}
	return r.PostForm, nil
}

// unreadable is the error for a body that cannot be read.
func unreadable(err error) error {
	switch {
	case tooLarge(err):
		return fmt.Errorf("%w: %w", err, oauth.InvalidRequest.Errorf("the body is larger than %d bytes", maxBody))
	case bodylimit.TimedOut(err):
		return fmt.Errorf("%w: %w", err, oauth.InvalidRequest.Errorf("the body did not arrive in time"))
	}
	return fmt.Errorf("%w: %w", err, oauth.InvalidRequest.Errorf("the request is not properly encoded"))
}

// unreadableStatus is the status for a body that is too large or too slow; for any
// other error it is 0.
func unreadableStatus(err error) int {
	switch {
	case tooLarge(err):
		return http.StatusRequestEntityTooLarge
	case bodylimit.TimedOut(err):
		return http.StatusRequestTimeout
	}
	return 0
}

func tooLarge(err error) bool {
	_, large := errors.AsType[*http.MaxBytesError](err)
	return large
}

// checkParameter refuses what no parameter may be: repeated (RFC 6749 §3.1,
// §3.2), an array as PHP writes it, too long, not text.
func checkParameter(name string, values []string, many bool) error {
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
		case len(v) > maxParameter:
			return oauth.InvalidRequest.Errorf("%s is longer than %d bytes", shown, maxParameter)
		case !utf8.ValidString(v):
			return oauth.InvalidRequest.Errorf("%s is not UTF-8", shown)
		case strings.ContainsAny(v, "\x00\r\n"):
			return oauth.InvalidRequest.Errorf("%s holds a NUL or a line end", shown)
		}
	}
	return nil
}
