package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-passport/passport/oauth"
)

// A load is clients and users that use all nodes during faults, and record the
// responses. They retry as clients should: after a 503 or without a response,
// they send the same request again, to any node.
type load struct {
	c     *cluster
	shop  client
	ctx   context.Context
	end   context.CancelFunc
	all   sync.WaitGroup
	every time.Duration // between two requests of a worker

	mu     sync.Mutex
	live   []*chain
	dead   []*chain
	wrong  []string
	counts map[string]int

	refused []refusal    // the 503 responses with their times
	busy    atomic.Int64 // 503 responses
	nothing atomic.Int64 // requests without a response
}

// A chain has all tokens of one code.
type chain struct {
	*granted
	code    url.Values
	access  []string // all access tokens
	refresh []string // all refresh tokens; the last one is unused
}

// patient is how long a client retries.
const patient = 40 * time.Second

// under starts the load.
func (c *cluster) under(t *testing.T, shop client, workers int) *load {
	t.Helper()
	l := &load{c: c, shop: shop, every: 5 * time.Millisecond, counts: map[string]int{}}
	l.ctx, l.end = context.WithCancel(context.Background())
	t.Cleanup(l.end)
	for i := range workers {
		email := fmt.Sprintf("worker%d-%d@example.com", i, rand.Int32())
		c.account(t, email)
		a := c.nodes[i%len(c.nodes)].signedIn(t, email)
		c.code(t, a, shop) // the consent is remembered from now on
		l.all.Go(func() { l.work(a.http.Jar) })
	}
	return l
}

// stop ends the load when each worker has a response to its last request.
func (l *load) stop() {
	l.end()
	l.all.Wait()
}

func (l *load) fault(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wrong = append(l.wrong, fmt.Sprintf(format, args...))
}

func (l *load) count(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[what]++
}

// refuse records a 503 response.
func (l *load) refuse(began time.Time) {
	l.busy.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused = append(l.refused, refusal{began, time.Now()})
}

func (l *load) node() *node { return l.c.nodes[rand.IntN(len(l.c.nodes))] }

// work acts as a user and as the client that acts for the user.
func (l *load) work(jar http.CookieJar) {
	for l.ctx.Err() == nil {
		ch := l.begin(jar)
		if ch == nil {
			continue
		}
		ends := rand.IntN(3) == 0
		for range 1 + rand.IntN(8) {
			if l.ctx.Err() != nil {
				ends = false
				break
			}
			if !l.rotate(ch) {
				return
			}
			time.Sleep(l.every)
		}
		if ends {
			l.revoke(ch)
			continue
		}
		l.mu.Lock()
		l.live = append(l.live, ch)
		l.mu.Unlock()
	}
}

// begin gets a code and redeems it. It does not retry a redemption without a
// response, because a code that is used twice ends its tokens.
func (l *load) begin(jar http.CookieJar) *chain {
	form := l.newCode(jar)
	if form == nil {
		return nil
	}
	if rand.IntN(6) == 0 {
		l.redeemTwice(form)
		return nil
	}
	g := l.node().grant(l.shop, form)
	if !l.settled(g) {
		return nil
	}
	if !g.ok() {
		l.fault("response to a new code = %d %s", g.status, g.Error)
		return nil
	}
	l.count("codes redeemed")
	return &chain{granted: g, code: form, access: []string{g.AccessToken}, refresh: []string{g.RefreshToken}}
}

// redeemTwice sends a code to two nodes concurrently.
func (l *load) redeemTwice(form url.Values) {
	var both sync.WaitGroup
	responses := make([]*granted, 2)
	for i := range responses {
		both.Go(func() { responses[i] = l.c.nodes[(i+1)%len(l.c.nodes)].grant(l.shop, form) })
	}
	both.Wait()
	if responses[0].ok() && responses[1].ok() {
		l.fault("a code was redeemed twice")
	}
	l.count("codes sent twice")
}

// newCode gets a code with the user's browser, by a remembered consent.
func (l *load) newCode(jar http.CookieJar) url.Values {
	for until := time.Now().Add(patient); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		req, n := l.c.codeRequest(l.shop), l.node()
		began := time.Now()
		browser := &http.Client{Jar: jar, Transport: n.client.Transport, CheckRedirect: n.client.CheckRedirect, Timeout: 30 * time.Second}
		res, err := browser.Get(req.url)
		if err != nil {
			l.nothing.Add(1)
			continue
		}
		res.Body.Close()
		to, _ := res.Location() // nil for a page
		switch {
		case to != nil && to.Query().Get("code") != "":
			return url.Values{"grant_type": {"authorization_code"}, "code": {to.Query().Get("code")}, "redirect_uri": {callback}, "code_verifier": {req.verifier}}
		case res.StatusCode == http.StatusServiceUnavailable, to != nil && to.Query().Get("error") == "temporarily_unavailable":
			l.refuse(began)
		default:
			l.fault("response to an authorization request of a signed-in browser = %d, Location %v", res.StatusCode, to)
			return nil
		}
		if l.ctx.Err() != nil {
			return nil
		}
	}
	l.fault("no code for %v", patient)
	return nil
}

// settled reports whether a response is final: not missing and not a 503, which
// must have Retry-After.
func (l *load) settled(g *granted) bool {
	switch {
	case g.err != nil:
		l.nothing.Add(1)
		return false
	case g.status == http.StatusServiceUnavailable:
		l.refuse(g.began)
		if g.Error != "temporarily_unavailable" || g.retryAfter == "" {
			l.fault("a 503 has the error %q and Retry-After %q", g.Error, g.retryAfter)
		}
		return false
	}
	return true
}

// rotate uses the refresh token and retries until it has a final response.
func (l *load) rotate(ch *chain) bool {
	old := ch.refresh[len(ch.refresh)-1]
	begun := time.Now()
	for tries := 1; time.Since(begun) < patient; tries++ {
		g := l.node().refreshing(l.shop, old)
		if !l.settled(g) {
			time.Sleep(time.Duration(50+rand.IntN(100)) * time.Millisecond)
			continue
		}
		if !g.ok() {
			l.fault("response to a valid refresh token = %d %s at %s, at try %d, after %v", g.status, g.Error, g.node.name, tries, time.Since(begun))
			return false
		}
		if tries > 1 {
			l.count("refreshes sent again")
		}
		l.count("refreshes")
		ch.access, ch.refresh = append(ch.access, g.AccessToken), append(ch.refresh, g.RefreshToken)
		return true
	}
	l.fault("no refresh for %v", patient)
	return false
}

// revoke revokes the tokens through the application beside a node, and retries
// until that succeeds. From then on no node may accept any of them.
func (l *load) revoke(ch *chain) {
	token := ch.access[len(ch.access)-1]
	for until := time.Now().Add(patient); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		began := time.Now()
		err := l.node().app.auth.RevokeToken(context.Background(), tokenID(token))
		if errors.Is(err, oauth.ErrUnavailable) {
			l.refuse(began)
			continue
		}
		if err != nil {
			l.fault("revoking a token: %v", err)
			return
		}
		l.count("revocations")
		l.mu.Lock()
		l.dead = append(l.dead, ch)
		l.mu.Unlock()
		if got := l.node().guarded(userPath, token); got == http.StatusOK {
			l.fault("a guard admits a token after its revocation")
		}
		return
	}
	l.fault("no revocation for %v", patient)
}

// settle ends the load and checks the state against all recorded responses.
func (l *load) settle(t *testing.T, when string) {
	t.Helper()
	l.stop()
	for _, n := range l.c.nodes {
		n.awaitReadiness(t, startTimeout)
	}
	for _, text := range l.wrong {
		t.Errorf("%s: %s", when, text)
	}
	lost, undone := l.compare(func(text string) { t.Errorf("%s: %s", when, text) })
	for _, ch := range l.live[:min(len(l.live), 10)] {
		if g := l.node().grant(l.shop, ch.code); g.ok() {
			t.Errorf("%s: a code was redeemed twice", when)
		}
	}
	t.Logf("measured: %s: %s; %d live of which %d are lost, %d revoked of which %d work", when, l, len(l.live), lost, len(l.dead), undone)
	if len(l.live) == 0 || len(l.dead) == 0 {
		t.Errorf("%s: %d chains and %d revocations are too few for this test", when, len(l.live), len(l.dead))
	}
}

// compare checks the state against all recorded responses. It returns the numbers
// of lost chains and of revocations that are not in effect.
func (l *load) compare(tell func(string)) (lost, undone int) {
	for _, ch := range l.live {
		got := l.node().guarded(userPath, ch.access[len(ch.access)-1])
		g := l.node().refreshing(l.shop, ch.refresh[len(ch.refresh)-1])
		if got != http.StatusOK || !g.ok() {
			lost++
			tell(fmt.Sprintf("an issued access token gets %d, and its refresh token %d %s (%v)", got, g.status, g.Error, g.err))
		}
	}
	for _, ch := range l.dead {
		works := 0
		for _, access := range ch.access {
			if got := l.node().guarded(userPath, access); got != http.StatusUnauthorized {
				works++
				tell(fmt.Sprintf("a revoked token gets %d", got))
			}
		}
		if g := l.node().refreshing(l.shop, ch.refresh[len(ch.refresh)-1]); g.ok() {
			works++
			tell("a revoked refresh token works")
		}
		undone += min(works, 1)
	}
	return lost, undone
}

func (l *load) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(l.counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", l.counts[what], what))
	}
	return fmt.Sprintf("%s; %d × 503, %d × no response", strings.Join(parts, ", "), l.busy.Load(), l.nothing.Load())
}
