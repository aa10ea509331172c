package dbtest_test

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
)

// count returns the number of rows in a table.
func count(t testing.TB, db *sql.DB, table string) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM `+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// purgeRows are the tables that a purge deletes from.
var purgeRows = []string{
	"oauth_refresh_tokens", "oauth_access_tokens", "oauth_auth_codes", "oauth_families", "oauth_once", "oauth_cut_offs", "oauth_last_used",
}

// endedFamilies stores families that have ended, with their records, cut-offs and used
// tickets.
func endedFamilies(t testing.TB, s *sqlstore.Store, c *oauth.Client, n int) {
	t.Helper()
	for i := range n {
		f := newFamily(fmt.Sprint("ended ", i))
		f.User.ID = f.ID
		must(t, s.IssueCode(t.Context(), newCodeIssuance(f)))
		must(t, s.Issue(t.Context(), newIssuance(c, f, f.ID, spendCode(f))))
		must(t, s.SaveUses(t.Context(), []oauth.Use{{FamilyID: f.ID, At: now}}))
		must(t, s.RevokeFamilies(t.Context(), oauth.FamilyFilter{User: f.User}, now, nil))
	}
}

// A purge that stops at any moment has deleted whole families. Going table by table,
// each page would scan all ended families.
func TestPurge_FamilyByFamily(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		db := dbtest.Open(t, d)
		s := migrated(t, db, d)
		c, _ := populated(t, s)
		const n = 350
		endedFamilies(t, s, c, n)
		// The cut-offs first, with 100 of the rows.
		_, err := s.Purge(t.Context(), oauth.PurgeBefore{Revoked: now.Add(2 * time.Hour)}, n)
		must(t, err)
		before := count(t, db, "oauth_families")
		for before > 1 {
			deleted, err := s.Purge(t.Context(), oauth.PurgeBefore{Revoked: now.Add(2 * time.Hour)}, 500)
			must(t, err)
			left := count(t, db, "oauth_families")
			if left > max(1, before-50) || deleted == 0 || deleted > 600 {
				t.Fatalf("Purge() of 500 rows, 5 per family, deleted %d rows and %d families, want about 100", deleted, before-left)
			}
			before = left
		}
		for _, table := range purgeRows[:2] {
			if left := count(t, db, table); left > 0 {
				t.Errorf("%d rows left in %s, want none", left, table)
			}
		}
	})
}

// A purge ends even if the database refuses to delete rows.
func TestPurge_RowsThatCannotBeDeleted(t *testing.T) {
	for _, d := range []sqldb.Dialect{sqldb.SQLite, sqldb.Postgres} {
		t.Run(d.Name, func(t *testing.T) {
			db := dbtest.Open(t, d)
			s := migrated(t, db, d)
			c, _ := populated(t, s)
			endedFamilies(t, s, c, 150)
			for n := range 150 {
				must(t, s.Issue(t.Context(), newIssuance(c, nil, fmt.Sprint("own ", n), oauth.Spend{})))
			}
			rows := map[string]int{}
			for _, table := range purgeRows {
				rows[table] = count(t, db, table)
				if rows[table] < 150 {
					t.Fatalf("%s has %d rows, want more than a page", table, rows[table])
				}
				if d == sqldb.SQLite {
					mustExec(t, db, `CREATE TRIGGER keep_`+table+` BEFORE DELETE ON `+table+` BEGIN SELECT RAISE(IGNORE); END`)
				} else {
					mustExec(t, db, `CREATE RULE keep_rows AS ON DELETE TO `+table+` DO INSTEAD NOTHING`)
				}
			}
			done := make(chan error, 1)
			go func() {
				n, err := s.Purge(t.Context(), oauth.EndedBefore(now.Add(100*time.Hour)), 1000)
				if err == nil && n != 0 {
					err = fmt.Errorf("it reports %d deleted rows, want 0", n)
				}
				done <- err
			}()
			select {
			case err := <-done:
				if err != nil {
					t.Errorf("Purge() of rows that cannot be deleted = %v, want nil", err)
				}
			case <-time.After(30 * time.Second):
				t.Fatal("Purge() of rows that cannot be deleted has not returned after 30 s")
			}
			for table, want := range rows {
				if got := count(t, db, table); got != want {
					t.Errorf("%s has %d rows, want the %d that cannot be deleted", table, got, want)
				}
			}
		})
	}
}

// A token that is issued during a purge of all revoked records still finds its family,
// and is dead with it.
func TestPurge_RevokedNowDuringARequest(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		db := dbtest.Open(t, d)
		s := migrated(t, db, d)
		c, f := populated(t, s)
		first := newIssuance(c, f, "first", spendCode(f))
		must(t, s.Issue(t.Context(), first))
		must(t, s.RevokeFamily(t.Context(), f.ID, now, nil))
		purge := func(at time.Time) {
			t.Helper()
			for {
				n, err := s.Purge(t.Context(), oauth.PurgeBefore{Revoked: at}, 1000)
				must(t, err)
				if n == 0 {
					return
				}
			}
		}
		purge(now)
		if n := count(t, db, "oauth_access_tokens") + count(t, db, "oauth_refresh_tokens") + count(t, db, "oauth_auth_codes"); n != 0 {
			t.Errorf("%d rows left in a revoked family, want none", n)
		}
		// The request has read the refresh token earlier, or needs nothing to spend.
		if err := s.Issue(t.Context(), newIssuance(c, f, "refreshed", spendRefresh("first"))); err == nil {
			t.Error("Issue() that spends a purged token = nil, want ErrSpent")
		}
		must(t, s.Issue(t.Context(), newIssuance(c, f, "late", oauth.Spend{})))
		token, err := s.AccessToken(t.Context(), "late")
		if err != nil || token.Family == nil || token.Live(now) || !token.Family.RevokedAt.Equal(now) {
			t.Errorf("AccessToken() issued into a purged family = %+v, %v, want it dead, with its family", token, err)
		}
		purge(now.Add(time.Hour - time.Microsecond))
		if n := count(t, db, "oauth_families"); n != 1 {
			t.Errorf("%d families just before an hour has passed, want 1", n)
		}
		purge(now.Add(time.Hour))
		if n := count(t, db, "oauth_families") + count(t, db, "oauth_access_tokens") + count(t, db, "oauth_refresh_tokens"); n != 0 {
			t.Errorf("%d rows left after an hour, want none", n)
		}
	})
}

// An access token whose refresh token still works is examined twice, and not at each
// purge.
func TestPurge_ExaminesAKeptTokenTwice(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		db, counter := dbtest.Count(t, dbtest.URL(t, d))
		s := migrated(t, db, d)
		c, _ := populated(t, s)
		const n = 250
		for i := range n {
			f := newFamily(fmt.Sprint("kept ", i))
			f.ExpiresAt = now.Add(365 * 24 * time.Hour)
			is := newIssuance(c, f, f.ID, oauth.Spend{})
			is.NewFamily, is.RefreshToken.ExpiresAt = f, now.Add(30*24*time.Hour)
			must(t, s.Issue(t.Context(), is))
		}
		purge := func(days int) int {
			t.Helper()
			counter.Take()
			_, err := s.Purge(t.Context(), oauth.PurgeBefore{Expired: now.Add(time.Duration(days) * 24 * time.Hour)}, 1000)
			must(t, err)
			return counter.Take().Statements
		}
		first, second := purge(7), purge(8)
		if got := count(t, db, "oauth_access_tokens"); got != n {
			t.Errorf("%d access tokens left of %d with usable refresh tokens", got, n)
		}
		if extra := first - second; extra < 3 || extra > 40 {
			t.Errorf("the first purge of %d kept tokens takes %d statements more than the second (%d), want a few for each page", n, extra, second)
		}
		purge(30)
		if got := count(t, db, "oauth_access_tokens"); got != 0 {
			t.Errorf("%d access tokens left after their refresh tokens have expired, want none", got)
		}
	})
}

// Before the switch a purge keeps the cut-offs that may end the families of another import.
// Sign-outs are frequent, and imported families have no session, so their cut-offs go.
func TestPurge_LP_3_CutOffsBeforeTheSwitch(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		db := dbtest.Open(t, d)
		s := migrated(t, db, d)
		c := newClient("shop")
		must(t, s.Import(t.Context(), &oauth.ImportBatch{Clients: []*oauth.ImportedClient{{Client: c}}}))
		must(t, s.EndSession(t.Context(), alice, oauth.DigestOf("session"), now, nil))
		must(t, s.RevokeFamilies(t.Context(), oauth.FamilyFilter{User: alice}, now, nil))
		purge := func(when string, want int) {
			t.Helper()
			_, err := s.Purge(t.Context(), oauth.EndedBefore(now.Add(100*time.Hour)), 1000)
			must(t, err)
			if got := count(t, db, "oauth_cut_offs"); got != want {
				t.Errorf("a purge %s the switch leaves %d cut-offs of 2 for a session and 1 for a user, want %d", when, got, want)
			}
		}
		purge("before", 1)
		must(t, s.SetImportNote(t.Context(), oauth.ImportSwitched, "2026-11-30T12:00:00Z"))
		purge("after", 0)
	})
}
