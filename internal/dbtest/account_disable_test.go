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

// Every call that ends sessions of an account tells the server what to end with them. If
// the server fails, the sessions have ended all the same, and a second call tells it
// again.
func TestAccount_RT_08_EndedSessionsEndWhatWasGranted(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		s := newSite(t, db, d, "http://127.0.0.1:8000")
		ada := s.ada()
		for _, test := range []struct {
			what  string
			call  func(session string) error
			tells string // %s is the session
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
			s.ends.err = fmt.Errorf("no answer: %w", oauth.ErrUnavailable)
			if err := test.call(session); err == nil {
				t.Errorf("%s, while the server does not answer = nil, want an error", test.what)
			}
			v.mustBeNobody(test.what)
			s.ends.err = nil
			must(t, test.call(session))
			got := s.ends.calls[before:]
			if len(got) != 2 || got[0] != test.tells || got[1] != test.tells {
				t.Errorf("%s tells the server in two calls to end %q, want %q each time", test.what, got, test.tells)
			}
		}
		before := len(s.ends.calls)
		must(t, s.Disable(t.Context(), ada.ID, false))
		if got := s.ends.calls[before:]; len(got) != 0 {
			t.Errorf("enabling an account tells the server to end %q, want nothing", got)
		}
	})
}

// What clients held of an account that was disabled does not come back when the account
// is enabled, also without a command that revokes it.
func TestAccount_RT_08_DisabledTokensStayRevoked(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		s, accounts := passwordServer(t, d)
		app := s.register(passport.Registration{Name: "app", GrantTypes: []string{"password", "refresh_token"}})
		held, personal, users := map[string]*reply{}, map[string]string{}, map[string]string{}
		for _, name := range []string{"ada", "bob"} {
			u, err := accounts.Create(t.Context(), account.NewUser{Email: name + "@example.com", Name: name, Password: adasPassword})
			must(t, err)
			made, err := s.CreateToken(t.Context(), oauth.UserRef{Provider: passport.DefaultProvider, ID: u.ID}, "script")
			must(t, err)
			held[name] = s.post(app, "grant_type", "password", "username", u.Email, "password", adasPassword)
			users[name], personal[name] = u.ID, made.AccessToken
		}
		must(t, accounts.Disable(t.Context(), users["ada"], true))
		must(t, accounts.Disable(t.Context(), users["ada"], false))
		for name, want := range map[string]bool{"ada": false, "bob": true} {
			tokens := s.ok(held[name])
			for what, token := range map[string]string{"access token": tokens.Access, "personal access token": personal[name]} {
				if got := s.admits(token); got != want {
					t.Errorf("the %s of %s works after Ada was disabled and enabled: %t, want %t", what, name, got, want)
				}
			}
			if r := s.post(app, "grant_type", "refresh_token", "refresh_token", tokens.Refresh); (r.status == 200) != want {
				t.Errorf("the refresh token of %s after Ada was disabled and enabled: %d %s, want it to work: %t", name, r.status, r.body, want)
			}
		}
	})
}
