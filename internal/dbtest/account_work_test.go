package dbtest_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
)

// importedCost makes bcrypt take longer than our own hashes without slowing the tests.
const importedCost = 10

// If an account is imported on one node, by the library or by SQL, every sign-in on the
// other nodes does the work of its hash, until that hash is replaced.
func TestAccount_FR_10_OtherNodesDoTheWorkOfAnImportedHash(t *testing.T) {
	withAccountsOn(t, func(t *testing.T, db *sql.DB, d sqldb.Dialect) {
		one, two := newSite(t, db, d, "http://127.0.0.1:8000"), newSite(t, db, d, "http://127.0.0.1:8000")
		one.ada()
		raw, err := bcrypt.GenerateFromPassword([]byte(adasPassword), importedCost)
		if err != nil {
			t.Fatal(err)
		}
		least := time.Hour
		for range 3 {
			begin := time.Now()
			_ = bcrypt.CompareHashAndPassword(raw, []byte("wrong"))
			least = min(least, time.Since(begin))
		}
		if _, err := one.Create(t.Context(), account.NewUser{Email: "bob@example.com", PasswordHash: string(raw)}); err != nil {
			t.Fatal(err)
		}
		for _, email := range []string{"ada@example.com", "bob@example.com", "unknown@example.com", "no address"} {
			begin := time.Now()
			two.visitor("192.0.2.1").signIn(email, "wrong password")
			// A lower bound holds on a busy machine too.
			if took := time.Since(begin); took < least/2 {
				t.Errorf("a wrong password for %s takes %v, and bcrypt alone %v; the time reveals the imported hash", email, took, least)
			}
		}
	})
}

// Finding the costs takes one step for each cost, whatever the number of accounts. Each
// step reads one entry of an index.
func TestAccount_FR_10_CostsAreReadFromAnIndex(t *testing.T) {
	for _, d := range dbtest.Dialects {
		t.Run(d.Name, func(t *testing.T) {
			db, counter := dbtest.Count(t, dbtest.URL(t, d))
			s := newSite(t, db, d, "http://127.0.0.1:8000")
			const accounts = 40
			for i := range accounts {
				hash := fmt.Sprintf("$2y$%02d$%053d", 4+i%2, i)
				if i%4 == 0 {
					hash = fmt.Sprintf("$argon2id$v=19$m=%d,t=1,p=1$c29tZXNhbHRz%04d$AAAAAAAAAAAAAAAAAAAAAA", 64<<(i%8/4), i)
				}
				if _, err := s.Create(t.Context(), account.NewUser{Email: fmt.Sprintf("user%d@example.com", i), PasswordHash: hash}); err != nil {
					t.Fatal(err)
				}
			}
			counter.Take()
			s.visitor("192.0.2.1").signIn("unknown@example.com", "wrong password")
			steps, text := 0, ""
			for _, q := range counter.Take().Texts {
				if strings.Contains(q, "password_cost >") || strings.Contains(q, "split_part") {
					steps, text = steps+1, q
				}
			}
			if steps != 5 {
				t.Errorf("a sign-in with 4 costs among %d accounts takes %d steps, want 5", accounts, steps)
			}
			if d == sqldb.MySQL {
				return // MySQL scans such a small table
			}
			all := plan(t, db, d, text)
			for _, step := range all {
				if wholeTable(step, all) {
					t.Errorf("%s\nreads a whole table: %s", text, step)
				}
			}
		})
	}
}
