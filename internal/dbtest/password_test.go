package dbtest_test

import (
	"slices"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// The password grant over each database, for accounts that lie in it too: a
// password becomes tokens with all scopes, and a changed one ends them.
func TestPasswordGrant_OverEachDatabase(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		db := dbtest.Open(t, d)
		accounts, err := account.New(account.Config{DB: db, Dialect: d, Issuer: oauthIssuer, HashConcurrency: 2})
		must(t, err)
		must(t, accounts.Migrate(t.Context()))
		s := newOAuthServer(t, migrated(t, db, d), func(c *passport.Config) { c.EnablePasswordGrant, c.Users = true, accounts })
		accounts.Connect(s.Server)
		ada, err := accounts.Create(t.Context(), account.NewUser{Email: "Ada@example.com", Name: "Ada", Password: adasPassword})
		must(t, err)
		app := s.register(passport.Registration{Name: "app", GrantTypes: []string{"password", "refresh_token"}})
		signIn := func(username, password string) *reply {
			return s.post(app, "grant_type", "password", "username", username, "password", password, "scope", "*")
		}
		tok := s.ok(signIn("ada@example.com", adasPassword))
		next := s.ok(s.post(app, "grant_type", "refresh_token", "refresh_token", tok.Refresh))
		if !s.admits(tok.Access) || !s.admits(next.Access) {
			t.Error("a guard does not admit what the password gave")
		}
		for token, err := range s.Tokens(t.Context(), oauth.UserRef{Provider: passport.DefaultProvider, ID: ada.ID}) {
			if must(t, err); !slices.Equal(token.Scopes, []string{oauth.AllScopes}) || !token.Can("write") || token.Family.AuthTime.IsZero() {
				t.Errorf("stored %+v, want * as it is, and when the password was sent", token)
			}
		}
		wrong, unknown := signIn("ada@example.com", "not it, not at all"), signIn("nobody@example.com", adasPassword)
		if wrong.status != 400 || wrong.Error != "invalid_grant" || wrong.body != unknown.body {
			t.Errorf("a wrong password: %d %s; an unknown address: %d %s; want invalid_grant for both", wrong.status, wrong.body, unknown.status, unknown.body)
		}
		must(t, accounts.SetPassword(t.Context(), ada.ID, "another one altogether", ""))
		if s.admits(next.Access) {
			t.Error("what came of the old password outlives it")
		}
		if r := signIn("ada@example.com", adasPassword); r.Error != "invalid_grant" {
			t.Errorf("the old password: %d %s", r.status, r.body)
		}
		s.ok(signIn("ada@example.com", "another one altogether"))
		s.wantBlameless()
	})
}
