package dbtest_test

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

func mustImport(t *testing.T, s *site, u account.ImportedUser) account.ImportResult {
	t.Helper()
	found, err := s.Import(t.Context(), u)
	must(t, err)
	return found
}

// An imported account keeps its ID, follows the other system when it is imported again, and
// does not take the address of another account.
func TestAccount_Import(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		s := newSite(t, db, d, "http://127.0.0.1:8000")
		ada := s.ada()
		u := account.ImportedUser{ID: "7", Email: "Grace@example.com", Name: "Grace", PasswordHash: hashOf(t, "first password"), EmailVerifiedAt: now}
		for range 2 {
			mustImport(t, s, u)
		}
		got, err := s.UserByPassword(t.Context(), "grace@example.com", "first password")
		if err != nil || got.ID != "7" || got.Name != "Grace" {
			t.Fatalf("UserByPassword() of an imported account = %+v, %v, want the ID 7", got, err)
		}
		u.Email, u.PasswordHash = "hopper@example.com", hashOf(t, "second password")
		mustImport(t, s, u)
		if _, err := s.UserByPassword(t.Context(), "hopper@example.com", "first password"); !errors.Is(err, oauth.ErrNotFound) {
			t.Errorf("UserByPassword() with the old password = %v, want ErrNotFound", err)
		}
		if got, err := s.UserByPassword(t.Context(), "hopper@example.com", "second password"); err != nil || got.ID != "7" {
			t.Errorf("UserByPassword() with the new password = %+v, %v, want the ID 7", got, err)
		}
		u.Email = "ada@example.com"
		if _, err := s.Import(t.Context(), u); !errors.Is(err, oauth.ErrConflict) {
			t.Errorf("Import() with the address of %s = %v, want ErrConflict", ada.ID, err)
		}
		for _, wrong := range []account.ImportedUser{{Email: "x@example.com", PasswordHash: u.PasswordHash}, {ID: "8", Email: "x@example.com"}, {ID: "8", Email: "x", PasswordHash: u.PasswordHash}, {ID: strings.Repeat("8", 37), Email: "x@example.com", PasswordHash: u.PasswordHash}} {
			if _, err := s.Import(t.Context(), wrong); err == nil {
				t.Errorf("Import(%v) = nil, want an error", wrong)
			}
		}
	})
}

// An account that was created here never becomes that of another system, not even with the
// same ID.
func TestAccount_ImportLeavesAccountsOfThisServerAlone(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		s := newSite(t, db, d, oauthIssuer)
		ada := s.ada()
		for name, u := range map[string]account.ImportedUser{
			"the same ID":          {ID: ada.ID, Email: "eve@example.com"},
			"the same address":     {ID: "7", Email: "ADA@example.com"},
			"both":                 {ID: ada.ID, Email: "ada@example.com"},
			"the address of a row": {ID: "8", Email: " ada@example.com "},
		} {
			u.PasswordHash, u.FoundAt = hashOf(t, "password of eve"), now
			for what, do := range map[string]func() (account.ImportResult, error){
				"CheckImport": func() (account.ImportResult, error) { return s.CheckImport(t.Context(), u) },
				"Import":      func() (account.ImportResult, error) { return s.Import(t.Context(), u) },
			} {
				if found, err := do(); !errors.Is(err, oauth.ErrConflict) || found != (account.ImportResult{}) {
					t.Errorf("%s() of an account with %s as one that was created here = %+v, %v, want ErrConflict", what, name, found, err)
				}
			}
		}
		if got, err := s.UserByPassword(t.Context(), "ada@example.com", adasPassword); err != nil || got.ID != ada.ID {
			t.Errorf("UserByPassword() of an account that was created here, after imports = %+v, %v, want it unchanged", got, err)
		}
		if n, err := s.DisableMissing(t.Context(), now.Add(time.Hour)); n != 0 || err != nil {
			t.Errorf("DisableMissing() = %d, %v, want 0: the only account was created here", n, err)
		}
		if n, err := s.ActiveImports(t.Context()); n != 0 || err != nil {
			t.Errorf("ActiveImports() = %d, %v, want 0: the only account was created here", n, err)
		}
	})
}

// An import takes a password that the other system has changed, and ends the sessions. It
// keeps one that was changed here, and the hash with which a sign-in here replaced an old
// one.
func TestAccount_LP_4_ImportFollowsPasswords(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		s := newSite(t, db, d, oauthIssuer)
		u := account.ImportedUser{ID: "7", Email: "grace@example.com", PasswordHash: hashOf(t, "first password")}
		mustImport(t, s, u)
		grace := &account.User{ID: "7"}
		v := s.visitor("192.0.2.1")
		v.signIn("grace@example.com", "first password")
		v.mustBe(grace)
		replaced := column(t, db, "SELECT password FROM passport_users")[0]
		mustImport(t, s, u)
		v.mustBe(grace)
		if got := column(t, db, "SELECT password FROM passport_users")[0]; got != replaced || got == u.PasswordHash {
			t.Error("an import with an unchanged password brought the old hash back, want that of the sign-in here")
		}

		u.PasswordHash = hashOf(t, "second password")
		mustImport(t, s, u)
		v.mustBeSignedOut("the password was changed in the other system")
		v.signIn("grace@example.com", "second password")
		v.mustBe(grace)

		must(t, s.SetPassword(t.Context(), "7", "third password", v.mustBe(grace).SessionID))
		for _, password := range []string{"second password", "fourth password"} {
			u.PasswordHash = hashOf(t, password)
			mustImport(t, s, u)
			v.mustBe(grace)
			if got, err := s.UserByPassword(t.Context(), "grace@example.com", "third password"); err != nil || got.ID != "7" {
				t.Errorf("UserByPassword() with the password that was set here, after an import of another = %+v, %v, want the ID 7", got, err)
			}
		}
	})
}

// Every way to change a password here ends that imports replace it.
func TestAccount_LP_4_ImportKeepsPasswordsChosenHere(t *testing.T) {
	const chosen = "chosen at this server"
	for name, change := range map[string]func(t *testing.T, s *site, v *visitor){
		"on the page": func(_ *testing.T, _ *site, v *visitor) {
			v.post("/account/security", url.Values{"current_password": {"first password"}, "new_password": {chosen}, "confirm_password": {chosen}})
		},
		"by link": func(t *testing.T, s *site, v *visitor) {
			link, err := s.ResetLink(t.Context(), "7")
			must(t, err)
			_, query, _ := strings.Cut(link.URL, "?token=")
			v.post("/set-password", url.Values{"token": {query}, "new_password": {chosen}, "confirm_password": {chosen}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, dbtest.Open(t, sqldb.SQLite), sqldb.SQLite, "http://127.0.0.1:8000")
			u := account.ImportedUser{ID: "7", Email: "grace@example.com", PasswordHash: hashOf(t, "first password")}
			mustImport(t, s, u)
			v := s.visitor("192.0.2.1")
			v.signIn("grace@example.com", "first password")
			change(t, s, v)
			u.PasswordHash = hashOf(t, "changed in the other system")
			mustImport(t, s, u)
			if got, err := s.UserByPassword(t.Context(), "grace@example.com", chosen); err != nil || got.ID != "7" {
				t.Errorf("UserByPassword() with the password that was chosen %s, after an import of another = %+v, %v, want the ID 7", name, got, err)
			}
		})
	}
}

// An import that began earlier, and is slower, brings no older state of an account back.
func TestAccount_EarlierImportChangesNothing(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		s := newSite(t, db, d, oauthIssuer)
		u := account.ImportedUser{ID: "7", Email: "later@example.com", PasswordHash: hashOf(t, "later password"), FoundAt: now.Add(time.Second)}
		mustImport(t, s, u)
		u.Email, u.PasswordHash, u.FoundAt = "earlier@example.com", hashOf(t, "earlier password"), now
		mustImport(t, s, u)
		if got, err := s.UserByPassword(t.Context(), "later@example.com", "later password"); err != nil || got.ID != "7" {
			t.Errorf("UserByPassword() as the later import has it = %+v, %v, want the ID 7: an earlier import has changed the account", got, err)
		}
		if n, err := s.DisableMissing(t.Context(), now); n != 0 || err != nil {
			t.Errorf("DisableMissing() of the earlier import = %d, %v, want 0", n, err)
		}
	})
}

// If the server can't end the tokens of a missing account, the next call does.
func TestAccount_DisableMissing_EndsTokensLater(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		s := newSite(t, db, d, oauthIssuer)
		ada := s.ada()
		for _, id := range []string{"1", "2"} {
			_, err := s.Import(t.Context(), account.ImportedUser{ID: id, Email: id + "@example.com", PasswordHash: hashOf(t, "password"), FoundAt: now})
			must(t, err)
		}
		second := now.Add(time.Second)
		_, err := s.Import(t.Context(), account.ImportedUser{ID: "2", Email: "2@example.com", PasswordHash: hashOf(t, "password"), FoundAt: second})
		must(t, err)
		s.ends.err = fmt.Errorf("no reply: %w", oauth.ErrUnavailable)
		if _, err := s.DisableMissing(t.Context(), second); err == nil {
			t.Error("DisableMissing() while the server does not reply = nil, want an error")
		}
		if _, err := s.UserByID(t.Context(), "1"); !isNotFound(err) {
			t.Errorf("UserByID() of a missing account whose tokens could not be ended = %v, want ErrNotFound", err)
		}
		s.ends.err = nil
		for range 2 {
			if _, err := s.DisableMissing(t.Context(), second); err != nil {
				t.Errorf("DisableMissing() once the server replies = %v, want nil", err)
			}
		}
		if got, want := strings.Join(s.ends.calls, ", "), "user 1, user 1"; got != want {
			t.Errorf("the server was notified of %q, want %q: a failed call is repeated, and a successful one is not", got, want)
		}
		for _, id := range []string{"2", ada.ID} {
			if _, err := s.UserByID(t.Context(), id); err != nil {
				t.Errorf("UserByID(%s) = %v, want the account enabled", id, err)
			}
		}
	})
}

// An import of many accounts finds each of them by an index.
func TestAccount_ImportUsesIndexes(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		db, counter := dbtest.Count(t, dbtest.URL(t, d))
		s := newSite(t, db, d, oauthIssuer)
		mustExec(t, db, `INSERT INTO passport_users (id, email, email_key, name, password, session_version, created_at, imported_at)
SELECT d, d, d, '', '', 1, 0, 1 FROM (`+tenThousand+`) n`)
		if d == sqldb.MySQL {
			mustExec(t, db, `ANALYZE TABLE passport_users`)
		}
		counter.Take()
		u := account.ImportedUser{ID: "new", Email: "new@example.com", PasswordHash: hashOf(t, "password"), FoundAt: time.UnixMicro(1)}
		for range 2 { // created, then updated
			mustImport(t, s, u)
		}
		mustExec(t, db, `UPDATE passport_users SET imported_at = 2 WHERE id <> '7'`)
		if n, err := s.DisableMissing(t.Context(), time.UnixMicro(2)); n != 1 || err != nil {
			t.Fatalf("DisableMissing() = %d, %v, want 1", n, err)
		}
		seen := map[string]bool{}
		for _, text := range counter.Take().Texts {
			if seen[text] || strings.HasPrefix(text, "INSERT INTO") || strings.HasSuffix(text, "WHERE id <> '7'") {
				continue
			}
			seen[text] = true
			steps := plan(t, db, d, text)
			for _, step := range steps {
				if wholeTable(step, steps) {
					t.Errorf("%s\nreads a whole table: %s", text, step)
				}
			}
		}
		if len(seen) < 4 {
			t.Errorf("checked %d statements, want at least 4", len(seen))
		}
	})
}

// The migration finds the accounts that an older version has imported, and that version
// still works beside it.
func TestAccount_MigrationFindsImportedAccounts(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		older := fstest.MapFS{}
		for _, name := range []string{"0001_accounts.sql", "0002_field.sql", "0003_pages.sql"} {
			content, err := fs.ReadFile(account.Migrations(d), name)
			must(t, err)
			older[name] = &fstest.MapFile{Data: content}
		}
		must(t, sqldb.New(db, d).Migrate(t.Context(), "account", older, nil))
		store := func(id string) {
			mustExec(t, db, fmt.Sprintf(`INSERT INTO passport_users (id, email, email_key, name, password, session_version, created_at) VALUES ('%[1]s', '%[1]s@example.com', '%[1]s@example.com', '', '%[2]s', 1, 0)`,
				id, hashOf(t, "password")))
		}
		const here, later = "0193aaaa-0000-7000-8000-00000000000a", "0193aaaa-0000-7000-8000-00000000000b"
		imported := []string{"7", "8", "9aaaaaaa-0000-4000-8000-00000000000a"}
		for _, id := range append(imported, here) {
			store(id)
		}
		s := newSite(t, db, d, oauthIssuer)
		store(later) // by a node of the older version
		if n, err := s.ActiveImports(t.Context()); n != 3 || err != nil {
			t.Errorf("ActiveImports() after the migration = %d, %v, want the 3 accounts whose IDs this server doesn't make", n, err)
		}
		mustImport(t, s, account.ImportedUser{ID: "7", Email: "7@example.com", PasswordHash: hashOf(t, "changed"), FoundAt: now})
		if _, err := s.UserByPassword(t.Context(), "7@example.com", "changed"); err != nil {
			t.Errorf("UserByPassword() with the password of the import after the migration = %v, want nil", err)
		}
		if n, err := s.DisableMissing(t.Context(), now); n != 2 || err != nil {
			t.Errorf("DisableMissing() after the migration = %d, %v, want 2", n, err)
		}
		for _, id := range []string{here, later, "7"} {
			if _, err := s.UserByID(t.Context(), id); err != nil {
				t.Errorf("UserByID(%s) = %v, want the account enabled", id, err)
			}
		}
	})
}
