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

// passwordServer returns a server with the password grant, and its accounts in the same
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

// The password grant over each database, for accounts that lie in it too: a
// password becomes tokens with all scopes, and a changed one ends them.
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
			t.Error("a guard does not admit what the password gave")
		}
		for token, err := range s.Tokens(t.Context(), oauth.UserRef{Provider: passport.DefaultProvider, ID: ada.ID}) {
			if must(t, err); !slices.Equal(token.Scopes, []string{oauth.AllScopes}) || !token.Can("write") || token.Family.AuthTime.IsZero() {
				t.Errorf("stored %+v, want * as it is, and when the password was sent", token)
			}
		}
		wrong, unknown := signIn("ada@example.com", "not it, not at all"), signIn("unknown@example.com", adasPassword)
		if wrong.status != 400 || wrong.Error != "invalid_grant" || wrong.body != unknown.body {
			t.Errorf("a wrong password: %d %s; an unknown address: %d %s; want invalid_grant for both", wrong.status, wrong.body, unknown.status, unknown.body)
		}
		must(t, accounts.SetPassword(t.Context(), ada.ID, "another one altogether", ""))
		if s.admits(next.Access) {
			t.Error("a token from a session with the old password outlives the password")
		}
		if r := signIn("ada@example.com", adasPassword); r.Error != "invalid_grant" {
			t.Errorf("the old password: %d %s", r.status, r.body)
		}
		s.ok(signIn("ada@example.com", "another one altogether"))
		s.wantBlameless()
	})
}

// Through a client's server come all of its users, from one address. A few of them
// who mistype, or one who guesses, must not keep the others out; a client without
// a secret is everybody's, and is held to its address.
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
		t.Errorf("Ada through a server whose other users mistyped %d times: %d %s, want tokens", account.TriesPerAddress+1, r.status, r.body)
	}
	for i := range account.TriesPerAddress {
		signIn(phone, fmt.Sprintf("person%d@example.com", i), "wrong")
	}
	if r := signIn(phone, "ada@example.com", adasPassword); r.status != 400 {
		t.Errorf("Ada by a public client, at an address that guessed %d times: %d %s, want 400", account.TriesPerAddress, r.status, r.body)
	}
}
