package dashboard

import (
	"errors"
	"html/template"
	"net/http"
	"net/url"

	"github.com/go-passport/passport/internal/pageform"
	"github.com/go-passport/passport/internal/sameorigin"
	"github.com/go-passport/passport/internal/secret"
)

// errMethod means that the request method is wrong.
var errMethod = errors.New("the page does not accept this method")

// formsOf returns the reader of the forms. An application's middleware may add fields.
func formsOf(issuer string) pageform.Reader {
	return pageform.Reader{Origin: sameorigin.New(issuer), Fields: []string{"client", "confirm", pageform.Token}, Others: true}
}

// readForm parses the form and checks that one of our pages sent it. Most browsers say
// where a form comes from. For the others the form has a token that equals a cookie,
// unless the application's middleware has checked its own token.
func (d *Dashboard) readForm(r *http.Request) (url.Values, error) {
	return d.forms.Read(r, func() bool {
		if d.config.FormField != nil {
			return true
		}
		cookie, ok := d.formCookie(r)
		return ok && secret.Equal(cookie, r.PostForm.Get(pageform.Token))
	})
}

// formField returns the hidden field of a form. It sets the cookie of our token if
// readForm needs one from this browser.
func (d *Dashboard) formField(w http.ResponseWriter, r *http.Request) template.HTML {
	switch {
	case d.config.FormField != nil:
		return d.config.FormField(r)
	case !d.forms.Origin.NeedsToken(r):
		return ""
	}
	token, ok := d.formCookie(r)
	if !ok { // all tabs share the cookie
		token = secret.New()
		http.SetCookie(w, d.cookies.New(d.cookieName(), token, 0))
	}
	return template.HTML(`<input type="hidden" name="` + pageform.Token + `" value="` + token + `">`) //nolint:gosec // letters and digits
}

func (d *Dashboard) cookieName() string { return d.cookies.Host("dashboard") }

// formCookie returns the token of the browser. ok is false for a value that we did not
// set.
func (d *Dashboard) formCookie(r *http.Request) (token string, ok bool) {
	all := r.CookiesNamed(d.cookieName())
	if len(all) != 1 || !secret.WellFormed(all[0].Value) {
		return "", false
	}
	return all[0].Value, true
}
