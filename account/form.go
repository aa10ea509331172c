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

// Errors of a form: errForeign means that a page of another site sent it, errForm that
// the request does not hold this form, errSlow that the form arrived too slowly, and
// errMethod that the request method is wrong.
var (
	errForeign = errors.New("the form was not sent from a page of this site")
	errForm    = errors.New("the request body is not the form of this page")
	errSlow    = errors.New("the form did not arrive in time")
	errMethod  = errors.New("the page accepts only GET and POST")
)

// readForm parses the form and checks that one of our pages sent it.
func (a *Accounts) readForm(r *http.Request) (url.Values, error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return nil, fmt.Errorf("%w: its Content-Type is %q", errForm, r.Header.Get("Content-Type"))
	}
	if err := formdata.ParseForm(r, isField); bodylimit.TimedOut(err) {
		return nil, errSlow
	} else if err != nil {
		return nil, fmt.Errorf("%w: it cannot be read", errForm) // the error may quote it
	}
	for _, values := range r.PostForm {
		if len(values) > 1 {
			return nil, fmt.Errorf("%w: a field occurs more than once", errForm)
		}
		if !utf8.ValidString(values[0]) || strings.Contains(values[0], "\x00") {
			return nil, fmt.Errorf("%w: a field is not valid text", errForm)
		}
	}
	return r.PostForm, a.checkForm(r)
}

// isField reports whether a malformed field with this name invalidates the form. Any
// other malformed field is ignored: a link may have added it to the page's query.
func isField(name string) bool {
	return slices.Contains([]string{"email", "password", "current_password", "new_password", "confirm_password", "session", "all", "token", "return_to", "form_token"}, name)
}

// checkForm refuses a form from a page of another site. That includes a form that signs
// the user in to the attacker's account (login CSRF).
//
// Most browsers send Sec-Fetch-Site, so the form needs no token. Other browsers send
// "Origin: null", because our pages forbid the Referer. The form's token must then
// equal a cookie, which browsers do not send with a form from another site.
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

// formToken returns the token for a form and sets its cookie if checkForm needs a token
// from this browser.
func (a *Accounts) formToken(w http.ResponseWriter, r *http.Request) string {
	if !a.forms.NeedsToken(r) {
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
