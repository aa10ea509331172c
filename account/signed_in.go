package account

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/go-passport/passport/oauth"
)

// signedIn returns the browser's session. Without one, it redirects to the sign-in page,
// which leads back to the page at path; on an error it shows an error page. In both
// cases it returns nil.
func (a *Accounts) signedIn(w http.ResponseWriter, r *http.Request, path string) *session {
	s, err := a.session(r)
	switch {
	case err == nil:
		return s
	case errors.Is(err, oauth.ErrNotFound):
		a.sendOn(w, r, a.prefix+signInPath+"?"+url.Values{"return_to": {path}}.Encode())
	default:
		a.fail(w, r, err)
	}
	return nil
}

// accountView returns the data of the page at path, for a signed-in user.
func (a *Accounts) accountView(w http.ResponseWriter, r *http.Request, s *session, path string) view {
	v := a.view(w, r, s)
	v.Page = path
	return v
}

// showAccount shows who is signed in, and what the user can do.
func (a *Accounts) showAccount(w http.ResponseWriter, r *http.Request) {
	path := a.accountPath("")
	if s := a.signedIn(w, r, path); s != nil {
		a.render(w, r, http.StatusOK, "account", a.accountView(w, r, s, path))
	}
}
