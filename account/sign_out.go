package account

import (
	"errors"
	"net/http"

	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/oauth"
)

// showSignOut asks for confirmation. Only the form signs the user out; a link, an image
// or a prefetched page does not.
func (a *Accounts) showSignOut(w http.ResponseWriter, r *http.Request) {
	s, err := a.session(r)
	half := false
	if errors.Is(err, oauth.ErrNotFound) {
		half, err = a.halfEnded(r)
	}
	if err != nil {
		a.fail(w, r, err)
		return
	}
	v := a.view(w, r, s)
	v.ReturnTo = returnTo(r.URL.Query())
	switch {
	case half:
		v.Alert = unfinished
		a.render(w, r, http.StatusOK, "sign_out", v)
	case s == nil:
		a.signedOut(w, r)
	default:
		a.render(w, r, http.StatusOK, "sign_out", v)
	}
}

const unfinished = "The sign-out is not complete: apps that you allowed in this session may still have access. Please try again."

// signOut handles the form. It confirms the sign-out only after all of it is stored.
func (a *Accounts) signOut(w http.ResponseWriter, r *http.Request) {
	form, err := a.forms.Read(r)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	if err := a.SignOut(w, r); err != nil {
		status := a.failed(w, r, err)
		v := a.view(w, r, nil)
		v.ReturnTo, v.Alert = returnTo(form), unfinished
		a.render(w, r, status, "sign_out", v)
		return
	}
	w.Header().Set("Clear-Site-Data", `"cache"`) // the back button must not show a page of the account
	a.log.InfoContext(r.Context(), "signed out", "request_id", reqinfo.From(r.Context()).ID)
	if to := returnTo(form); to != "" {
		a.sendOn(w, r, to)
		return
	}
	a.signedOut(w, r)
}

func (a *Accounts) signedOut(w http.ResponseWriter, r *http.Request) {
	v := a.view(w, r, nil)
	v.Title, v.Text, v.RequestID = "You are signed out", "No account is signed in to "+a.site+" in this browser.", ""
	a.render(w, r, http.StatusOK, "message", v)
}
