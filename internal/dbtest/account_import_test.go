package dbtest_test

import (
	"database/sql"
	"errors"
	"testing"

	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// An imported account keeps its ID, follows the other system when it is imported again, and
// does not take the address of another account.
func TestAccount_Import(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		s := newSite(t, db, d, "http://127.0.0.1:8000")
		ada := s.ada()
		u := account.ImportedUser{ID: "7", Email: "Grace@example.com", Name: "Grace", PasswordHash: hashOf(t, "first password"), EmailVerifiedAt: now}
		for range 2 {
			must(t, s.Import(t.Context(), u))
		}
		got, err := s.UserByPassword(t.Context(), "grace@example.com", "first password")
		if err != nil || got.ID != "7" || got.Name != "Grace" {
			t.Fatalf("UserByPassword() of an imported account = %+v, %v, want the ID 7", got, err)
		}
		u.Email, u.PasswordHash = "hopper@example.com", hashOf(t, "second password")
		must(t, s.Import(t.Context(), u))
		if _, err := s.UserByPassword(t.Context(), "hopper@example.com", "first password"); !errors.Is(err, oauth.ErrNotFound) {
			t.Errorf("UserByPassword() with the old password = %v, want ErrNotFound", err)
		}
		if got, err := s.UserByPassword(t.Context(), "hopper@example.com", "second password"); err != nil || got.ID != "7" {
			t.Errorf("UserByPassword() with the new password = %+v, %v, want the ID 7", got, err)
		}
		u.Email = "ada@example.com"
		if err := s.Import(t.Context(), u); !errors.Is(err, oauth.ErrConflict) {
			t.Errorf("Import() with the address of %s = %v, want ErrConflict", ada.ID, err)
		}
		for _, wrong := range []account.ImportedUser{{Email: "x@example.com", PasswordHash: u.PasswordHash}, {ID: "8", Email: "x@example.com"}, {ID: "8", Email: "x", PasswordHash: u.PasswordHash}} {
			if err := s.Import(t.Context(), wrong); err == nil {
				t.Errorf("Import(%v) = nil, want an error", wrong)
			}
		}
	})
}
