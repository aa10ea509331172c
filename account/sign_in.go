package account

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/oauth"
)

// The values of the sign-in page's prompt parameter: a new sign-in of the same user, a
// sign-in of another user, and the same because the app expects one. Without it, the page asks a signed-in user whether to
// continue.
const (
	promptLogin   = "login"
	promptAnother = "another"
	promptOther   = "other"
)

// showSignIn shows the form, or the choices of a signed-in user.
func (a *Accounts) showSignIn(w http.ResponseWriter, r *http.Request) {
	s, err := a.session(r)
	if err != nil && !errors.Is(err, oauth.ErrNotFound) {
		a.fail(w, r, err)
		return
	}
	if err != nil {
		s = nil
	}
	v := a.view(w, r, s)
	v.ReturnTo = returnTo(r.URL.Query())
	why, prompt := a.reason(r, v.ReturnTo), r.URL.Query().Get("prompt")
	v.App, v.Email = appOf(why), page.Text(why.LoginHint, maxEmail)
	if why.Recent && s != nil && prompt != promptAnother {
		a.render(w, r, http.StatusOK, v.confirms(s), v)
		return
	}
	a.render(w, r, http.StatusOK, v.choose(s, prompt), v)
}

// confirms prepares the page on which the user of the session s enters the password again,
// and returns its name.
func (v *view) confirms(s *session) string {
	v.User, v.Username, v.Another = show(s), s.user.Email, v.anotherURL()
	return "confirm"
}

// anotherURL returns the URL of the form for another account.
func (v *view) anotherURL() string {
	return v.SignIn + "?" + url.Values{"prompt": {promptAnother}, "return_to": {v.ReturnTo}}.Encode()
}

// choose returns the name of the page for a browser with the session s. s may be nil.
func (v *view) choose(s *session, prompt string) string {
	switch {
	case s == nil:
	case prompt == promptAnother:
		v.User = nil
	case prompt == promptOther:
		v.OtherUser = true
	case v.ReturnTo == "":
		return "sign_out"
	case prompt == promptLogin:
		v.Email = s.user.Email
	default:
		v.Another = v.anotherURL()
		return "continue"
	}
	return "sign_in"
}

// signIn handles the form. After a right password it redirects to the return address.
// That is on this origin, so the browser's form-action policy allows it.
func (a *Accounts) signIn(w http.ResponseWriter, r *http.Request) {
	form, err := a.forms.Read(r)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	v := a.view(w, r, nil)
	v.ReturnTo, v.Email = returnTo(form), page.Text(form.Get("email"), maxEmail)
	why, shown := a.reason(r, v.ReturnTo), "sign_in"
	v.App = appOf(why)
	if s, err := a.session(r); err == nil && why.Recent && s.user.Email == form.Get("email") {
		shown = v.confirms(s)
	}
	if v.lacks(form) {
		a.render(w, r, http.StatusUnprocessableEntity, shown, v)
		return
	}
	var user *User
	err = a.authenticate(r.Context(), form.Get("email"), form.Get("password"), func(p *proof) error {
		user = p.user
		return a.open(w, r, p)
	})
	if errors.Is(err, errRefused) { // the page is the same whether the account exists or not
		v.refuses(shown)
		a.render(w, r, http.StatusUnprocessableEntity, shown, v)
		return
	}
	if err != nil {
		a.refuse(w, r, shown, v, err)
		return
	}
	a.logSignIn(r, user)
	a.sendOn(w, r, cmp.Or(v.ReturnTo, v.Home))
}

// refuses sets the message about a wrong password.
func (v *view) refuses(page string) {
	if page == "confirm" {
		v.PasswordFault = "That is not your password."
		return
	}
	v.Mismatch, v.Alert = true, "The email address and the password do not match."
}

// lacks sets the errors of empty fields and reports whether there are any. An
// incomplete form does not count as an attempt.
func (v *view) lacks(form url.Values) bool {
	if trimmed(form.Get("email")) == "" {
		v.EmailFault = "Enter your email address."
	}
	if form.Get("password") == "" {
		v.PasswordFault = "Enter your password."
	}
	return v.EmailFault+v.PasswordFault != ""
}

// refuse shows the page again if there were too many attempts, or else an error page.
func (a *Accounts) refuse(w http.ResponseWriter, r *http.Request, page string, v view, err error) {
	throttled, ok := errors.AsType[*throttledError](err)
	if !ok {
		a.fail(w, r, err)
		return
	}
	wait := max(time.Until(throttled.until), time.Second)
	w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	v.Alert = "Too many sign-in attempts. To protect the account, please wait " + waiting(wait) + " before you try again."
	a.render(w, r, http.StatusTooManyRequests, page, v)
}

// logSignIn logs the sign-in of a user.
func (a *Accounts) logSignIn(r *http.Request, u *User) {
	info := reqinfo.From(r.Context())
	a.log.InfoContext(r.Context(), "signed in", "request_id", info.ID, "address", info.Address, "user", a.ref(u.ID))
}
