// Package pageform reads the form of a page, and checks that one of our pages sent it.
package pageform

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-passport/passport/internal/bodylimit"
	"github.com/go-passport/passport/internal/cookie"
	"github.com/go-passport/passport/internal/formdata"
	"github.com/go-passport/passport/internal/sameorigin"
	"github.com/go-passport/passport/internal/secret"
)

// Errors of a form: ErrForeign means that a page of another site sent it, ErrForm that
// the body is not this form, and ErrSlow that the form arrived too slowly.
var (
	ErrForeign = errors.New("the form was not sent from a page of this site")
	ErrForm    = errors.New("the request body is not the form of this page")
	ErrSlow    = errors.New("the form did not arrive in time")
)

// TokenField is the hidden field with the token of a form, for browsers that do not
// say where a form comes from. The token equals a cookie, which browsers do not send
// with a form from another site.
const TokenField = "form_token"

// Reader reads the forms of some pages.
type Reader struct {
	Origin  *sameorigin.Guard
	Cookies cookie.Names
	Name    string // of the cookie of the token

	// Fields are the names of all fields. A malformed field with another name is
	// ignored: a link may have added it to the page's query.
	Fields []string

	// Repeated are further names of fields, such as those of checkboxes: they may occur
	// any number of times.
	Repeated []string

	// Others allows any values in fields with other names, which a middleware of the
	// application adds. Otherwise they occur once too, and are text.
	Others bool

	// Checked means that a middleware of the application checks its own token, so that
	// the form needs none of ours.
	Checked bool
}

// Read parses a form and checks that one of our pages sent it. Each field is valid text,
// and occurs once at most unless it is in Repeated.
func (f Reader) Read(r *http.Request) (url.Values, error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return nil, fmt.Errorf("%w: its Content-Type is %q", ErrForm, r.Header.Get("Content-Type"))
	}
	if err := formdata.ParseForm(r, f.has); bodylimit.TimedOut(err) {
		return nil, ErrSlow
	} else if err != nil {
		return nil, fmt.Errorf("%w: it cannot be read", ErrForm) // the error may quote it
	}
	for name, values := range r.PostForm {
		switch {
		case f.Others && !f.has(name):
		case len(values) > 1 && !slices.Contains(f.Repeated, name):
			return nil, fmt.Errorf("%w: a field occurs more than once", ErrForm)
		case slices.ContainsFunc(values, notText):
			return nil, fmt.Errorf("%w: a field is not valid text", ErrForm)
		}
	}
	if err := f.Origin.CheckForm(r, func() bool { return f.Checked || f.tokenMatches(r) }); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForeign, err)
	}
	return r.PostForm, nil
}

// Token returns the token for a form that [Reader.Read] will read. It sets the cookie if
// the browser has none. The token is empty if Read needs none from this browser.
func (f Reader) Token(w http.ResponseWriter, r *http.Request) string {
	if f.Checked || !f.Origin.NeedsToken(r) {
		return ""
	}
	token, ok := cookie.Secret(r, f.Name)
	if !ok { // all tabs share the cookie
		token = secret.New()
		http.SetCookie(w, f.Cookies.New(f.Name, token, 0))
	}
	return token
}

func (f Reader) tokenMatches(r *http.Request) bool {
	token, ok := cookie.Secret(r, f.Name)
	return ok && secret.Equal(token, r.PostForm.Get(TokenField))
}

func (f Reader) has(name string) bool {
	return slices.Contains(f.Fields, name) || slices.Contains(f.Repeated, name)
}

func notText(s string) bool { return !utf8.ValidString(s) || strings.Contains(s, "\x00") }
