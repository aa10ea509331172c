package dbtest_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// All spellings of an address are one account. Similar addresses are different
// accounts.
func TestAccount_Create(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		s := newSite(t, db, d, "http://127.0.0.1:8000")
		ada := s.ada()
		if _, err := s.Create(t.Context(), account.NewUser{Email: " ADA@Example.com", Password: adasPassword}); !errors.Is(err, oauth.ErrConflict) {
			t.Errorf("Create() of the same address = %v, want ErrConflict", err)
		}
		hash := hashOf(t, "x")
		for _, email := range []string{"adá@example.com", "ada@example.co", "ada@example.com.", "a.da@example.com"} {
			u, err := s.Create(t.Context(), account.NewUser{Email: email, PasswordHash: hash})
			if err != nil {
				t.Errorf("Create(%q) = %v, want another account", email, err)
				continue
			}
			if got, err := s.UserByEmail(t.Context(), strings.ToUpper(email)); err != nil || got.ID != u.ID {
				t.Errorf("UserByEmail(%q) = %v, %v, want %s", strings.ToUpper(email), got, err, u.ID)
			}
		}
		got, err := s.UserByEmail(t.Context(), "ada@example.com")
		if err != nil || *got != *ada {
			t.Errorf("UserByEmail() = %+v, %v, want %+v", got, err, ada)
		}
		for _, email := range []string{"", "unknown@example.com", "\x00", "a@\xff", strings.Repeat("a", 300) + "@b"} {
			if _, err := s.UserByEmail(t.Context(), email); !isNotFound(err) {
				t.Errorf("UserByEmail(%.20q) = %v, want ErrNotFound", email, err)
			}
		}
		for _, id := range []string{"", "unknown", "\x00", "\xff", strings.Repeat("a", 300), strings.ToUpper(ada.ID), ada.ID + " "} {
			if _, err := s.UserByID(t.Context(), id); !isNotFound(err) {
				t.Errorf("UserByID(%.20q) = %v, want ErrNotFound", id, err)
			}
			if err := s.SetPassword(t.Context(), id, "another password", ""); !isNotFound(err) {
				t.Errorf("SetPassword(%.20q) = %v, want ErrNotFound", id, err)
			}
		}
	})
}

func TestAccount_CreateReportsAllErrors(t *testing.T) {
	s := sqliteSite(t, "http://127.0.0.1:8000")
	_, err := s.Create(t.Context(), account.NewUser{Email: "ada", Name: strings.Repeat("x", 101), Password: "short"})
	for _, want := range []string{"not an email address", "name is too long", "password is too short"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Create() = %v, want an error that contains %q too", err, want)
		}
	}
	for name, n := range map[string]account.NewUser{
		"no address":            {Password: adasPassword},
		"two at signs":          {Email: "a@b@c", Password: adasPassword},
		"no local part":         {Email: "@example.com", Password: adasPassword},
		"space inside":          {Email: "a b@example.com", Password: adasPassword},
		"line break inside":     {Email: "a@example.com\r\nBcc:x", Password: adasPassword},
		"NUL":                   {Email: "a\x00@example.com", Password: adasPassword},
		"zero-width space":      {Email: "ada\u200B@example.com", Password: adasPassword},
		"bidirectional control": {Email: "\u202Eada@example.com", Password: adasPassword},
		"invalid UTF-8":         {Email: "a\xff@example.com", Password: adasPassword},
		"long address":          {Email: strings.Repeat("a", 250) + "@b.de", Password: adasPassword},
		"seven characters":      {Email: "a@example.com", Password: "pässwor"},
		"long password":         {Email: "a@example.com", Password: strings.Repeat("x", 1025)},
		"password not UTF-8":    {Email: "a@example.com", Password: "passwor\xff"},
		"no password":           {Email: "a@example.com"},
		"unknown hash":          {Email: "a@example.com", PasswordHash: "5f4dcc3b5aa765d61d8327deb882cf99"},
		"password and hash":     {Email: "a@example.com", Password: adasPassword, PasswordHash: hashOf(t, "x")},
	} {
		_, err := s.Create(t.Context(), n)
		if err == nil || n.Password != "" && strings.Contains(err.Error(), n.Password) {
			t.Errorf("%s: Create() = %v, want an error that does not quote the password", name, err)
		}
	}
	for range s.Users(t.Context()) {
		t.Error("Users() yields an account after failed calls of Create()")
	}
	u, err := s.Create(t.Context(), account.NewUser{Email: "demo@example.com", Name: " Ada\u202E  Lovelace ", Password: "passport"})
	if err != nil || u.Name != "Ada Lovelace" {
		t.Errorf("Create() = %+v, %v, want the name without invisible characters", u, err)
	}
	if err := s.SetPassword(t.Context(), u.ID, "short", ""); err == nil {
		t.Error("SetPassword() of a short password = nil, want the error of Create()")
	}
}

// A loop over the accounts holds no connection, and has the order of their creation.
func TestAccount_UsersOnAPoolOfOne(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		db.SetMaxOpenConns(1)
		s := newSite(t, db, d, "http://127.0.0.1:8000")
		var created, listed []string
		hash := hashOf(t, "x")
		for i := range 205 {
			u, err := s.Create(t.Context(), account.NewUser{Email: fmt.Sprintf("user%d@example.com", i), PasswordHash: hash})
			if err != nil {
				t.Fatal(err)
			}
			created = append(created, u.ID)
		}
		for u, err := range s.Users(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if listed = append(listed, u.ID); len(listed)%50 == 0 {
				if err := s.Disable(t.Context(), u.ID, true); err != nil {
					t.Fatal(err)
				}
			}
		}
		if !slices.Equal(created, listed) {
			t.Errorf("Users() yields %d accounts, want the %d created ones in their order", len(listed), len(created))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for u, err := range s.Users(ctx) {
			if err == nil {
				t.Errorf("Users() with a canceled context yields %v, want an error", u)
			}
		}
	})
}

// An imported hash is replaced at the first sign-in with the right password.
func TestAccount_HashIsReplacedAtSignIn(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		s := newSite(t, db, d, "http://127.0.0.1:8000")
		old := "$2y$" + strings.TrimPrefix(hashOf(t, adasPassword), "$2a$") // PHP's form
		u, err := s.Create(t.Context(), account.NewUser{Email: "ada@example.com", PasswordHash: old})
		if err != nil {
			t.Fatal(err)
		}
		stored := func() string { return column(t, db, "SELECT password FROM passport_users")[0] }
		v := s.visitor("192.0.2.1")
		v.signIn("ada@example.com", "wrong")
		if stored() != old {
			t.Error("a wrong password replaced the hash")
		}
		for range 2 {
			v.signIn("ada@example.com", adasPassword)
			v.mustBe(u)
		}
		if !strings.HasPrefix(stored(), "$argon2id$") {
			t.Error("the hash was not replaced by argon2id")
		}
	})
}

// Nodes that start together migrate once, and New changes nothing.
func TestAccount_Migrate(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		nodes := make([]*account.Accounts, 4)
		for i := range nodes {
			a, err := account.New(account.Config{DB: db, Dialect: d, Issuer: "https://app.example.com"})
			if err != nil {
				t.Fatal(err)
			}
			nodes[i] = a
		}
		if err := nodes[0].Migrated(t.Context()); err == nil || !strings.Contains(err.Error(), "migrate") {
			t.Errorf("Migrated() before Migrate() = %v, want an error that says what to do", err)
		}
		var wg sync.WaitGroup
		for _, a := range nodes {
			wg.Go(func() {
				if err := a.Migrate(t.Context()); err != nil {
					t.Errorf("concurrent Migrate() = %v, want nil", err)
				}
			})
		}
		wg.Wait()
		if err := nodes[0].Migrated(t.Context()); err != nil {
			t.Errorf("Migrated() after Migrate() = %v, want nil", err)
		}
		files, err := fs.Glob(account.Migrations(d), "*.sql")
		if err != nil || len(files) == 0 {
			t.Errorf("Migrations() has %v, %v, want the files for %s", files, err, d.Name)
		}
	})
}

// Migrate does not use tables of other software.
func TestAccount_MigrateLeavesForeignTablesAlone(t *testing.T) {
	db := dbtest.Open(t, sqldb.SQLite)
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE passport_users (id INTEGER PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	a, err := account.New(account.Config{DB: db, Dialect: sqldb.SQLite, Issuer: "https://app.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), "passport_users") {
		t.Errorf("Migrate() over a foreign table = %v, want an error that names it", err)
	}
	if got := column(t, db, "SELECT name FROM sqlite_master WHERE name LIKE 'passport_s%'"); len(got) != 0 {
		t.Errorf("Migrate() over a foreign table created %v, want nothing", got)
	}
}
