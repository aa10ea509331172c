package e2e_test

import (
	"database/sql"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/dburl"
)

// An operator (pg_terminate_backend, KILL) or a limit of the database server ends
// idle connections. With or without load, no later request gets a 503, and no
// write is repeated.
func TestCluster_FR_52_IdleConnectionsEnded(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"postgres", "mysql"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			database := freshDatabase(t, kind)
			c, l := faulty(t, []string{database, database, database}, 6)
			admin := administrator(t, database)
			var all []disturbance
			for range 4 {
				time.Sleep(400 * time.Millisecond)
				d := disturbance{from: time.Now()}
				endIdle(t, admin, kind)
				d.to = time.Now()
				all = append(all, d)
			}
			time.Sleep(400 * time.Millisecond)
			l.settle(t, kind+": idle connections ended")
			l.wantRefusedOnly(t, all)
			for range 2 {
				c.wantAllServed(t, "the idle connections were ended", func() { endIdle(t, admin, kind) })
			}
		})
	}
}

func administrator(t *testing.T, database string) *sql.DB {
	t.Helper()
	driver, dsn, _, err := dburl.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1) // endIdle does not end this connection
	t.Cleanup(func() { db.Close() })
	return db
}

// endIdle ends the database's idle connections and waits until they are closed.
func endIdle(t *testing.T, admin *sql.DB, kind string) {
	t.Helper()
	idle := "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle' AND pid <> pg_backend_pid()"
	end, there := "SELECT pg_terminate_backend($1)", "SELECT COUNT(*) FROM pg_stat_activity WHERE pid = $1"
	if kind == "mysql" {
		idle = "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND command = 'Sleep' AND id <> CONNECTION_ID()"
		end, there = "KILL ?", "SELECT COUNT(*) FROM information_schema.processlist WHERE id = ?"
	}
	rows, err := admin.Query(idle)
	if err != nil {
		t.Fatal(err)
	}
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		_, _ = admin.Exec(end, id) // it may already be closed
	}
	for _, id := range ids {
		for n := 1; n > 0; {
			if err := admin.QueryRow(there, id).Scan(&n); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A disturbance is a period in which requests may fail.
type disturbance struct{ from, to time.Time }

// A refusal is a request with a 503 response.
type refusal struct{ began, ended time.Time }

// wantRefusedOnly checks that each request with a 503 overlaps one of the
// disturbances. Call it after the load has ended.
func (l *load) wantRefusedOnly(t *testing.T, during []disturbance) {
	t.Helper()
	for _, r := range l.refused {
		excused := false
		for _, d := range during {
			excused = excused || r.began.Before(d.to) && r.ended.After(d.from)
		}
		if !excused {
			last := during[0]
			for _, d := range during {
				if d.to.Before(r.began) {
					last = d
				}
			}
			t.Errorf("a request that began %v after the database was back got a 503", r.began.Sub(last.to))
		}
	}
}

// wantAllServed breaks connections, and immediately sends twenty requests in a
// row to each node. All must succeed, and each write must be stored once.
func (c *cluster) wantAllServed(t *testing.T, when string, breakAll func()) {
	t.Helper()
	machine := c.nodes[0].server.client(t, "--name", "Nightly", "--client")
	request := func(n *node) *granted { return n.grant(machine, url.Values{"grant_type": {"client_credentials"}}) }
	for _, n := range c.nodes { // use the connections
		request(n).must(t)
	}
	breakAll()
	for _, n := range c.nodes {
		for i := range 10 {
			g := request(n)
			if !g.ok() {
				t.Errorf("%s: request %d at %s = %d %s (%v), want 200", when, 2*i+1, n.name, g.status, g.Error, g.err)
				continue
			}
			if got := n.guarded("/app/service", g.AccessToken); got != http.StatusOK {
				t.Errorf("%s: request %d at %s = %d, want 200", when, 2*i+2, n.name, got)
			}
		}
	}
	rows := 0
	page, err := c.nodes[0].app.db.Query("SELECT id FROM oauth_access_tokens WHERE client_id = '" + machine.ID + "'")
	if err != nil {
		t.Fatal(err)
	}
	defer page.Close()
	for page.Next() {
		rows++
	}
	if want := 11 * len(c.nodes); page.Err() != nil || rows != want {
		t.Errorf("%s: %d tokens are stored (%v), want the %d issued ones", when, rows, page.Err(), want)
	}
}
