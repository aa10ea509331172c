package account

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/internal/secret"
	"github.com/go-passport/passport/internal/sqldb"
)

const (
	// Both statements compare the version with that of the checked password. Of two
	// concurrent changes only one succeeds, and a session that has ended changes
	// nothing.
	updateCheckedPassword = `UPDATE passport_users SET password = ?, imported_password = NULL, session_version = session_version + 1 WHERE id = ? AND session_version = ?`
	deleteLiveSession     = `DELETE FROM passport_sessions WHERE digest = ? AND session_version = ? AND ended_at IS NULL`
)

// errSessionOver means that the session ended while its request was served.
var errSessionOver = errors.New("the session has ended")

// showSecurity shows the form to change the password.
func (a *Accounts) showSecurity(w http.ResponseWriter, r *http.Request) {
	path := a.accountPath(securityPath)
	s := a.signedIn(w, r, path)
	if s == nil {
		return
	}
	v := a.accountView(w, r, s, path)
	v.Username = s.user.Email
	a.render(w, r, http.StatusOK, "security", v)
}

// changePassword handles the form. It asks for the current password, because another
// person may use a browser that was left open.
func (a *Accounts) changePassword(w http.ResponseWriter, r *http.Request) {
	form, err := a.forms.Read(r)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	path := a.accountPath(securityPath)
	s := a.signedIn(w, r, path)
	if s == nil {
		return
	}
	v := a.accountView(w, r, s, path)
	v.Username = s.user.Email
	if v.lacksPasswords(form) {
		a.render(w, r, http.StatusUnprocessableEntity, "security", v)
		return
	}
	cookie := secret.New()
	err = a.authenticate(r.Context(), s.user.Email, form.Get("current_password"), func(p *proof) error {
		if p.user.ID != s.user.ID {
			return errSessionOver
		}
		return a.replacePassword(r, s, p, form.Get("new_password"), cookie)
	})
	switch {
	case errors.Is(err, errSessionOver):
		a.sendOn(w, r, a.prefix+signInPath+"?"+url.Values{"return_to": {path}}.Encode())
	case errors.Is(err, errRefused):
		v.PasswordFault = "That is not your current password."
		a.render(w, r, http.StatusUnprocessableEntity, "security", v)
	case err != nil:
		a.refuse(w, r, "security", v, err)
	default:
		a.cookies.setSession(w, r, cookie)
		a.passwordChanged(w, r, s, v)
	}
}

// replacePassword replaces the password that p has checked. In the same transaction it
// gives the session a new cookie, so that a copy of the old one is worth nothing, and
// ends the other sessions. The caller must then notify the server. It returns
// errSessionOver if the session or the password is no longer that of the request.
func (a *Accounts) replacePassword(r *http.Request, s *session, p *proof, password, cookie string) error {
	hash := a.hasher.hash(password)
	err := a.db.Tx(r.Context(), func(ctx context.Context, tx *sqldb.Tx) error {
		for _, change := range []struct {
			query string
			args  []any
		}{
			{updateCheckedPassword, []any{hash, s.user.ID, p.version}},
			{deleteLiveSession, []any{string(s.digest), p.version}},
			{insertSession, a.newSession(r, s.id, cookie, s.user.ID, p.version+1)},
		} {
			n, err := tx.Exec(ctx, change.query, change.args...)
			if err != nil {
				return err
			}
			if n != 1 {
				return errSessionOver
			}
		}
		if _, err := tx.Exec(ctx, deleteOtherSessions, s.user.ID, s.id); err != nil {
			return err
		}
		return p.try.succeeded(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("change password: %w", err)
	}
	return nil
}

// passwordChanged ends what apps hold of the other sessions, and shows the result.
func (a *Accounts) passwordChanged(w http.ResponseWriter, r *http.Request, s *session, v view) {
	info, user := reqinfo.From(r.Context()), a.ref(s.user.ID)
	a.log.InfoContext(r.Context(), "password changed", "request_id", info.ID, "address", info.Address, "user", user)
	err := a.notify(r.Context(), func(ctx context.Context, server server) error {
		return server.PasswordChanged(ctx, user, s.id)
	})
	if err != nil {
		v.Alert = "Your password is changed, but apps may still have access. Change it again to end their access."
		a.render(w, r, a.failed(w, r, fmt.Errorf("end the grants of other sessions: %w", err)), "security", v)
		return
	}
	v.Done = "Your password is changed. All other sessions have ended, and apps that you allowed in them have lost access."
	a.render(w, r, http.StatusOK, "security", v)
}

// lacksPasswords sets the errors of the fields and reports whether there are any. Such a
// form does not count as an attempt.
func (v *view) lacksPasswords(form url.Values) bool {
	if form.Get("current_password") == "" {
		v.PasswordFault = "Enter your current password."
	}
	return v.lacksNew(form) || v.PasswordFault != ""
}

// lacksNew checks the fields for a new password.
func (v *view) lacksNew(form url.Values) bool {
	switch err := checkNewPassword(form.Get("new_password")); {
	case form.Get("new_password") == "":
		v.NewFault = "Enter a new password."
	case err != nil:
		v.NewFault = sentence(err)
	case composed(form.Get("new_password")) != composed(form.Get("confirm_password")):
		v.SameFault = "The passwords differ."
	}
	return v.NewFault+v.SameFault != ""
}
