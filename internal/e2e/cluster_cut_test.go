package e2e_test

import (
	"database/sql"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// Connections break at any moment: before a statement reaches the database, and
// after the database executed it but before its response. This includes COMMIT
// and single-statement transactions.
func TestCluster_F13_ConnectionsCut(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"postgres", "mysql"} {
		t.Run(kind, func(t *testing.T) {
			database := freshDatabase(t, kind)
			var wires []*wire
			var databases []string
			for range 3 {
				w, u := newWire(t, database)
				wires, databases = append(wires, w), append(databases, u)
			}
			c, l := faulty(t, databases, 8)
			for _, w := range wires {
				w.cutEvery.Store(25)
			}
			time.Sleep(5 * time.Second)
			var cuts, lost int64
			for _, w := range wires {
				w.cutEvery.Store(0)
				cuts, lost = cuts+w.cuts.Load(), lost+w.lost.Load()
			}
			l.settle(t, kind+": connections cut")
			t.Logf("measured: %s: %d connections cut, %d of them after the database executed the statement", kind, cuts, lost)
			if cuts < 20 || lost < 10 {
				t.Errorf("only %d connections were cut, %d of them at a response, want more", cuts, lost)
			}
			_ = c
		})
	}
}

// All requests to a database that does not respond fail after a limit,
// concurrently and not one after the other.
func TestCluster_RV_08_DatabaseSilent(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"postgres", "mysql"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w, database := newWire(t, freshDatabase(t, kind))
			c, l := faulty(t, []string{database, database, database}, 2)
			known := c.witness(t, l.shop)
			time.Sleep(300 * time.Millisecond)
			w.silent.Store(true)
			var requests sync.WaitGroup
			var mu sync.Mutex
			var longest time.Duration
			for i := range 72 {
				requests.Go(func() {
					begun := time.Now()
					g := c.nodes[i%3].grant(l.shop, url.Values{"grant_type": {"client_credentials"}})
					took := time.Since(begun)
					mu.Lock()
					defer mu.Unlock()
					longest = max(longest, took)
					if g.status != http.StatusServiceUnavailable || g.retryAfter == "" {
						t.Errorf("response to a token request while the database is silent = %d %s (%v) after %v, want 503", g.status, g.Error, g.err, took)
					}
				})
				requests.Go(func() {
					if got := c.nodes[i%3].guarded(userPath, known.revoked); got == http.StatusOK {
						t.Error("a guard admits a revoked token while the database is silent")
					}
				})
			}
			requests.Wait()
			if longest > 15*time.Second {
				t.Errorf("the last of 72 responses came after %v, want at most 15 s", longest)
			}
			w.silent.Store(false)
			back := time.Now()
			for _, n := range c.nodes {
				n.awaitReadiness(t, 30*time.Second)
			}
			t.Logf("measured: %s: silent database: the last of 72 responses came after %.1f s; ready %.1f s after the database responded again", kind, longest.Seconds(), time.Since(back).Seconds())
			l.settle(t, kind+": a silent database")
		})
	}
}

// All transactions are serializable, so the database aborts many. Clients don't
// notice (F13).
func TestCluster_F13_RT_05_Serializable(t *testing.T) {
	t.Parallel()
	database := freshDatabase(t, "postgres") + "&default_transaction_isolation=serializable"
	c, l := faulty(t, []string{database, database, database}, 8)
	time.Sleep(2 * time.Second)
	for _, flow := range []func(*testing.T, client){c.parallelRefreshes, c.parallelRedemptions} {
		flow(t, l.shop)
	}
	l.settle(t, "serializable transactions")
	if l.busy.Load() > 0 {
		t.Errorf("%d responses were 503, want retried transactions", l.busy.Load())
	}
	var aborted int64
	err := c.nodes[0].app.db.QueryRow("SELECT xact_rollback FROM pg_stat_database WHERE datname = current_database()").Scan(&aborted)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("measured: serializable transactions: %d were aborted and retried", aborted)
}

// The primary fails and its standby takes over. One URL has both.
func TestCluster_StandbyPromoted(t *testing.T) {
	s := startServers(t, "postgres")
	database := both(t, s)
	c, l := faulty(t, []string{database, database, database}, 6)
	known := c.witness(t, l.shop)
	time.Sleep(2 * time.Second)
	watch := c.watch(t, known)
	s.do(t, "kill", "primary")
	watch.wantAway(t)
	s.do(t, "promote", "standby")
	watch.wantBack(t, "a standby was promoted")
	time.Sleep(time.Second)
	l.settle(t, "a standby was promoted")
}

// With asynchronous replication, a promotion loses the writes that the standby
// lacks, including revocations. docs/reliability.md has the figures.
func TestCluster_StandbyPromotedThatLagged(t *testing.T) {
	s := startServers(t, "async")
	database := both(t, s)
	c, l := faulty(t, []string{database, database, database}, 6)
	time.Sleep(time.Second)
	const lag = 500 * time.Millisecond
	w := follow(t, s)
	time.Sleep(time.Second)
	w.silent.Store(true)
	time.Sleep(lag)
	s.do(t, "kill", "primary")
	w.breakAll()
	s.do(t, "promote", "standby")
	l.stop()
	for _, n := range c.nodes {
		n.awaitReadiness(t, startTimeout)
	}
	lost, undone := l.compare(func(string) {})
	t.Logf("measured: an asynchronous standby was promoted, %v behind: of %d chains %d lost their last tokens, of %d revocations %d are not in effect",
		lag, len(l.live), lost, len(l.dead), undone)
	if lost == 0 && undone == 0 {
		t.Error("nothing was lost, so the standby did not lag")
	}
}

// follow lets the standby follow the primary over a wire.
func follow(t *testing.T, s *servers) *wire {
	t.Helper()
	w, over := newWire(t, s.urls["primary"])
	u, err := url.Parse(over)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("pgx", s.urls["standby"])
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	password, _ := u.User.Password()
	for _, q := range []string{
		fmt.Sprintf("ALTER SYSTEM SET primary_conninfo = 'host=127.0.0.1 port=%s user=passport password=%s'", u.Port(), password),
		"SELECT pg_reload_conf()",
	} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// both returns one URL for a primary and its standby.
func both(t *testing.T, s *servers) string {
	t.Helper()
	first, err := url.Parse(s.urls["primary"])
	if err != nil {
		t.Fatal(err)
	}
	second, err := url.Parse(s.urls["standby"])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Replace(s.urls["primary"], first.Host, first.Host+","+second.Host, 1) + "&target_session_attrs=read-write"
}
