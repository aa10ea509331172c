package dbtest_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// passwordServer returns a server with the password grant, and accounts in the same
// database.
func passwordServer(t *testing.T, d sqldb.Dialect) (*oauthServer, *account.Accounts) {
	t.Helper()
	db := dbtest.Open(t, d)
	accounts, err := account.New(account.Config{DB: db, Dialect: d, Issuer: oauthIssuer, HashConcurrency: 2})
	must(t, err)
	must(t, accounts.Migrate(t.Context()))
	s := newOAuthServer(t, migrated(t, db, d), func(c *passport.Config) { c.EnablePasswordGrant, c.Users = true, accounts })
	accounts.Connect(s.Server)
	return s, accounts
}

// The password grant on each database, with accounts in the same database: a password
// gives tokens with all scopes, and a changed password ends them.
func TestPasswordGrant_OverEachDatabase(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		s, accounts := passwordServer(t, d)
		ada, err := accounts.Create(t.Context(), account.NewUser{Email: "Ada@example.com", Name: "Ada", Password: adasPassword})
		must(t, err)
		app := s.register(passport.Registration{Name: "app", GrantTypes: []string{"password", "refresh_token"}})
		signIn := func(username, password string) *reply {
			return s.post(app, "grant_type", "password", "username", username, "password", password, "scope", "*")
		}
		tok := s.ok(signIn("ada@example.com", adasPassword))
		next := s.ok(s.post(app, "grant_type", "refresh_token", "refresh_token", tok.Refresh))
		if !s.admits(tok.Access) || !s.admits(next.Access) {
			t.Error("the guard refuses a token of the password grant")
		}
		for token, err := range s.Tokens(t.Context(), oauth.UserRef{Provider: passport.DefaultProvider, ID: ada.ID}) {
			if must(t, err); !slices.Equal(token.Scopes, []string{oauth.AllScopes}) || !token.Can("write") || token.Family.AuthTime.IsZero() {
				t.Errorf("stored token = %+v, want the scope * and the time of authentication", token)
			}
		}
		wrong, unknown := signIn("ada@example.com", "not it, not at all"), signIn("unknown@example.com", adasPassword)
		if wrong.status != 400 || wrong.Error != "invalid_grant" || wrong.body != unknown.body {
			t.Errorf("a wrong password: %d %s; an unknown address: %d %s; want invalid_grant for both", wrong.status, wrong.body, unknown.status, unknown.body)
		}
		must(t, accounts.SetPassword(t.Context(), ada.ID, "another one altogether", ""))
		if s.admits(next.Access) {
			t.Error("the guard admits a token from before the password was changed")
		}
		if r := signIn("ada@example.com", adasPassword); r.Error != "invalid_grant" {
			t.Errorf("old password: %d %s, want invalid_grant", r.status, r.body)
		}
		s.ok(signIn("ada@example.com", "another one altogether"))
		s.wantBlameless()
	})
}

// A client's server sends the passwords of all its users from one address. A few users
// who mistype, or an attacker who guesses, must not lock out the others. Anyone can use
// a client without a secret, so the limit of the address applies to it.
func TestPasswordGrant_NeverRepeat_F2_AccountsBehindOneServer(t *testing.T) {
	db := dbtest.Open(t, sqldb.SQLite)
	accounts, err := account.New(account.Config{DB: db, Dialect: sqldb.SQLite, Issuer: oauthIssuer, HashConcurrency: 2})
	must(t, err)
	must(t, accounts.Migrate(t.Context()))
	s := newOAuthServer(t, migrated(t, db, sqldb.SQLite), func(c *passport.Config) { c.EnablePasswordGrant, c.Users = true, accounts })
	_, err = accounts.Create(t.Context(), account.NewUser{Email: "ada@example.com", Name: "Ada", Password: adasPassword})
	must(t, err)
	backend := s.register(passport.Registration{Name: "backend", GrantTypes: []string{"password"}})
	phone := s.register(passport.Registration{Name: "phone", AuthMethod: oauth.AuthNone, GrantTypes: []string{"password"}})
	signIn := func(c oauthClient, username, password string) *reply {
		return s.post(c, "grant_type", "password", "username", username, "password", password)
	}
	for i := range account.TriesPerAddress + 1 {
		signIn(backend, fmt.Sprintf("user%d@example.com", i), "wrong")
	}
	if r := signIn(backend, "ada@example.com", adasPassword); r.status != 200 {
		t.Errorf("Ada through a server with %d wrong passwords of other users: %d %s, want tokens", account.TriesPerAddress+1, r.status, r.body)
	}
	for i := range account.TriesPerAddress {
		signIn(phone, fmt.Sprintf("person%d@example.com", i), "wrong")
	}
	if r := signIn(phone, "ada@example.com", adasPassword); r.status != 400 {
		t.Errorf("Ada through a public client, from an address with %d wrong passwords: %d %s, want 400", account.TriesPerAddress, r.status, r.body)
	}
}
