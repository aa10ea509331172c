package dbtest_test

import (
	"database/sql"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// Each keyboard's form of an address and a password with accents is accepted: on the
// page, in the password grant, and after a change of the password.
func TestAccount_FR_29_FormsOfText(t *testing.T) {
	const (
		composed, decomposed           = "ren\u00e9@example.com", "rene\u0301@example.com"
		composedSecret, decomposedText = "caf\u00e9 au lait", "cafe\u0301 au lait"
	)
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		s := newSite(t, db, d, "http://127.0.0.1:8000")
		rene, err := s.Create(t.Context(), account.NewUser{Email: decomposed, Password: decomposedText})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Create(t.Context(), account.NewUser{Email: composed, Password: composedSecret}); !errors.Is(err, oauth.ErrConflict) {
			t.Errorf("Create() of the same address in its other form = %v, want ErrConflict", err)
		}
		for _, email := range []string{composed, decomposed, strings.ToUpper(decomposed)} {
			if w := s.visitor("192.0.2.1").signIn(email, composedSecret); w.Code != http.StatusSeeOther {
				t.Errorf("sign-in as %+q: status %d, want 303", email, w.Code)
			}
			if u, err := s.byPassword("192.0.2.1", email, decomposedText); err != nil || u.ID != rene.ID {
				t.Errorf("the password grant for %+q = %v, %v, want the account", email, u, err)
			}
			if u, err := s.UserByEmail(t.Context(), email); err != nil || u.ID != rene.ID {
				t.Errorf("UserByEmail(%+q) = %v, %v, want the account", email, u, err)
			}
		}
		if err := s.SetPassword(t.Context(), rene.ID, "another "+decomposedText, ""); err != nil {
			t.Fatal(err)
		}
		if w := s.visitor("192.0.2.1").signIn(composed, "another "+composedSecret); w.Code != http.StatusSeeOther {
			t.Errorf("sign-in with the changed password in its other form: status %d, want 303", w.Code)
		}
	})
}

// A node of an older version stores an account's address and password hash as they were
// typed.
func TestAccount_FR_29_AccountsOfAnOlderVersion(t *testing.T) {
	const composed, decomposed = "zo\u00eb@example.com", "zoe\u0308@example.com"
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		s := newSite(t, db, d, "http://127.0.0.1:8000")
		u, err := s.Create(t.Context(), account.NewUser{Email: "zoe@example.com", PasswordHash: hashOf(t, "nai\u0308ve password")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), "UPDATE passport_users SET email = '"+decomposed+"', email_key = '"+decomposed+"'"); err != nil {
			t.Fatal(err)
		}
		for _, email := range []string{decomposed, composed} {
			for _, password := range []string{"nai\u0308ve password", "na\u00efve password"} { // the first sign-in replaces the hash
				if got, err := s.byPassword("192.0.2.1", email, password); err != nil || got.ID != u.ID {
					t.Errorf("%+q with %+q = %v, %v, want the account", email, password, got, err)
				}
			}
			if _, err := s.Create(t.Context(), account.NewUser{Email: email, Password: adasPassword}); !errors.Is(err, oauth.ErrConflict) {
				t.Errorf("Create(%+q) = %v, want ErrConflict", email, err)
			}
		}
	})
}

// All texts that find an account share its limit. The lower case of "İ" is "i", so that
// text finds a different account.
func TestThrottle_FR_29_SpellingsShareTheLimit(t *testing.T) {
	const email = "i\u0307pek.i\u0307nci@example.com"
	s := newSite(t, dbtest.Open(t, sqldb.SQLite), sqldb.SQLite, "http://127.0.0.1:8000")
	if _, err := s.Create(t.Context(), account.NewUser{Email: email, Password: adasPassword}); err != nil {
		t.Fatal(err)
	}
	v := s.visitor("192.0.2.1")
	for range account.TriesPerPair {
		v.signIn(email, "a wrong password")
	}
	for _, spelling := range []string{email, strings.ToUpper(email), strings.ReplaceAll(email, "i\u0307", "\u0130"), strings.Replace(email, "i\u0307", "\u0130", 1), strings.Replace(email, "i\u0307", "I\u0307", 1)} {
		if w := v.signIn(spelling, adasPassword); w.Code == http.StatusSeeOther {
			t.Errorf("sign-in as %+q to the account %+q above its limit = 303, want a refusal", spelling, email)
		}
	}
}
