package dbtest_test

import (
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
)

func unnumbered(key string) *oauth.Client {
	c := newClient("")
	c.Key = key
	return c
}

// Two nodes, each with its own pool, number clients concurrently. No call fails with a
// conflict or a deadlock.
func TestCreateClient_NumbersOfTwoNodes(t *testing.T) {
	const each, clients = 8, 20
	for _, test := range []struct {
		name    string
		dialect sqldb.Dialect
		params  []string
	}{
		{"sqlite", sqldb.SQLite, nil},
		{"postgres", sqldb.Postgres, nil},
		{"postgres serializable", sqldb.Postgres, []string{"default_transaction_isolation=serializable"}},
		{"mysql", sqldb.MySQL, nil},
		{"mysql snapshots", sqldb.MySQL, []string{"innodb_snapshot_isolation=ON", "clientFoundRows=true"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			databaseURL := dbtest.URL(t, test.dialect, test.params...)
			var mu sync.Mutex
			var got, want []string
			var wg sync.WaitGroup
			for range 2 {
				s := migrated(t, dbtest.OpenURL(t, databaseURL), test.dialect)
				for range each {
					wg.Go(func() {
						for range clients {
							c := unnumbered("")
							err := s.CreateClient(t.Context(), c, &oauth.AuditRecord{Time: now, Action: "client.created"})
							if err != nil {
								t.Errorf("CreateClient() on one of two nodes = %v, want nil", err)
								return
							}
							mu.Lock()
							got = append(got, c.ID)
							mu.Unlock()
						}
					})
				}
			}
			wg.Wait()
			for n := range 2 * each * clients {
				want = append(want, strconv.Itoa(n+1))
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("two nodes assigned the numbers %.300q, want 1 to %d, each once", got, len(want))
			}
		})
	}
}

// Two nodes that create the client of a key at the same time create one.
func TestCreateClient_KeyOfTwoNodes(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		databaseURL := dbtest.URL(t, d)
		nodes := []*sqlstore.Store{migrated(t, dbtest.OpenURL(t, databaseURL), d), migrated(t, dbtest.OpenURL(t, databaseURL), d)}
		for round := range 20 {
			key := "personal:" + strconv.Itoa(round)
			ids := make([]string, len(nodes))
			var wg sync.WaitGroup
			for i, s := range nodes {
				wg.Go(func() {
					c := unnumbered(key)
					err := s.CreateClient(t.Context(), c, nil)
					if errors.Is(err, oauth.ErrConflict) {
						c, err = s.ClientByKey(t.Context(), key)
					}
					if err != nil {
						t.Errorf("ClientByKey() on the second node = %v, want nil", err)
						return
					}
					ids[i] = c.ID
				})
			}
			wg.Wait()
			if want := strconv.Itoa(round + 1); ids[0] != want || ids[1] != want {
				t.Errorf("two nodes have the clients %q for one key, want %q on both", ids, want)
			}
		}
	})
}

// tenThousand is a query for the numbers 1 to 10,000, in SQL that all databases accept.
const tenThousand = `SELECT 1 + a.d + 10 * b.d + 100 * c.d + 1000 * e.d AS d FROM ` + digits + ` a CROSS JOIN ` + digits + ` b CROSS JOIN ` +
	digits + ` c CROSS JOIN ` + digits + ` e`

const digits = `(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4
UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)`

// More numbers are taken than one transaction could skip.
func TestCreateClient_NumbersAfterAnImport(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		db, counter := dbtest.Count(t, dbtest.URL(t, d))
		s := migrated(t, db, d)
		text := map[string]string{"mysql": "CHAR"}[d.Name]
		if text == "" {
			text = "TEXT"
		}
		mustExec(t, db, `INSERT INTO oauth_clients (id, name, owner_provider, owner_id, auth_method, provider, ends_with_session, created_at, version)
SELECT CAST(n.d AS `+text+`), 'Imported', '', '', 'none', '', 0, 0, 0 FROM (`+tenThousand+`) n`)
		for _, want := range []string{"10001", "10002"} {
			counter.Take()
			start := time.Now()
			c := unnumbered("")
			must(t, s.CreateClient(t.Context(), c, nil))
			if c.ID != want {
				t.Errorf("number after an import of 10,000 clients = %q, want %q", c.ID, want)
			}
			if n := counter.Take().Statements; n > 10_000/20 {
				t.Errorf("skipping 10,000 numbers took %d statements in %v, want a page of numbers per statement", n, time.Since(start))
			}
		}
	})
}

// If the counter's row is deleted, numbers start from 1 again and skip taken numbers.
func TestCreateClient_NumbersWithoutACounter(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		db := dbtest.Open(t, d)
		s := migrated(t, db, d)
		for _, want := range []string{"1", "2", "3"} {
			mustExec(t, db, `DELETE FROM oauth_counters`)
			c := unnumbered("")
			must(t, s.CreateClient(t.Context(), c, nil))
			if c.ID != want {
				t.Errorf("number without a counter = %q, want %q", c.ID, want)
			}
		}
	})
}

// The operator has added an index that refuses the client.
func TestCreateClient_RefusedByAnIndexOfTheOperator(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		db := dbtest.Open(t, d)
		s := migrated(t, db, d)
		mustExec(t, db, `CREATE UNIQUE INDEX theirs ON oauth_clients (name)`)
		must(t, s.CreateClient(t.Context(), unnumbered(""), nil))
		for _, key := range []string{"", "key"} {
			if err := s.CreateClient(t.Context(), unnumbered(key), nil); !errors.Is(err, oauth.ErrConflict) {
				t.Errorf("CreateClient() that another index refuses = %v, want ErrConflict", err)
			}
		}
	})
}
