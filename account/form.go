package account

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
	"github.com/go-passport/passport/internal/secret"
)

// errForeign says that another site's page sent a form. errForm says that what
// was sent is no form of ours, errSlow that it came too slowly, and errMethod that
// it came by another method.
var (
	errForeign = errors.New("the form was not sent by a page of this site")
	errForm    = errors.New("what was sent is not the form of this page")
	errSlow    = errors.New("the form did not arrive in time")
	errMethod  = errors.New("the page takes GET and POST")
)

// readForm returns the form that a page of ours sent.
func (a *Accounts) readForm(r *http.Request) (url.Values, error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return nil, fmt.Errorf("%w: its type is %q", errForm, r.Header.Get("Content-Type"))
	}
	if err := formdata.ParseForm(r, isField); bodylimit.TimedOut(err) {
		return nil, errSlow
	} else if err != nil {
		return nil, fmt.Errorf("%w: it cannot be read", errForm) // the error may quote it
	}
	for _, values := range r.PostForm {
		if len(values) > 1 {
			return nil, fmt.Errorf("%w: a field is there more than once", errForm)
		}
		if !utf8.ValidString(values[0]) || strings.Contains(values[0], "\x00") {
			return nil, fmt.Errorf("%w: a field is not text", errForm)
		}
	}
	return r.PostForm, a.checkForm(r)
}

// isField reports whether a form is refused if it has a malformed field of a name.
// Any other malformed field is left out: a link may have added one to the page's
// query.
func isField(name string) bool {
	return slices.Contains([]string{"email", "password", "return_to", "form_token"}, name)
}

// checkForm refuses a form that a page of another site had the browser send. To sign
// a user in to an attacker's account is an attack too (login CSRF).
//
// Most browsers say in Sec-Fetch-Site where a form comes from, so it needs no token.
// Others don't, and our pages forbid the Referer, so the form comes with "Origin:
// null". Its token must then equal a cookie, which browsers do not send with the
// form of another site.
func (a *Accounts) checkForm(r *http.Request) error {
	err := a.forms.CheckForm(r, func() bool {
		cookie, ok := a.cookies.value(r, a.cookies.form)
		return ok && secret.Equal(cookie, r.PostForm.Get("form_token"))
	})
	if err != nil {
		return fmt.Errorf("%w: %w", errForeign, err)
	}
	return nil
}

// formToken returns the token for a form and sets its cookie, if checkForm will need
// one from this browser.
func (a *Accounts) formToken(w http.ResponseWriter, r *http.Request) string {
	if !a.forms.NeedsToken(r) {
		return ""
	}
	token, ok := a.cookies.value(r, a.cookies.form)
	if !ok { // one for all tabs
		token = secret.New()
		a.cookies.set(w, a.cookies.form, token, 0)
	}
	return token
}

// returnTo is the return address in a query or form; empty when there is none
// that may be followed.
func returnTo(values url.Values) string {
	if all := values["return_to"]; len(all) == 1 {
		return localPath(all[0], "")
	}
	return ""
}
