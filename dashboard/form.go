package dashboard

import (
	"errors"
	"fmt"
	"html/template"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-passport/passport/internal/bodylimit"
	"github.com/go-passport/passport/internal/formdata"
	"github.com/go-passport/passport/internal/secret"
)

// Errors of a form: errForeign means that a page of another site sent it, errForm that
// the request does not hold this form, errSlow that the form arrived too slowly, and
// errMethod that the request method is wrong.
var (
	errForeign = errors.New("the form was not sent from a page of this site")
	errForm    = errors.New("the request does not hold the form of this page")
	errSlow    = errors.New("the form did not arrive in time")
	errMethod  = errors.New("the page does not accept this method")
)

// fields are the fields of our forms. An application's middleware may add others.
var fields = []string{"client", "confirm", "form_token"}

// readForm parses the form and checks that one of our pages sent it.
func (d *Dashboard) readForm(r *http.Request) (url.Values, error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return nil, fmt.Errorf("%w: its Content-Type is %q", errForm, r.Header.Get("Content-Type"))
	}
	if r.PostForm == nil { // a middleware of the application may have read it
		err := formdata.ParseForm(r, func(name string) bool { return slices.Contains(fields, name) })
		if bodylimit.TimedOut(err) {
			return nil, errSlow
		} else if err != nil {
			return nil, fmt.Errorf("%w: it cannot be read", errForm) // the error may quote it
		}
	}
	for _, name := range fields {
		values := r.PostForm[name]
		if len(values) > 1 {
			return nil, fmt.Errorf("%w: the field %s occurs more than once", errForm, name)
		}
		if len(values) == 1 && (!utf8.ValidString(values[0]) || strings.Contains(values[0], "\x00")) {
			return nil, fmt.Errorf("%w: the field %s is not valid text", errForm, name)
		}
	}
	return r.PostForm, d.checkForm(r)
}

// checkForm refuses a form from a page of another site. Most browsers say where a form
// comes from. For the others the form has a token that equals a cookie, unless the
// application's middleware has checked its own token.
func (d *Dashboard) checkForm(r *http.Request) error {
	err := d.forms.CheckForm(r, func() bool {
		if d.config.FormField != nil {
			return true
		}
		cookie, ok := d.formCookie(r)
		return ok && secret.Equal(cookie, r.PostForm.Get("form_token"))
	})
	if err != nil {
		return fmt.Errorf("%w: %w", errForeign, err)
	}
	return nil
}

// formField returns the hidden field of a form. It sets the cookie of our token if
// checkForm needs one from this browser.
func (d *Dashboard) formField(w http.ResponseWriter, r *http.Request) template.HTML {
	switch {
	case d.config.FormField != nil:
		return d.config.FormField(r)
	case !d.forms.NeedsToken(r):
		return ""
	}
	token, ok := d.formCookie(r)
	if !ok { // all tabs share the cookie
		token = secret.New()
		http.SetCookie(w, d.cookies.New(d.cookieName(), token, 0))
	}
	return template.HTML(`<input type="hidden" name="form_token" value="` + token + `">`) //nolint:gosec // letters and digits
}

func (d *Dashboard) cookieName() string { return d.cookies.Host("dashboard") }

// formCookie returns the token of the browser. ok is false for a value that we did not
// set.
func (d *Dashboard) formCookie(r *http.Request) (token string, ok bool) {
	all := r.CookiesNamed(d.cookieName())
	if len(all) != 1 || len(all[0].Value) != secretLength || strings.Trim(all[0].Value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" {
		return "", false
	}
	return all[0].Value, true
}

// secretLength is the length of a value from secret.New.
const secretLength = 52
