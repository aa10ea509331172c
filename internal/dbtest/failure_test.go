package dbtest_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// OP-04: while the database is unreachable, every verb fails with ErrUnavailable, which
// becomes a 503. When the database is back, every verb succeeds.
func TestStore_OP_04_D1_DatabaseUnreachable(t *testing.T) {
	for _, d := range []sqldb.Dialect{sqldb.Postgres, sqldb.MySQL} {
		t.Run(d.Name, func(t *testing.T) {
			p, databaseURL := dbtest.NewProxy(t, dbtest.URL(t, d))
			s := migrated(t, dbtest.OpenURL(t, databaseURL), d)
			c, f := populated(t, s)
			all := verbs(t, s, c, f, &oauth.AuditRecord{Time: now, Action: "test"})
			p.SetDown(true)
			for _, verb := range all {
				if err := verb.call(); !errors.Is(err, oauth.ErrUnavailable) {
					t.Errorf("%s while the server is down = %v, want ErrUnavailable", verb.name, err)
				}
			}
			if err := s.Check(t.Context()); !errors.Is(err, oauth.ErrUnavailable) {
				t.Errorf("Check() while the server is down = %v, want ErrUnavailable", err)
			}
			p.SetDown(false)
			for _, verb := range all {
				if err := verb.call(); err != nil {
					t.Errorf("%s when the server is back = %v, want nil", verb.name, err)
				}
			}
		})
	}
	t.Run("closed pool", func(t *testing.T) {
		everyStore(t, func(t *testing.T, d sqldb.Dialect) {
			db := dbtest.Open(t, d)
			s := migrated(t, db, d)
			c, f := populated(t, s)
			db.Close()
			for _, verb := range verbs(t, s, c, f, nil) {
				if err := verb.call(); !errors.Is(err, oauth.ErrUnavailable) {
					t.Errorf("%s on a closed pool = %v, want ErrUnavailable", verb.name, err)
				}
			}
		})
	})
}

// A canceled request changes nothing, and is not logged as an outage.
func TestStore_CallerHasCanceled(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		s := migrated(t, dbtest.Open(t, d), d)
		c, f := populated(t, s)
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.AccessToken(gone, "x"); !errors.Is(err, context.Canceled) || oauth.AsError(err).Code.Status() == 500 {
			t.Errorf("AccessToken() with a canceled context = %v, want context.Canceled without status 500", err)
		}
		if err := s.Issue(gone, newIssuance(c, f, "x", spendCode(f))); !errors.Is(err, context.Canceled) || oauth.AsError(err).Code.Status() == 500 {
			t.Errorf("Issue() with a canceled context = %v, want context.Canceled without status 500", err)
		}
		must(t, s.Issue(t.Context(), newIssuance(c, f, "x", spendCode(f)))) // the code was not spent
	})
}

// Callers cancel at any moment. The result of the call must match what was stored.
func TestStore_OP_04_CallersCancel(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		s := migrated(t, dbtest.Open(t, d), d)
		c, _ := populated(t, s)
		stored, refused := 0, 0
		for n := range 300 {
			f := newFamily(fmt.Sprint("f", n))
			i := newIssuance(c, f, f.ID, oauth.Spend{})
			i.NewFamily = f
			ctx, cancel := context.WithCancel(t.Context())
			timer := time.AfterFunc(rand.N(500*time.Microsecond), cancel)
			err := s.Issue(ctx, i)
			timer.Stop()
			cancel()
			_, readErr := s.AccessToken(t.Context(), f.ID)
			switch {
			case err == nil && readErr == nil:
				stored++
			case errors.Is(err, context.Canceled) && errors.Is(readErr, oauth.ErrNotFound):
				refused++
			default:
				t.Errorf("Issue() = %v, but AccessToken() = %v; want the two to agree", err, readErr)
			}
		}
		t.Logf("%d tokens stored, %d refused", stored, refused)
		if stored == 0 {
			t.Error("no token was stored, so the test proves nothing")
		}
	})
}

// unknown checks a store that lost the response to one write. It must return
// ErrUnavailable and must not retry, and afterwards all or nothing must be stored. With
// the audit record the write is a transaction, on PostgreSQL too.
func unknown(t *testing.T, s oauth.Store, c *oauth.Client, f *oauth.Family, audit *oauth.AuditRecord, written bool) {
	t.Helper()
	i := newIssuance(c, f, "lost", spendCode(f))
	i.Audit = audit
	err := s.Issue(t.Context(), i)
	if !errors.Is(err, oauth.ErrUnavailable) || errors.Is(err, oauth.ErrSpent) {
		t.Errorf("Issue() without a response = %v, want ErrUnavailable, because a retry would look like a replay", err)
	}
	// A server that received the write may still be running it. The token is read
	// first: if it exists, so must everything else.
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		_, tokenErr := s.AccessToken(t.Context(), "lost")
		code, err := s.Code(t.Context(), oauth.DigestOf("code of "+f.ID))
		must(t, err)
		spent, stored := !code.SpentAt.IsZero(), tokenErr == nil
		if stored && !spent {
			t.Error("afterwards the token exists and the code is not spent, want all or nothing")
		}
		if spent == written && stored == written {
			break
		}
		if !written || time.Now().After(deadline) {
			t.Errorf("afterwards code spent = %v and token stored = %v, want both %v", spent, stored, written)
			break
		}
	}
	// The client retries. If the write happened, the code is spent.
	err = s.Issue(t.Context(), newIssuance(c, f, "retried", spendCode(f)))
	if want := map[bool]error{true: oauth.ErrSpent, false: nil}[written]; !errors.Is(err, want) {
		t.Errorf("Issue() again = %v, want %v", err, want)
	}
}

func TestStore_OP_04_UnknownOutcome(t *testing.T) {
	t.Run("the response is lost", func(t *testing.T) {
		everyStore(t, func(t *testing.T, d sqldb.Dialect) { lostCommit(t, d, true) })
	})
	t.Run("the statement is lost", func(t *testing.T) {
		everyStore(t, func(t *testing.T, d sqldb.Dialect) { lostCommit(t, d, false) })
	})
	t.Run("the connection breaks", func(t *testing.T) {
		for _, d := range []sqldb.Dialect{sqldb.Postgres, sqldb.MySQL} {
			t.Run(d.Name, func(t *testing.T) {
				p, databaseURL := dbtest.NewProxy(t, dbtest.URL(t, d))
				s := migrated(t, dbtest.OpenURL(t, databaseURL), d)
				c, f := populated(t, s)
				p.Cut("commit")
				unknown(t, s, c, f, &oauth.AuditRecord{Time: now}, true)
			})
		}
	})
}

// lostCommit makes a driver report once that it lost its connection in COMMIT.
func lostCommit(t *testing.T, d sqldb.Dialect, written bool) {
	var lose atomic.Bool
	commits := 0
	lost := fmt.Errorf("the connection was lost: %w", driver.ErrBadConn)
	hooks := dbtest.Hooks{
		Before: func(op dbtest.Op, _ string) error {
			if op == dbtest.OpCommit && !written && lose.Swap(false) {
				commits++
				return lost
			}
			return nil
		},
		After: func(op dbtest.Op, _ string, err error) error {
			if op == dbtest.OpCommit && written && lose.Swap(false) {
				commits++
				return errors.Join(err, lost)
			}
			return err
		},
	}
	db := dbtest.Wrap(t, dbtest.URL(t, d), hooks)
	s := migrated(t, db, d)
	c, f := populated(t, s)
	lose.Store(true)
	unknown(t, s, c, f, &oauth.AuditRecord{Time: now}, written)
	if commits != 1 {
		t.Errorf("%d lost COMMITs, want 1", commits)
	}
}

// A single statement has no COMMIT. There the response to the statement is lost.
func TestStore_OP_04_UnknownOutcomeOfOneStatement(t *testing.T) {
	for _, d := range []sqldb.Dialect{sqldb.Postgres, sqldb.MySQL} {
		t.Run(d.Name, func(t *testing.T) {
			p, databaseURL := dbtest.NewProxy(t, dbtest.URL(t, d))
			s := migrated(t, dbtest.OpenURL(t, databaseURL), d)
			c, f := populated(t, s)
			if d.Name == sqldb.Postgres.Name {
				lostRedemption(t, s, p, c, f)
			}
			must(t, s.Issue(t.Context(), newIssuance(c, nil, "first", oauth.Spend{}))) // prepares the statement
			p.Cut("lost-token")
			err := s.Issue(t.Context(), newIssuance(c, nil, "lost-token", oauth.Spend{}))
			if !errors.Is(err, oauth.ErrUnavailable) {
				t.Errorf("Issue() without a response = %v, want ErrUnavailable", err)
			}
			must(t, s.UseOnce(t.Context(), "a.b", "before", now))
			p.Cut(strings.ToLower(string(oauth.DigestOf("lost"))))
			if err := s.UseOnce(t.Context(), "a.b", "lost", now); !errors.Is(err, oauth.ErrUnavailable) {
				t.Errorf("UseOnce() without a response = %v, want ErrUnavailable", err)
			}
			// The server may or may not have run the statement. A second call must work
			// in both cases.
			if err := s.UseOnce(t.Context(), "a.b", "lost", now); err != nil && !errors.Is(err, oauth.ErrSpent) {
				t.Errorf("UseOnce() again = %v, want nil or ErrSpent", err)
			}
			if err := s.UseOnce(t.Context(), "a.b", "lost", now); !errors.Is(err, oauth.ErrSpent) {
				t.Errorf("UseOnce() once more = %v, want ErrSpent", err)
			}
		})
	}
}

// lostRedemption loses the response to the statement that redeems a code. The statement
// must not run again, and afterwards all or nothing must be stored.
func lostRedemption(t *testing.T, s oauth.Store, p *dbtest.Proxy, c *oauth.Client, f *oauth.Family) {
	t.Helper()
	p.Cut("lost-redemption")
	err := s.Issue(t.Context(), newIssuance(c, f, "lost-redemption", spendCode(f)))
	if !errors.Is(err, oauth.ErrUnavailable) || errors.Is(err, oauth.ErrSpent) {
		t.Errorf("Issue() without a response to its statement = %v, want ErrUnavailable, because a retry would look like a replay", err)
	}
	// The server may finish the statement between two reads. So the token is read
	// before and after the code.
	_, before := s.AccessToken(t.Context(), "lost-redemption")
	code, err := s.Code(t.Context(), oauth.DigestOf("code of "+f.ID))
	must(t, err)
	_, after := s.AccessToken(t.Context(), "lost-redemption")
	if spent := !code.SpentAt.IsZero(); before == nil && !spent || spent && after != nil {
		t.Errorf("afterwards code spent = %v, and AccessToken() = %v before and %v after that, want both or neither", spent, before, after)
	}
}

// PostgreSQL redeems a code in one statement, which must not be repeated either.
func TestStore_OP_04_UnknownOutcomeOfARedemption(t *testing.T) {
	p, databaseURL := dbtest.NewProxy(t, dbtest.URL(t, sqldb.Postgres))
	s := migrated(t, dbtest.OpenURL(t, databaseURL), sqldb.Postgres)
	c, f := populated(t, s)
	other := newFamily("other")
	must(t, s.IssueCode(t.Context(), newCodeIssuance(other)))
	must(t, s.Issue(t.Context(), newIssuance(c, other, "other", spendCode(other)))) // prepares the statement
	p.Cut("lost")
	unknown(t, s, c, f, nil, true)
}

// Inside the application's write transaction our calls can't write, because SQLite has
// one writer. They fail with the reason, and later writes succeed.
func TestStore_SQLiteInsideAnotherTransaction(t *testing.T) {
	if testing.Short() && os.Getenv("PASSPORT_TEST_REQUIRE") != "1" {
		t.Skip("takes some seconds")
	}
	for _, pool := range []int{1, 4} {
		t.Run(fmt.Sprint("pool of ", pool), func(t *testing.T) {
			t.Parallel()
			db := dbtest.Open(t, sqldb.SQLite)
			s := migrated(t, db, sqldb.SQLite)
			c, f := populated(t, s)
			db.SetMaxOpenConns(pool)
			mustExec(t, db, `CREATE TABLE orders (id INTEGER)`)
			tx, err := db.BeginTx(t.Context(), nil)
			must(t, err)
			defer tx.Rollback()
			_, err = tx.Exec(`INSERT INTO orders (id) VALUES (1)`)
			must(t, err)
			err = s.Issue(t.Context(), newIssuance(c, f, "x", spendCode(f)))
			if !errors.Is(err, oauth.ErrUnavailable) || !strings.Contains(err.Error(), "its own transaction") {
				t.Errorf("Issue() inside the application's transaction = %v, want ErrUnavailable with the cause", err)
			}
			must(t, tx.Commit())
			must(t, s.Issue(t.Context(), newIssuance(c, f, "x", spendCode(f))))
		})
	}
}

// C10, CO-10, RT-12: an attacker with a copy of the database has no working credential.
func TestStore_C10_CO_10_RT_12_DumpHoldsNoSecret(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		db := dbtest.Open(t, d)
		s := migrated(t, db, d)
		c, f := populated(t, s)
		for _, verb := range verbs(t, s, c, f, &oauth.AuditRecord{Time: now, Action: "test"})[:25] {
			must(t, verb.call())
		}
		secrets := []string{
			"client secret", "code of family", "code of second", "session of family", "ticket of family", "refresh first", "refresh refreshed",
		}
		rows := 0
		for table := range tables(t, db, d) {
			rows += dumpTable(t, db, table, func(column, value string) {
				for _, secret := range secrets {
					if strings.Contains(value, secret) {
						t.Errorf("%s.%s holds %q, want its digest", table, column, secret)
					}
				}
			})
		}
		if rows < 15 {
			t.Errorf("the dump has %d rows, want at least 15", rows)
		}
	})
}

// dumpTable passes all values of a table to show and returns the number of rows.
func dumpTable(t *testing.T, db *sql.DB, table string, show func(column, value string)) (n int) {
	t.Helper()
	rows, err := db.Query("SELECT * FROM " + table)
	must(t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	must(t, err)
	for ; rows.Next(); n++ {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(sql.NullString)
		}
		must(t, rows.Scan(values...))
		for i, column := range columns {
			show(column, values[i].(*sql.NullString).String)
		}
	}
	must(t, rows.Err())
	return n
}

// Purge leaves no orphaned rows.
func TestStore_PurgeLeavesNothing(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		db := dbtest.Open(t, d)
		s := migrated(t, db, d)
		c, f := populated(t, s)
		for _, verb := range verbs(t, s, c, f, nil) {
			must(t, verb.call())
		}
		orphan := newIssuance(c, newFamily("was never stored"), "orphan", oauth.Spend{})
		must(t, s.Issue(t.Context(), orphan))
		for {
			n, err := s.Purge(t.Context(), oauth.EndedBefore(now.Add(1000*time.Hour)), 7)
			must(t, err)
			if n == 0 {
				break
			}
		}
		for _, table := range []string{
			"oauth_families", "oauth_cut_offs", "oauth_auth_codes", "oauth_access_tokens", "oauth_refresh_tokens", "oauth_consents", "oauth_once", "oauth_last_used",
		} {
			if n := dumpTable(t, db, table, func(string, string) {}); n > 0 {
				t.Errorf("%s has %d rows after a purge of everything, want none", table, n)
			}
		}
	})
}
