package e2e_test

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/dburl"
	"github.com/go-passport/passport/sqlstore"
)

// Three processes over one PostgreSQL.
func TestCluster_PostgreSQL(t *testing.T) {
	t.Parallel()
	database := freshDatabase(t, "postgres")
	clusterFlows(t, []string{database, database, database})
}

// Three processes over one MariaDB.
func TestCluster_MariaDB(t *testing.T) {
	t.Parallel()
	database := freshDatabase(t, "mysql")
	clusterFlows(t, []string{database, database, database})
}

// clusterFlows tests three nodes over any kind of database.
func clusterFlows(t *testing.T, databases []string) *cluster {
	c := startCluster(t, databases)
	t.Run("concurrent nodes migrate once", c.migratedOnce)
	shop := c.nodes[0].server.client(t, "--name", "Order Tracker", "--redirect_uri", callback)
	flow := func(name string, f func(*testing.T, client)) {
		t.Run(name, func(t *testing.T) { f(t, shop) })
	}
	flow("a code of one node is redeemed at another", c.codesTravel)
	flow("RT-05 parallel refreshes have one successor", c.parallelRefreshes)
	flow("64 parallel redemptions have one winner", c.parallelRedemptions)
	flow("a replay at any node revokes everywhere", c.replays)
	flow("sessions, tickets and cookies work at every node", c.browserTravels)
	flow("allow and deny at two nodes have one winner", c.decisions)
	flow("RV-07 a revoked token is refused at the next request", c.revocations)
	flow("a changed password ends tokens that other nodes issue", c.passwordChanges)
	flow("D6 F16 a user who is disabled at one node gets no tokens at another", c.disabled)
	flow("clients are numbered without a gap", c.counted)
	return c
}

func (c *cluster) migratedOnce(t *testing.T) {
	for _, n := range c.nodes {
		rows, err := n.app.db.Query("SELECT set_name, name, applied_at FROM passport_migrations ORDER BY set_name, name")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		var found []string
		for rows.Next() {
			var set, name string
			var applied sql.NullInt64
			if err := rows.Scan(&set, &name, &applied); err != nil {
				t.Fatal(err)
			}
			if !applied.Valid {
				t.Errorf("at %s the migration %s of %s is not finished", n.name, name, set)
			}
			found = append(found, set+" "+name)
		}
		if err := rows.Err(); err != nil || len(found) < 2 || len(slices.Compact(found)) != len(found) {
			t.Errorf("%s has the migrations %v (%v), want each of two sets once", n.name, found, err)
		}
	}
}

func (c *cluster) codesTravel(t *testing.T, shop client) {
	c.account(t, "travel@example.com")
	for i, n := range c.nodes {
		a := n.signedIn(t, "travel@example.com")
		other := c.nodes[(i+1)%len(c.nodes)]
		g := other.grant(shop, c.code(t, a, shop)).must(t)
		c.wantGuarded(t, g.AccessToken, http.StatusOK, "a token of "+other.name)
		fresh := c.nodes[(i+2)%len(c.nodes)].refreshing(shop, g.RefreshToken).must(t)
		c.wantGuarded(t, fresh.AccessToken, http.StatusOK, "a refreshed token")
	}
}

// parallelRefreshes sends many concurrent requests with one refresh token: each
// gets the same tokens or a 503.
func (c *cluster) parallelRefreshes(t *testing.T, shop client) {
	c.account(t, "refresh@example.com")
	a := c.nodes[0].signedIn(t, "refresh@example.com")
	for range 3 {
		first := c.connected(t, a, shop)
		var successors sync.Map
		var refreshes sync.WaitGroup
		for i := range 24 {
			refreshes.Go(func() {
				g := c.nodes[i%len(c.nodes)].refreshing(shop, first.RefreshToken)
				if !g.ok() {
					t.Errorf("response to a concurrent refresh at %s = %d %s (%v)", g.node.name, g.status, g.Error, g.err)
					return
				}
				successors.Store(g.RefreshToken+" "+tokenID(g.AccessToken), g)
			})
		}
		refreshes.Wait()
		n := 0
		for _, g := range successors.Range {
			n++
			c.wantGuarded(t, g.(*granted).AccessToken, http.StatusOK, "after parallel refreshes")
		}
		if n != 1 {
			t.Errorf("24 parallel refreshes returned %d pairs of tokens, want 1", n)
		}
	}
}

// parallelRedemptions redeems a code 64 times concurrently.
func (c *cluster) parallelRedemptions(t *testing.T, shop client) {
	c.account(t, "redeem@example.com")
	a := c.nodes[0].signedIn(t, "redeem@example.com")
	for range 3 {
		form := c.code(t, a, shop)
		responses := make([]*granted, 64)
		var all sync.WaitGroup
		for i := range responses {
			all.Go(func() { responses[i] = c.nodes[i%len(c.nodes)].grant(shop, form) })
		}
		all.Wait()
		var won []*granted
		for _, g := range responses {
			switch {
			case g.ok():
				won = append(won, g)
			case g.status != http.StatusBadRequest || g.Error != "invalid_grant":
				t.Errorf("response to a late redemption = %d %s (%v), want 400 invalid_grant", g.status, g.Error, g.err)
			}
		}
		if len(won) != 1 {
			t.Fatalf("64 redemptions of a code had %d winners, want 1", len(won))
		}
		// The others were replays (RFC 6749 §4.1.2).
		c.wantGuarded(t, won[0].AccessToken, http.StatusUnauthorized, "after a code was redeemed 64 times")
	}
}

func (c *cluster) replays(t *testing.T, shop client) {
	c.account(t, "replay@example.com")
	a := c.nodes[0].signedIn(t, "replay@example.com")
	for i, n := range c.nodes {
		first := c.connected(t, a, shop)
		second := c.nodes[(i+1)%len(c.nodes)].refreshing(shop, first.RefreshToken).must(t)
		third := c.nodes[(i+2)%len(c.nodes)].refreshing(shop, second.RefreshToken).must(t)
		c.wantGuarded(t, third.AccessToken, http.StatusOK, "before the replay")
		if g := n.refreshing(shop, first.RefreshToken); g.Error != "invalid_grant" {
			t.Errorf("response to a replayed refresh token = %d %s at %s", g.status, g.Error, n.name)
		}
		for _, g := range []*granted{first, second, third} {
			c.wantGuarded(t, g.AccessToken, http.StatusUnauthorized, "after a replay at "+n.name)
		}
		for _, other := range c.nodes {
			if g := other.refreshing(shop, third.RefreshToken); g.Error != "invalid_grant" {
				t.Errorf("after a replay at %s, the response to the newest refresh token = %d %s at %s", n.name, g.status, g.Error, other.name)
			}
		}
	}
}

// browserTravels sends each request of a browser to another node.
func (c *cluster) browserTravels(t *testing.T, _ client) {
	c.account(t, "browser@example.com")
	for i := range c.nodes {
		here, there, third := c.nodes[i], c.nodes[(i+1)%3], c.nodes[(i+2)%3]
		asked := c.nodes[0].server.client(t, "--name", "Asked", "--redirect_uri", callback)
		req := c.codeRequest(asked)
		a := here.browser(t, nil)
		p := a.get(req.url)                                                                                            // redirected to the sign-in page
		p = a.at(there).submit(p, "Sign in", url.Values{"email": {"browser@example.com"}, "password": {userPassword}}) // the form of one node, sent to another
		if p.Away != nil || !strings.Contains(p.text(t), "Asked") {
			t.Fatalf("signing in at %s returns status %d, %v, want the consent page", there.name, p.status, p.Away)
		}
		p = a.at(third).submit(p, "Allow", nil)
		if p.Away == nil {
			t.Fatalf("the decision on the consent page of %s fails at %s: %d %s", there.name, third.name, p.status, p.text(t))
		}
		here.grant(asked, req.form(p)).must(t)
		if again := a.at(there).get(c.codeRequest(asked).url); again.Away == nil {
			t.Errorf("%s asks again for a consent that was given at %s", there.name, third.name)
		}
		c.firstParty(t, a, here)
	}
}

// firstParty uses one node's first-party cookie at the APIs of all nodes, until
// the browser signs out at another node.
func (c *cluster) firstParty(t *testing.T, a *agent, here *node) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, c.issuer+"/oauth/token/refresh", nil)
	if err != nil {
		t.Fatal(err)
	}
	if p := a.at(here).send(r); p.status != http.StatusOK {
		t.Fatalf("%s sets no cookie: %d %s", here.name, p.status, p.body)
	}
	want := func(status int, when string) {
		t.Helper()
		for _, n := range c.nodes {
			r, err := http.NewRequest(http.MethodGet, c.issuer+userPath, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("X-XSRF-TOKEN", a.cookie("XSRF-TOKEN"))
			if p := a.at(n).send(r); p.status != status {
				t.Errorf("%s a script gets %d %s at %s, want %d", when, p.status, p.body, n.name, status)
			}
		}
	}
	want(http.StatusOK, "signed in,")
	out := a.at(c.nodes[1])
	kept := a.cookies()
	out.submit(out.get(c.issuer+"/sign-out"), "Sign out", nil)
	a.keep(kept) // a script that keeps the cookies
	want(http.StatusUnauthorized, "after signing out at another node")
}

// decisions sends "allow" and "deny" for one page at the same moment to two nodes.
func (c *cluster) decisions(t *testing.T, _ client) {
	c.account(t, "decide@example.com")
	a := c.nodes[0].signedIn(t, "decide@example.com")
	asked := c.nodes[0].server.client(t, "--name", "Asked", "--redirect_uri", callback)
	wins := map[string]int{}
	for i := range 8 {
		req := c.codeRequest(asked)
		req.url += "&prompt=consent"
		p := a.at(c.nodes[i%3]).get(req.url)
		requests := []*http.Request{a.request(p, "Allow", nil), a.request(p, "Cancel", nil)}
		pages := make([]page, len(requests))
		var both sync.WaitGroup
		for j, r := range requests {
			both.Go(func() { pages[j] = a.at(c.nodes[(i+j+1)%3]).send(r) })
		}
		both.Wait()
		allowed := pages[0].Away != nil && pages[0].Away.Query().Get("code") != ""
		denied := pages[1].Away != nil && pages[1].Away.Query().Get("error") == "access_denied"
		if allowed == denied {
			t.Fatalf("allow and deny at two nodes: allowed %t (status %d), denied %t (status %d), want one of them", allowed, pages[0].status, denied, pages[1].status)
		}
		wins[map[bool]string{true: "allow", false: "deny"}[allowed]]++
		if allowed {
			c.nodes[i%3].grant(asked, req.form(pages[0])).must(t)
		}
	}
	t.Logf("of 8 pages with two concurrent decisions: %v", wins)
}

// revocations revokes at one node and immediately checks at another.
func (c *cluster) revocations(t *testing.T, shop client) {
	c.account(t, "revoke@example.com")
	a := c.nodes[0].signedIn(t, "revoke@example.com")
	machine := c.nodes[0].server.client(t, "--name", "Nightly", "--client")
	const rounds = 12
	for i := range rounds {
		here, there := c.nodes[i%3], c.nodes[(i+1)%3]
		g := c.connected(t, a, shop)
		c.wantGuarded(t, g.AccessToken, http.StatusOK, "before it is revoked")
		r, err := http.NewRequest(http.MethodDelete, c.issuer+"/oauth/tokens/"+tokenID(g.AccessToken), nil)
		if err != nil {
			t.Fatal(err)
		}
		if p := a.at(here).send(r); p.status != http.StatusNoContent {
			t.Fatalf("removing a token at %s = %d %s", here.name, p.status, p.body)
		}
		if got := there.guarded(userPath, g.AccessToken); got != http.StatusUnauthorized {
			t.Errorf("round %d: a token removed at %s gets %d at %s on the next request, want 401", i, here.name, got, there.name)
		}
		if fresh := there.refreshing(shop, g.RefreshToken); fresh.Error != "invalid_grant" {
			t.Errorf("round %d: its refresh token gets %d %s at %s", i, fresh.status, fresh.Error, there.name)
		}

		own := here.grant(machine, url.Values{"grant_type": {"client_credentials"}}).must(t)
		if got := there.guarded("/app/service", own.AccessToken); got != http.StatusOK {
			t.Errorf("round %d: a client's token of %s gets %d at %s", i, here.name, got, there.name)
		}
		if err := here.app.auth.RevokeToken(t.Context(), tokenID(own.AccessToken)); err != nil {
			t.Fatal(err)
		}
		if got := there.guarded("/app/service", own.AccessToken); got != http.StatusUnauthorized {
			t.Errorf("round %d: a client's token revoked at %s gets %d at %s, want 401", i, here.name, got, there.name)
		}
	}
}

// passwordChanges changes a password at one node while the others issue tokens:
// by the old password, for sessions that it opened, and for refresh tokens.
func (c *cluster) passwordChanges(t *testing.T, shop client) {
	trusted := c.nodes[0].server.client(t, "--name", "Our own app", "--password")
	for round := range 3 {
		email := fmt.Sprintf("change%d@example.com", round)
		id := c.account(t, email)
		a := c.nodes[1].signedIn(t, email)
		c.code(t, a, shop) // the consent is remembered from now on
		chain := c.connected(t, a, shop)

		var mu sync.Mutex
		var all []*granted
		keep := func(g *granted) *granted {
			mu.Lock()
			defer mu.Unlock()
			if g.ok() {
				all = append(all, g)
			}
			return g
		}
		keep(chain)
		ctx, stop := context.WithCancel(t.Context())
		var load sync.WaitGroup
		refused := func(g *granted) bool { return !g.ok() }
		load.Go(func() {
			for g := chain; ctx.Err() == nil && !refused(g); {
				g = keep(c.nodes[2].refreshing(shop, g.RefreshToken))
			}
		})
		load.Go(func() {
			form := url.Values{"grant_type": {"password"}, "username": {email}, "password": {userPassword}, "scope": {"check-status"}}
			for ctx.Err() == nil && !refused(keep(c.nodes[1].grant(trusted, form))) {
			}
		})
		load.Go(func() {
			for ctx.Err() == nil {
				req := c.codeRequest(shop)
				p := a.at(c.nodes[2]).get(req.url)
				if p.Away == nil || refused(keep(c.nodes[1].grant(shop, req.form(p)))) {
					return
				}
			}
		})
		time.Sleep(300 * time.Millisecond)
		if err := c.nodes[0].app.accounts.SetPassword(t.Context(), id, "another-"+userPassword, ""); err != nil {
			t.Error(err)
		}
		changed := time.Now()
		time.Sleep(50 * time.Millisecond)
		stop()
		load.Wait()

		late := 0
		for _, g := range all {
			if g.ended.After(changed) {
				late++
			}
			c.wantGuarded(t, g.AccessToken, http.StatusUnauthorized, "after the password was changed at node 0")
		}
		last := all[len(all)-1]
		if g := c.nodes[1].refreshing(shop, last.RefreshToken); g.ok() {
			t.Error("a refresh token from before the password change works")
		}
		if p := a.get(c.codeRequest(shop).url); p.Away != nil {
			t.Error("a browser that signed in with the old password is still signed in")
		}
		t.Logf("round %d: %d tokens were issued around the change, %d of them returned after it; none works", round, len(all), late)
	}
}

// disabled disables an account at one node. The other nodes refuse its tokens,
// codes and refresh tokens.
func (c *cluster) disabled(t *testing.T, shop client) {
	id := c.account(t, "disabled@example.com")
	a := c.nodes[0].signedIn(t, "disabled@example.com")
	g := c.connected(t, a, shop)
	form := c.code(t, a, shop)
	if err := c.nodes[0].app.accounts.Disable(t.Context(), id, true); err != nil {
		t.Fatal(err)
	}
	c.wantGuarded(t, g.AccessToken, http.StatusUnauthorized, "after the account was closed")
	for _, n := range c.nodes[1:] {
		if g := n.refreshing(shop, g.RefreshToken); g.Error != "invalid_grant" {
			t.Errorf("response to a refresh at %s for a disabled account = %d %s", n.name, g.status, g.Error)
		}
		if g := n.grant(shop, form); g.Error != "invalid_grant" {
			t.Errorf("response to a code at %s for a disabled account = %d %s", n.name, g.status, g.Error)
		}
	}

	c.account(t, "suspended@example.com")
	suspended := c.nodes[0].server.client(t, "--name", "Suspended", "--redirect_uri", callback)
	a = c.nodes[0].signedIn(t, "suspended@example.com")
	g = c.connected(t, a, suspended)
	form = c.code(t, a, suspended)
	if err := c.nodes[0].app.auth.SuspendClient(t.Context(), suspended.ID); err != nil {
		t.Fatal(err)
	}
	c.wantGuarded(t, g.AccessToken, http.StatusUnauthorized, "after the client was suspended")
	for _, n := range c.nodes[1:] {
		for _, form := range []url.Values{form, {"grant_type": {"refresh_token"}, "refresh_token": {g.RefreshToken}}} {
			if g := n.grant(suspended, form); g.ok() {
				t.Errorf("a client suspended at node 0 gets tokens by %s at %s", form.Get("grant_type"), n.name)
			}
		}
	}
}

// counted creates clients at all nodes concurrently. Their numbers have no gap
// and no duplicate.
func (c *cluster) counted(t *testing.T, _ client) {
	const each = 8
	var mu sync.Mutex
	var numbers []int
	var all sync.WaitGroup
	for _, n := range c.nodes {
		for range each {
			all.Go(func() {
				created, err := n.app.auth.CreateClient(t.Context(), passport.Registration{Name: "Counted", GrantTypes: []string{"client_credentials"}})
				if err != nil {
					t.Errorf("create a client at %s: %v", n.name, err)
					return
				}
				number, err := strconv.Atoi(created.Client.ID)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				numbers = append(numbers, number)
			})
		}
	}
	all.Wait()
	slices.Sort(numbers)
	for i, number := range numbers {
		if number != numbers[0]+i {
			t.Fatalf("the numbers of %d concurrent clients are %v, want no gap and no duplicate", len(numbers), numbers)
		}
	}
	if len(numbers) != each*len(c.nodes) {
		t.Errorf("%d clients were created, want %d", len(numbers), each*len(c.nodes))
	}
}

// tokenID is the jti of an access token (RFC 9068 §2.2).
func tokenID(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return ""
	}
	body, _ := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		ID string `json:"jti"`
	}
	_ = json.Unmarshal(body, &claims) // an empty ID matches no token
	return claims.ID
}

// A process at each node of a multi-primary database cluster.
func TestCluster_Galera(t *testing.T) {
	s := startServers(t, "galera")
	clusterFlows(t, []string{s.urls["n1"], s.urls["n2"], s.urls["n3"]})
	t.Run("a pool that does not wait for the other servers is refused", func(t *testing.T) {
		driver, dsn, dialect, err := dburl.Parse(s.urls["n2"])
		if err != nil {
			t.Fatal(err)
		}
		for dsn, want := range map[string]bool{dsn: false, dsn + "?wsrep_sync_wait=1": false, dsn + "?wsrep_sync_wait=7": true, dburl.Waiting(dsn): true} {
			db, err := sql.Open(driver, dsn)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if err := sqlstore.New(db, dialect).Check(t.Context()); (err == nil) != want || err != nil && !strings.Contains(err.Error(), "wsrep_sync_wait=3") {
				t.Errorf("Check() of %s = %v, want nil: %t", dsn[strings.LastIndexByte(dsn, '/'):], err, want)
			}
		}
	})
}

// One server of the cluster is killed under load: its node responds with 503, and
// the others continue. When the server is back, its node recovers.
func TestCluster_GaleraServerKilled(t *testing.T) {
	s := startServers(t, "galera")
	c, l := faulty(t, []string{s.urls["n1"], s.urls["n2"], s.urls["n3"]}, 6)
	known := c.witness(t, l.shop)
	machine := c.nodes[0].server.client(t, "--name", "Nightly", "--client")
	time.Sleep(2 * time.Second)
	killed := time.Now()
	s.do(t, "kill", "n2")
	var others time.Duration
	for _, n := range []*node{c.nodes[0], c.nodes[2]} {
		for n.guarded(userPath, known.good) != http.StatusOK || !n.grant(machine, url.Values{"grant_type": {"client_credentials"}}).ok() {
			if n.guarded(userPath, known.revoked) == http.StatusOK {
				t.Errorf("the guard at %s admits a revoked token", n.name)
			}
			if time.Since(killed) > 30*time.Second {
				t.Fatalf("%s does not recover after another server was killed", n.name)
			}
			time.Sleep(20 * time.Millisecond)
		}
		others = max(others, time.Since(killed))
	}
	t.Logf("measured: a Galera server was killed: the other nodes served after %d ms", others.Milliseconds())
	if c.nodes[1].ready() || c.nodes[1].guarded(userPath, known.good) != http.StatusServiceUnavailable {
		t.Error("a node whose server was killed is ready, or its guard admits tokens")
	}
	time.Sleep(time.Second)
	s.do(t, "resume", "n2")
	back := time.Now()
	c.nodes[1].awaitReadiness(t, startTimeout)
	t.Logf("measured: a Galera server was killed: its node was ready %d ms after it was in the cluster again", time.Since(back).Milliseconds())
	time.Sleep(time.Second)
	l.settle(t, "a Galera server was killed")
}

// pgbouncer in transaction mode, with the settings of docs/storage.md.
func TestCluster_PgBouncer(t *testing.T) {
	s := startServers(t, "single")
	database := s.urls["bouncer"] + "&default_query_exec_mode=cache_describe"
	c := clusterFlows(t, []string{database, database, database})
	c.wantAllServed(t, "pgbouncer was killed and started again", func() { // FR-52
		s.do(t, "kill", "bouncer")
		s.do(t, "resume", "bouncer")
	})
}
