package dbtest_test

import (
	"context"
	"database/sql"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
)

// FR-52: the server or a load balancer ends the idle connections of a pool. Each verb
// succeeds as the first one after that, and does not write twice: a second write would
// find a code spent or a name taken.
func TestStore_FR_52_IdleConnectionsEnd(t *testing.T) {
	for _, d := range []sqldb.Dialect{sqldb.Postgres, sqldb.MySQL} {
		for _, by := range []string{"server", "load balancer"} {
			// With an audit record a write is a transaction, otherwise a single
			// statement.
			for name, audit := range map[string]*oauth.AuditRecord{"alone": nil, "with an audit record": {Time: now, Action: "test"}} {
				if by == "load balancer" && audit != nil {
					continue
				}
				t.Run(d.Name+" by a "+by+" "+name, func(t *testing.T) {
					t.Parallel()
					databaseURL := dbtest.URL(t, d)
					admin := dbtest.OpenURL(t, databaseURL)
					s := migrated(t, admin, d)
					c, f := populated(t, s)
					end := func(ids []string) { terminate(t, admin, d, ids) }
					if by == "load balancer" {
						var p *dbtest.Proxy
						p, databaseURL = dbtest.NewProxy(t, databaseURL)
						end = func([]string) {
							p.SetDown(true)
							p.SetDown(false)
							time.Sleep(20 * time.Millisecond) // a busy kernel delivers the end a little later
						}
					}
					for i := range verbs(t, s, c, f, audit) {
						// A new pool has not seen a broken connection yet.
						pool := dbtest.OpenURL(t, databaseURL)
						verb := verbs(t, sqlstore.New(pool, d), c, f, audit)[i]
						end(holdSome(t, pool, d, 2))
						if err := verb.call(); err != nil {
							t.Errorf("%s after the idle connections ended = %v, want nil", verb.name, err)
						}
						pool.Close()
					}
				})
			}
		}
	}
}

// holdSome makes a pool keep n connections, and returns the server's IDs for them. They
// were just used: pgx pings a connection that was not used for a second.
func holdSome(t *testing.T, pool *sql.DB, d sqldb.Dialect, n int) (ids []string) {
	t.Helper()
	q := map[string]string{"postgres": "SELECT pg_backend_pid()", "mysql": "SELECT CONNECTION_ID()"}[d.Name]
	for range 2 { // pgx pings a new connection too
		ids = nil
		var held []*sql.Conn
		for range n {
			conn, err := pool.Conn(t.Context())
			must(t, err)
			held = append(held, conn)
			var id string
			must(t, conn.QueryRowContext(t.Context(), q).Scan(&id))
			ids = append(ids, id)
		}
		for _, conn := range held {
			must(t, conn.Close())
		}
	}
	return ids
}

// terminate makes the server end connections, and waits until it has.
func terminate(t *testing.T, admin *sql.DB, d sqldb.Dialect, ids []string) {
	t.Helper()
	left := "SELECT COUNT(*) FROM pg_stat_activity WHERE pid IN (" + strings.Join(ids, ", ") + ")"
	if d.Name == sqldb.MySQL.Name {
		left = "SELECT COUNT(*) FROM information_schema.processlist WHERE id IN (" + strings.Join(ids, ", ") + ")"
	}
	for _, id := range ids {
		q := "SELECT pg_terminate_backend(" + id + ")"
		if d.Name == sqldb.MySQL.Name {
			q = "KILL " + id
		}
		_, err := admin.ExecContext(t.Context(), q)
		must(t, err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		var n int
		must(t, admin.QueryRowContext(t.Context(), left).Scan(&n))
		if n == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of the connections %v still exist after 10 s", n, ids)
		}
	}
}

// FR-52: the server ends all sessions repeatedly while readers are active. No SELECT
// and no probe fails.
func TestStore_FR_52_SessionsEndRepeatedly(t *testing.T) {
	t.Parallel()
	databaseURL := dbtest.URL(t, sqldb.Postgres, "application_name=ends_again")
	admin := dbtest.OpenURL(t, dbtest.URL(t, sqldb.Postgres))
	pool := dbtest.OpenURL(t, databaseURL)
	pool.SetMaxOpenConns(16)
	s := migrated(t, pool, sqldb.Postgres)
	c, _ := populated(t, s)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var reads atomic.Int64
	var readers sync.WaitGroup
	for n := range 12 {
		readers.Go(func() {
			for ctx.Err() == nil {
				_, err := s.Client(t.Context(), c.ID)
				if n == 0 && err == nil {
					err = s.Check(t.Context())
				}
				if err != nil {
					t.Errorf("a read while sessions end = %v, want nil", err)
					return
				}
				reads.Add(1)
			}
		})
	}
	for range 6 {
		_, err := admin.ExecContext(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ends_again'")
		must(t, err)
		for goal, deadline := reads.Load()+200, time.Now().Add(10*time.Second); reads.Load() < goal && time.Now().Before(deadline) && !t.Failed(); {
			time.Sleep(time.Millisecond)
		}
	}
	stop()
	readers.Wait()
}
