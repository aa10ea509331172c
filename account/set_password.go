package account

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/internal/sqldb"
)

const (
	// updateLinkedPassword compares the version that the link is bound to.
	updateLinkedPassword = `UPDATE passport_users SET password = ?, imported_password = NULL, session_version = session_version + 1 WHERE id = ? AND session_version = ? AND disabled_at IS NULL`
	verifyEmail          = `UPDATE passport_users SET email_verified_at = ? WHERE id = ? AND session_version = ? AND disabled_at IS NULL`

	// forgetPair lets a user sign in who has mistyped the old password too often.
	forgetPair = `UPDATE passport_sign_in_attempts SET tries = 0 WHERE id = ?`
)

// showSetPassword shows the form of a link to choose a password. It changes nothing:
// programs that check email for dangerous links open them, too.
func (a *Accounts) showSetPassword(w http.ResponseWriter, r *http.Request) {
	if l := a.opened(w, r, r.URL.Query(), forInvite, forReset); l != nil {
		a.render(w, r, http.StatusOK, "set_password", a.linkView(w, r, l, r.URL.Query()))
	}
}

// setPassword handles the form, and uses the link up.
func (a *Accounts) setPassword(w http.ResponseWriter, r *http.Request) {
	form, err := a.forms.Read(r)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	l := a.opened(w, r, form, forInvite, forReset)
	if l == nil {
		return
	}
	v := a.linkView(w, r, l, form)
	if v.lacksNew(form) {
		a.render(w, r, http.StatusUnprocessableEntity, "set_password", v)
		return
	}
	hash, err := a.newHash(r.Context(), form.Get("new_password"))
	if err == nil {
		err = a.use(r.Context(), l, func(ctx context.Context, tx *sqldb.Tx) error { return l.choose(ctx, tx, hash) })
	}
	if err != nil {
		a.failLink(w, r, err)
		return
	}
	a.passwordChosen(w, r, l)
}

// choose stores the chosen password, and ends all sessions and links of the user.
func (l *foundLink) choose(ctx context.Context, tx *sqldb.Tx, hash string) error {
	if err := changeUser(ctx, tx, updateLinkedPassword, hash, l.user.ID, l.version); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, deleteOtherSessions, l.user.ID, ""); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, deleteLinksOf, l.user.ID); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, forgetPair, newTry(emailKey(l.user.Email), reqinfo.From(ctx)).pair)
	return err
}

// passwordChosen ends what apps hold, and shows the result.
func (a *Accounts) passwordChosen(w http.ResponseWriter, r *http.Request, l *foundLink) {
	info, user := reqinfo.From(r.Context()), a.ref(l.user.ID)
	a.log.InfoContext(r.Context(), "password chosen by link", "request_id", info.ID, "address", info.Address, "user", user, "purpose", string(l.purpose))
	err := a.notify(r.Context(), func(ctx context.Context, server server) error { return server.PasswordChanged(ctx, user, "") })
	status, v := http.StatusOK, a.view(w, r, nil)
	v.Title, v.Text = "Your password is set", "You can sign in with it now."
	if l.purpose == forReset {
		v.Title, v.Text = "Your password is changed", "All sessions have ended, and apps have lost access. Sign in with the new password."
	}
	if err != nil {
		status = a.failed(w, r, fmt.Errorf("end the grants of a user: %w", err))
		v.Text = "Apps may still have access. Sign in and change the password again to end their access."
	} else {
		v.RequestID = ""
	}
	a.render(w, r, status, "message", v)
}

// showVerifyEmail asks the user of a link to confirm the email address.
func (a *Accounts) showVerifyEmail(w http.ResponseWriter, r *http.Request) {
	if l := a.opened(w, r, r.URL.Query(), forVerify); l != nil {
		a.render(w, r, http.StatusOK, "verify_email", a.linkView(w, r, l, r.URL.Query()))
	}
}

// verifyEmail handles the form, and uses the link up.
func (a *Accounts) verifyEmail(w http.ResponseWriter, r *http.Request) {
	form, err := a.forms.Read(r)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	l := a.opened(w, r, form, forVerify)
	if l == nil {
		return
	}
	err = a.use(r.Context(), l, func(ctx context.Context, tx *sqldb.Tx) error {
		return changeUser(ctx, tx, verifyEmail, sqldb.At(time.Now()), l.user.ID, l.version)
	})
	if err != nil {
		a.failLink(w, r, err)
		return
	}
	info := reqinfo.From(r.Context())
	a.log.InfoContext(r.Context(), "email address verified", "request_id", info.ID, "address", info.Address, "user", a.ref(l.user.ID))
	v := a.linkView(w, r, l, nil)
	v.Title, v.Text, v.ReturnTo, v.RequestID = "Email confirmed", v.Email+" is confirmed.", v.Home, ""
	a.render(w, r, http.StatusOK, "message", v)
}

// opened returns the link in a query or form. Without one it shows a page that says so,
// and returns nil.
func (a *Accounts) opened(w http.ResponseWriter, r *http.Request, values url.Values, purposes ...purpose) *foundLink {
	l, err := a.findLink(r.Context(), values.Get("token"), purposes...)
	if err != nil {
		a.failLink(w, r, err)
		return nil
	}
	return l
}

// failLink shows an error page. If the link does not work, the log says so at Info.
func (a *Accounts) failLink(w http.ResponseWriter, r *http.Request, err error) {
	if !errors.Is(err, errLink) {
		a.fail(w, r, err)
		return
	}
	v := a.view(w, r, nil)
	a.log.InfoContext(r.Context(), "link refused", "request_id", v.RequestID, "path", reqinfo.Path(r), "err", err)
	v.Title, v.Text = "This link doesn’t work any more", "It may have expired, or it was used already. Ask for a new one."
	a.render(w, r, http.StatusNotFound, "message", v)
}

// linkView returns the data of the page of a link.
func (a *Accounts) linkView(w http.ResponseWriter, r *http.Request, l *foundLink, values url.Values) view {
	v := a.view(w, r, nil)
	v.User, v.Username, v.Email = showUser(l.user), l.user.Email, showEmail(l.user)
	v.Link, v.Invited = values.Get("token"), l.purpose == forInvite
	v.SetPassword, v.VerifyEmail = a.prefix+setPasswordPath, a.prefix+verifyEmailPath
	return v
}
