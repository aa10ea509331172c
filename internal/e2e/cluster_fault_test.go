package e2e_test

import (
	"net/http"
	"testing"
	"time"
)

// faulty starts a cluster under load.
func faulty(t *testing.T, databases []string, workers int) (*cluster, *load) {
	t.Helper()
	c := startCluster(t, databases)
	for _, n := range c.nodes {
		n.faulty = true
	}
	shop := c.nodes[0].server.client(t, "--name", "Order Tracker", "--redirect_uri", callback)
	return c, c.under(t, shop, workers)
}

// A killed node loses nothing: its responses stay true, and clients retry the
// other requests at other nodes.
func TestCluster_OP_04_NodeKilledUnderLoad(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"postgres", "mysql"} {
		t.Run(kind, func(t *testing.T) {
			database := freshDatabase(t, kind)
			c, l := faulty(t, []string{database, database, database}, 6)
			for _, n := range c.nodes {
				time.Sleep(700 * time.Millisecond)
				n.kill(t)
				time.Sleep(300 * time.Millisecond)
				n.begin(t, c.issuer)
				took := n.awaitReadiness(t, startTimeout)
				t.Logf("measured: %s was ready again %d ms after it was started", n.name, took.Milliseconds())
			}
			time.Sleep(500 * time.Millisecond)
			l.settle(t, "nodes killed on "+kind)
		})
	}
}

// Without a database the nodes respond with 503 and Retry-After, and guards admit
// nothing. When the database is back, the nodes recover without a restart
// (RV-08).
func TestCluster_RV_08_DatabaseStopsUnderLoad(t *testing.T) {
	for _, kind := range []struct{ name, server, start string }{{"PostgreSQL", "primary", "single"}, {"MariaDB", "n1", "mariadb"}} {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			s := startServers(t, kind.start)
			database := s.urls[kind.server]
			c, l := faulty(t, []string{database, database, database}, 6)
			known := c.witness(t, l.shop)
			restarted := kind.name + " killed and started again"
			var away []disturbance
			for range 2 {
				time.Sleep(time.Second)
				watch := c.watch(t, known)
				d := disturbance{from: time.Now()}
				s.do(t, "kill", kind.server)
				watch.wantAway(t)
				time.Sleep(time.Second)
				s.do(t, "resume", kind.server)
				d.to = time.Now()
				away = append(away, d)
				watch.wantBack(t, restarted)
			}
			time.Sleep(500 * time.Millisecond)
			l.settle(t, restarted)
			l.wantRefusedOnly(t, away)
			c.wantAllServed(t, restarted+" between two requests", func() { // FR-52
				s.do(t, "kill", kind.server)
				s.do(t, "resume", kind.server)
			})
		})
	}
}

// kill ends the process immediately, as a power failure does.
func (n *node) kill(t *testing.T) {
	t.Helper()
	if err := n.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-n.ended
}

// A witness is a valid token and a revoked one.
type witness struct {
	shop          client
	good, revoked string
}

func (c *cluster) witness(t *testing.T, shop client) witness {
	t.Helper()
	c.account(t, "witness@example.com")
	a := c.nodes[0].signedIn(t, "witness@example.com")
	good, revoked := c.connected(t, a, shop), c.connected(t, a, shop)
	if err := c.nodes[0].app.auth.RevokeToken(t.Context(), tokenID(revoked.AccessToken)); err != nil {
		t.Fatal(err)
	}
	return witness{shop, good.AccessToken, revoked.AccessToken}
}

// A watch probes each node repeatedly.
type watch struct {
	c     *cluster
	w     witness
	begun time.Time
	done  chan struct{}
	ended chan struct{}
	seen  []*sighting // by node
}

// A sighting has the probes' results at one node.
type sighting struct {
	refused chan time.Time // the first 503 of its guard
	served  chan time.Time // the first 200 after that
	wrong   []string
}

func (c *cluster) watch(t *testing.T, w witness) *watch {
	watch := &watch{c: c, w: w, begun: time.Now(), done: make(chan struct{}), ended: make(chan struct{})}
	running := make(chan struct{}, len(c.nodes))
	for _, n := range c.nodes {
		s := &sighting{refused: make(chan time.Time, 1), served: make(chan time.Time, 1)}
		watch.seen = append(watch.seen, s)
		go func() {
			defer func() { running <- struct{}{} }()
			watch.look(n, s)
		}()
	}
	go func() {
		for range c.nodes {
			<-running
		}
		close(watch.ended)
	}()
	t.Cleanup(watch.stop)
	return watch
}

func (w *watch) stop() {
	select {
	case <-w.done:
	default:
		close(w.done)
	}
	<-w.ended
}

func (w *watch) look(n *node, s *sighting) {
	away := false
	for {
		select {
		case <-w.done:
			return
		case <-time.After(20 * time.Millisecond):
		}
		if got := n.guarded(userPath, w.w.revoked); got == http.StatusOK {
			s.wrong = append(s.wrong, "its guard admits a revoked token")
		}
		switch got := n.guarded(userPath, w.w.good); {
		case got == http.StatusServiceUnavailable && !away:
			away = true
			s.refused <- time.Now()
		case got == http.StatusOK && away:
			s.served <- time.Now()
			return
		case got != http.StatusOK && got != http.StatusServiceUnavailable:
			s.wrong = append(s.wrong, "its guard responds to a valid token with "+http.StatusText(got))
		}
	}
}

// wantAway waits until every guard refuses, and checks readiness and a token
// request.
func (w *watch) wantAway(t *testing.T) {
	t.Helper()
	for i, n := range w.c.nodes {
		select {
		case at := <-w.seen[i].refused:
			t.Logf("measured: the guard at %s refused %d ms after the database was killed", n.name, at.Sub(w.begun).Milliseconds())
		case <-time.After(20 * time.Second):
			t.Fatalf("the guard at %s does not respond with 503 without the database", n.name)
		}
		if n.ready() {
			t.Errorf("%s is ready without the database", n.name)
		}
		g := n.grant(w.w.shop, map[string][]string{"grant_type": {"client_credentials"}})
		if g.status != http.StatusServiceUnavailable || g.Error != "temporarily_unavailable" || g.retryAfter == "" {
			t.Errorf("%s responds to a token request with %d %s, Retry-After %q (%v), want 503 without the database", n.name, g.status, g.Error, g.retryAfter, g.err)
		}
	}
}

// wantBack waits until every node has recovered.
func (w *watch) wantBack(t *testing.T, when string) {
	t.Helper()
	back := time.Now()
	for i, n := range w.c.nodes {
		select {
		case at := <-w.seen[i].served:
			t.Logf("measured: %s: the guard at %s served again %d ms after the database did", when, n.name, max(0, at.Sub(back)).Milliseconds())
		case <-time.After(30 * time.Second):
			t.Fatalf("the guard at %s does not recover", n.name)
		}
	}
	w.stop()
	for i, n := range w.c.nodes {
		for _, text := range w.seen[i].wrong {
			t.Errorf("%s: %s: %s", when, n.name, text)
		}
	}
}
