package account

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/go-passport/passport/internal/pageform"
	"github.com/go-passport/passport/internal/sameorigin"
	"github.com/go-passport/passport/internal/secret"
)

// errMethod means that the request method is wrong.
var errMethod = errors.New("the page accepts only GET and POST")

// formsOf returns the reader of the forms. It refuses a form from a page of another
// site, also a form that signs the user in to the attacker's account (login CSRF).
//
// Most browsers send Sec-Fetch-Site, so the form needs no token. Other browsers send
// "Origin: null", because our pages forbid the Referer. The form's token must then
// equal a cookie, which browsers do not send with a form from another site.
func formsOf(issuer string) pageform.Reader {
	return pageform.Reader{
		Origin: sameorigin.New(issuer),
		Fields: []string{"email", "password", "current_password", "new_password", "confirm_password", "session", "all", "token", "return_to", pageform.Token},
	}
}

// readForm parses the form and checks that one of our pages sent it.
func (a *Accounts) readForm(r *http.Request) (url.Values, error) {
	return a.forms.Read(r, func() bool {
		cookie, ok := a.cookies.value(r, a.cookies.form)
		return ok && secret.Equal(cookie, r.PostForm.Get(pageform.Token))
	})
}

// formToken returns the token for a form and sets its cookie if readForm needs a token
// from this browser.
func (a *Accounts) formToken(w http.ResponseWriter, r *http.Request) string {
	if !a.forms.Origin.NeedsToken(r) {
		return ""
	}
	token, ok := a.cookies.value(r, a.cookies.form)
	if !ok { // all tabs share the cookie
		token = secret.New()
		a.cookies.set(w, a.cookies.form, token, 0)
	}
	return token
}

// returnTo returns the return address in a query or form. It is empty if there is none
// or if it is not a safe local path.
func returnTo(values url.Values) string {
	if all := values["return_to"]; len(all) == 1 {
		return localPath(all[0], "")
	}
	return ""
}
