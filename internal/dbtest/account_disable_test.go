package dbtest_test

import (
	"database/sql"
	"fmt"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// Every call that ends sessions of an account notifies the server, which ends their
// grants. If the server fails, the sessions have ended nevertheless, and a second call
// notifies it again.
func TestAccount_RT_08_EndedSessionsEndTheirGrants(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		s := newSite(t, db, d, "http://127.0.0.1:8000")
		ada := s.ada()
		for _, test := range []struct {
			what string
			call func(session string) error
			want string // the call to the server
		}{
			{"a changed password", func(string) error { return s.SetPassword(t.Context(), ada.ID, adasPassword, "") }, "password " + ada.ID + " "},
			{"a password that was changed in another session", func(string) error { return s.SetPassword(t.Context(), ada.ID, adasPassword, "other") }, "password " + ada.ID + " other"},
			{"a disabled account", func(string) error { return s.Disable(t.Context(), ada.ID, true) }, "user " + ada.ID},
		} {
			must(t, s.Disable(t.Context(), ada.ID, false))
			v := s.visitor("192.0.2.1")
			v.signIn("ada@example.com", adasPassword)
			session := v.mustBe(ada).SessionID
			before := len(s.ends.calls)
			s.ends.err = fmt.Errorf("no reply: %w", oauth.ErrUnavailable)
			if err := test.call(session); err == nil {
				t.Errorf("%s while the server does not reply = nil, want an error", test.what)
			}
			v.mustBeSignedOut(test.what)
			s.ends.err = nil
			must(t, test.call(session))
			got := s.ends.calls[before:]
			if len(got) != 2 || got[0] != test.want || got[1] != test.want {
				t.Errorf("%s: two calls notify the server with %q, want %q each time", test.what, got, test.want)
			}
		}
		before := len(s.ends.calls)
		must(t, s.Disable(t.Context(), ada.ID, false))
		if got := s.ends.calls[before:]; len(got) != 0 {
			t.Errorf("enabling an account notifies the server with %q, want no notification", got)
		}
	})
}

// The tokens of a disabled account stay revoked after the account is enabled again,
// even without a command that revokes them.
func TestAccount_RT_08_DisabledTokensStayRevoked(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		s, accounts := passwordServer(t, d)
		app := s.register(passport.Registration{Name: "app", GrantTypes: []string{"password", "refresh_token"}})
		held, personal, users := map[string]*reply{}, map[string]string{}, map[string]string{}
		for _, name := range []string{"ada", "bob"} {
			u, err := accounts.Create(t.Context(), account.NewUser{Email: name + "@example.com", Name: name, Password: adasPassword})
			must(t, err)
			created, err := s.CreateToken(t.Context(), oauth.UserRef{Provider: passport.DefaultProvider, ID: u.ID}, "script")
			must(t, err)
			held[name] = s.post(app, "grant_type", "password", "username", u.Email, "password", adasPassword)
			users[name], personal[name] = u.ID, created.AccessToken
		}
		must(t, accounts.Disable(t.Context(), users["ada"], true))
		must(t, accounts.Disable(t.Context(), users["ada"], false))
		for name, want := range map[string]bool{"ada": false, "bob": true} {
			tokens := s.ok(held[name])
			for what, token := range map[string]string{"access token": tokens.Access, "personal access token": personal[name]} {
				if got := s.admits(token); got != want {
					t.Errorf("the %s of %s is admitted after Ada was disabled and enabled = %t, want %t", what, name, got, want)
				}
			}
			if r := s.post(app, "grant_type", "refresh_token", "refresh_token", tokens.Refresh); (r.status == 200) != want {
				t.Errorf("the refresh token of %s after Ada was disabled and enabled: %d %s, want success: %t", name, r.status, r.body, want)
			}
		}
	})
}
