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
	"github.com/go-passport/passport/internal/formdata"
	"github.com/go-passport/passport/internal/sameorigin"
)

// Errors of a form: ErrForeign means that a page of another site sent it, ErrForm that
// the body is not this form, and ErrSlow that the form arrived too slowly.
var (
	ErrForeign = errors.New("the form was not sent from a page of this site")
	ErrForm    = errors.New("the request body is not the form of this page")
	ErrSlow    = errors.New("the form did not arrive in time")
)

// Token is the hidden field with the token of a form, for browsers that do not say
// where a form comes from.
const Token = "form_token"

// Reader reads the forms of some pages.
type Reader struct {
	Origin *sameorigin.Guard

	// Fields are the names of all fields. A malformed field with another name is
	// ignored: a link may have added it to the page's query.
	Fields []string

	// Others allows any values in fields with other names, which a middleware of the
	// application adds. Otherwise they occur once too, and are text.
	Others bool
}

// Read parses a form. Each field occurs once at most and is valid text. tokenMatches
// reports whether the form has the token of its browser; most browsers need none.
func (f Reader) Read(r *http.Request, tokenMatches func() bool) (url.Values, error) {
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
		case len(values) > 1:
			return nil, fmt.Errorf("%w: a field occurs more than once", ErrForm)
		case !utf8.ValidString(values[0]) || strings.Contains(values[0], "\x00"):
			return nil, fmt.Errorf("%w: a field is not valid text", ErrForm)
		}
	}
	if err := f.Origin.CheckForm(r, tokenMatches); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForeign, err)
	}
	return r.PostForm, nil
}

func (f Reader) has(name string) bool { return slices.Contains(f.Fields, name) }
