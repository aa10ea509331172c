package backchannel_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport/event"
	"github.com/go-passport/passport/internal/audit"
	"github.com/go-passport/passport/internal/backchannel"
	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/fetch"
	"github.com/go-passport/passport/internal/idtoken"
	"github.com/go-passport/passport/internal/keyring"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// post is a request to a client.
type post struct {
	target string
	form   url.Values
	at     time.Time
}

// network has the clients' servers: it implements [backchannel.Fetcher].
type network struct {
	mu      sync.Mutex
	posts   []post
	respond func(target string, n int) (status int, err error) // n counts the requests to a target, from 1
	latency time.Duration
	most    map[string]int // the largest number of concurrent requests to a target
	now     map[string]int
}

func (n *network) PostForm(ctx context.Context, target string, form url.Values) (*fetch.Response, error) {
	n.mu.Lock()
	n.posts = append(n.posts, post{target, form, time.Now()})
	count := 0
	for _, p := range n.posts {
		if p.target == target {
			count++
		}
	}
	if n.now == nil {
		n.now, n.most = map[string]int{}, map[string]int{}
	}
	n.now[target]++
	n.most[target] = max(n.most[target], n.now[target])
	n.mu.Unlock()
	defer func() {
		n.mu.Lock()
		n.now[target]--
		n.mu.Unlock()
	}()
	if strings.Contains(target, "slow") {
		select {
		case <-time.After(5 * time.Second):
			return nil, context.DeadlineExceeded
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	time.Sleep(n.latency)
	status, err := n.respond(target, count)
	if err != nil {
		return nil, err
	}
	return &fetch.Response{Status: status}, nil
}

func (n *network) to(target string) (found []post) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.posts {
		if p.target == target {
			found = append(found, p)
		}
	}
	return found
}

// provider is a store, and the senders of its nodes.
type provider struct {
	*testing.T
	store  *memstore.Store
	net    *network
	log    *testkit.LockedBuffer
	mu     sync.Mutex
	events []event.LogoutSent
	tokens *idtoken.Service
	last   int
}

func newProvider(t *testing.T, respond func(target string, n int) (int, error)) *provider {
	t.Helper()
	p := &provider{T: t, store: new(memstore.Store), net: &network{respond: respond}, log: new(testkit.LockedBuffer)}
	key, err := rsaKey()
	p.must(err)
	ring, err := keyring.New(testkit.NewECKey(t), key)
	p.must(err)
	p.tokens = idtoken.New(idtoken.Config{Issuer: testkit.Issuer, Keys: keyring.NewLive(ring, nil), OpenID: new(feature.OpenID)})
	return p
}

// rsaKey is the key of every provider: a new one takes long.
var rsaKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// node returns the sender of another node.
func (p *provider) node() *backchannel.Sender {
	p.Helper()
	s, err := backchannel.New(backchannel.Config{
		Store: p.store, Client: p.store.Client, IDTokens: p.tokens, Fetch: p.net, Log: slog.New(slog.NewJSONHandler(p.log, nil)),
		Audit: audit.Log{OnEvent: func(_ context.Context, e event.Event) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.events = append(p.events, e.(event.LogoutSent))
		}},
	})
	p.must(err)
	return s
}

func (p *provider) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

func (p *provider) client(id string) string {
	p.Helper()
	uri := "https://" + id + ".example/logout"
	p.must(p.store.CreateClient(p.Context(), &oauth.Client{ID: id, AuthMethod: oauth.AuthNone, OpenID: &oauth.ClientOpenID{BackchannelLogoutURI: uri}}, nil))
	return uri
}

// signOut signs a user in at a client, in a new session, and ends the session.
func (p *provider) signOut(client string) (sid string) {
	p.Helper()
	p.last++
	id, now := fmt.Sprint(client, "-", p.last), time.Now()
	f := &oauth.Family{
		ID: id, User: testkit.Ref("alice"), ClientID: client, Session: oauth.DigestOf(id), SID: "sid of " + id, CreatedAt: now, ExpiresAt: now.Add(time.Hour),
	}
	p.must(p.store.IssueCode(p.Context(), &oauth.CodeIssuance{Family: f, Code: &oauth.Code{Digest: oauth.DigestOf(id), Family: f, ExpiresAt: now.Add(time.Minute)}}))
	p.must(p.store.EndSession(p.Context(), f.User, f.Session, now, nil))
	return f.SID
}

// running runs nodes until the function returns.
func (p *provider) running(f func(), nodes ...*backchannel.Sender) {
	ctx, stop := context.WithCancel(p.Context())
	var done sync.WaitGroup
	for _, s := range nodes {
		done.Go(func() { s.Run(ctx) })
	}
	synctest.Wait()
	f()
	stop()
	done.Wait()
}

func (p *provider) outcomes() (found []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.events {
		found = append(found, fmt.Sprint(e.Outcome, " ", e.Tries))
	}
	return found
}

// Each status has its outcome. A refused logout token is not sent again.
func TestSender_BL_08_BL_12_Outcomes(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		err    error
		want   event.LogoutOutcome
		result string
	}{
		"200":       {status: 200, want: event.LogoutDelivered, result: "200 OK"},
		"204":       {status: 204, want: event.LogoutDelivered, result: "204 No Content"},
		"202":       {status: 202, want: event.LogoutRefused, result: "202 Accepted"},
		"redirect":  {status: 302, want: event.LogoutRefused, result: "302 Found"},
		"400":       {status: 400, want: event.LogoutRefused, result: "400 Bad Request"},
		"401":       {status: 401, want: event.LogoutRefused, result: "401 Unauthorized"},
		"404":       {status: 404, want: event.LogoutRefused, result: "404 Not Found"},
		"forbidden": {err: fmt.Errorf("10.0.0.1 is private: %w", fetch.ErrForbidden), want: event.LogoutRefused, result: "10.0.0.1 is private: forbidden"},
		"429":       {status: 429, want: event.LogoutRetried, result: "429 Too Many Requests"},
		"500":       {status: 500, want: event.LogoutRetried, result: "500 Internal Server Error"},
		"503":       {status: 503, want: event.LogoutRetried, result: "503 Service Unavailable"},
		"odd":       {status: 599, want: event.LogoutRetried, result: "599"},
		"down":      {err: errors.New("connection refused"), want: event.LogoutRetried, result: "connection refused"},
		"time-out":  {err: context.DeadlineExceeded, want: event.LogoutRetried, result: "context deadline exceeded"},
		"long":      {err: errors.New(strings.Repeat("é", 500)), want: event.LogoutRetried, result: strings.Repeat("é", 127)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProvider(t, func(string, int) (int, error) { return test.status, test.err })
				uri := p.client("web")
				p.signOut("web")
				p.running(func() { time.Sleep(5 * time.Second) }, p.node())
				if n := len(p.net.to(uri)); n != 1 {
					t.Fatalf("%d requests in 5 seconds, want 1", n)
				}
				if e := p.events[0]; e.Outcome != test.want || e.Result != test.result || e.ClientID != "web" || e.User != testkit.Ref("alice") || e.Tries != 1 {
					t.Errorf("event %+v, want %s with %q", e, test.want, test.result)
				}
				if refused := strings.Contains(p.log.String(), "BackchannelAllowedHosts"); refused != errors.Is(test.err, fetch.ErrForbidden) {
					t.Errorf("the log is %s, want it to name BackchannelAllowedHosts only if the server may not call the client", p.log)
				}
				status, err := p.store.LogoutStatus(t.Context(), "web")
				done := test.want == event.LogoutDelivered
				if err != nil || status.LastResult != test.result || status.SucceededAt.IsZero() == done || (status.Failures == 0) != done {
					t.Errorf("LogoutStatus() = %+v, %v, want %q", status, err, test.result)
				}
				p.running(func() { time.Sleep(2 * time.Hour) }, p.node())
				if n := len(p.net.to(uri)); (n > 1) != (test.want == event.LogoutRetried) {
					t.Errorf("%d requests in two hours after %q, want more than one only if it may help", n, test.result)
				}
			})
		})
	}
}

// The waits grow. Within the hour the tries end, also if the process was restarted, and
// each try has a new token.
func TestSender_BL_08_RetriesForAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider(t, func(string, int) (int, error) { return 503, nil })
		uri := p.client("web")
		begun := time.Now()
		p.signOut("web")
		for range 24 { // a new process every five minutes
			p.running(func() { time.Sleep(5 * time.Minute) }, p.node())
		}
		posts := p.net.to(uri)
		if len(posts) != 6 {
			t.Fatalf("%d requests, want 6", len(posts))
		}
		tokens, wait := map[string]bool{}, time.Duration(0)
		for i, post := range posts {
			tokens[post.form.Get("logout_token")] = true
			if i > 0 {
				next := post.at.Sub(posts[i-1].at)
				if next <= wait {
					t.Errorf("the wait before try %d is %v, want more than %v", i+1, next, wait)
				}
				wait = next
			}
		}
		if len(tokens) != len(posts) || posts[5].at.Sub(begun) > time.Hour {
			t.Errorf("%d different tokens in %d requests, the last after %v; want a new one for each request, within an hour", len(tokens), len(posts), posts[5].at.Sub(begun))
		}
		if got := strings.Join(p.outcomes(), ", "); got != "retried 1, retried 2, retried 3, retried 4, retried 5, expired 6" {
			t.Errorf("the outcomes are %s", got)
		}
		if !strings.Contains(p.log.String(), "not delivered within an hour") {
			t.Errorf("the log does not say that the client was not told:\n%s", p.log)
		}
		leased, err := p.store.LeaseLogouts(t.Context(), &oauth.LogoutLease{ID: "x", Time: time.Now().Add(24 * time.Hour), Until: time.Now(), Limit: 10, PerClient: 10})
		if err != nil || len(leased) != 0 {
			t.Errorf("%d notices are left in the outbox, %v; want none", len(leased), err)
		}
	})
}

// The receiver is down, and the provider restarts before the receiver is back. A notice
// that waited longer than an hour is dropped.
func TestSender_BL_08_DurableOverARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := time.Now().Add(20 * time.Minute)
		p := newProvider(t, func(string, int) (int, error) {
			if time.Now().Before(up) {
				return 0, errors.New("connection refused")
			}
			return 200, nil
		})
		uri := p.client("web")
		p.signOut("web")
		p.running(func() { time.Sleep(time.Minute) }, p.node())
		time.Sleep(20 * time.Minute) // no process runs
		p.running(func() { time.Sleep(time.Second) }, p.node())
		if got := p.outcomes(); got[len(got)-1] != "delivered 3" {
			t.Errorf("the outcomes are %v, want delivered at the third try", got)
		}
		p.signOut("web")
		time.Sleep(time.Hour)
		before := len(p.net.to(uri))
		p.running(func() { time.Sleep(time.Second) }, p.node())
		if got := p.outcomes(); got[len(got)-1] != "expired 1" || len(p.net.to(uri)) != before {
			t.Errorf("a notice that is an hour old: %v, want it dropped", got)
		}
	})
}

// A node that ends a session sends at once, another one within five seconds. Of two nodes
// one sends.
func TestSender_BL_07_TwoNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider(t, func(string, int) (int, error) { return 200, nil })
		p.net.latency = 100 * time.Millisecond
		uri := p.client("web")
		first, second := p.node(), p.node()
		p.running(func() {
			p.signOut("web")
			first.Ended(t.Context())
			synctest.Wait()
			if n := len(p.net.to(uri)); n != 1 {
				t.Errorf("%d requests at once after a session ended at this node, want 1", n)
			}
			time.Sleep(time.Second)
			for range 30 {
				p.signOut("web") // by a command in another process
			}
			time.Sleep(15 * time.Second)
		}, first, second)
		seen := map[string]bool{}
		for _, post := range p.net.to(uri) {
			seen[post.form.Get("logout_token")] = true
		}
		if n := len(p.net.to(uri)); n != 31 || len(seen) != 31 {
			t.Errorf("%d requests with %d tokens, want 31: one for each session", n, len(seen))
		}
		if most := p.net.most[uri]; most > 6 {
			t.Errorf("%d concurrent requests to a client, want at most 3 for each node", most)
		}
	})
}

// Clients that never respond delay neither the others nor the caller.
func TestSender_BL_10_LO_13_SlowClientsDelayNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider(t, func(string, int) (int, error) { return 200, nil })
		for n := range 10 {
			name := fmt.Sprint("slow", n)
			p.client(name)
			for range 20 {
				p.signOut(name)
			}
		}
		uri := p.client("web")
		s := p.node()
		p.running(func() {
			for range 5 {
				begun := time.Now()
				p.signOut("web")
				s.Ended(t.Context())
				synctest.Wait()
				if waited := time.Since(begun); waited != 0 {
					t.Errorf("the caller waited for %v, want no time", waited)
				}
				time.Sleep(100 * time.Millisecond)
			}
			if n := len(p.net.to(uri)); n != 5 {
				t.Errorf("%d requests to a client beside slow ones, want 5", n)
			}
			time.Sleep(2 * time.Minute)
		}, s)
		for target, most := range p.net.most {
			if most > 3 {
				t.Errorf("%d concurrent requests to %s, want at most 3", most, target)
			}
		}
	})
}

// BL-04: one parameter. Neither log nor event have the token.
func TestSender_BL_04_OneParameter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider(t, func(string, int) (int, error) { return http.StatusBadRequest, nil })
		uri := p.client("web")
		sid := p.signOut("web")
		p.running(func() {}, p.node())
		posts := p.net.to(uri)
		if len(posts) != 1 || len(posts[0].form) != 1 || len(posts[0].form["logout_token"]) != 1 {
			t.Fatalf("requests %v, want one with logout_token alone", posts)
		}
		token := posts[0].form.Get("logout_token")
		claims := testkit.ClaimsOf(t, token)
		if claims["sid"] != sid || claims["sub"] != "users:alice" || claims["aud"] != "web" {
			t.Errorf("claims %v, want the sid %q, the user and the client", claims, sid)
		}
		for what, text := range map[string]string{"log": p.log.String(), "event": fmt.Sprint(p.events)} {
			if strings.Contains(text, token) || strings.Contains(text, sid) {
				t.Errorf("the %s has the token or the sid: %s", what, text)
			}
		}
		for _, want := range []string{`"level":"WARN"`, `"client_id":"web"`, `"result":"400 Bad Request"`, "check its backchannel_logout_uri"} {
			if !strings.Contains(p.log.String(), want) {
				t.Errorf("the log has no %s:\n%s", want, p.log)
			}
		}
	})
}

// A client that lost its URI, or was revoked, after the session ended gets nothing.
func TestSender_BL_07_ChangedClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider(t, func(string, int) (int, error) { return 200, nil })
		for _, id := range []string{"deaf", "revoked", "suspended"} {
			p.client(id)
			p.signOut(id)
		}
		deaf, err := p.store.Client(t.Context(), "deaf")
		p.must(err)
		deaf.OpenID = nil
		p.must(p.store.UpdateClient(t.Context(), deaf, nil))
		p.must(p.store.RevokeClient(t.Context(), "revoked", time.Now(), nil))
		suspended, err := p.store.Client(t.Context(), "suspended")
		p.must(err)
		suspended.SuspendedAt = time.Now()
		p.must(p.store.UpdateClient(t.Context(), suspended, nil))
		p.running(func() { time.Sleep(time.Minute) }, p.node())
		if len(p.net.posts) != 1 || p.net.posts[0].target != "https://suspended.example/logout" {
			t.Errorf("requests %v, want one, to the suspended client: its users have signed out", p.net.posts)
		}
	})
}

// failing is an outbox that cannot be read for some time.
type failing struct {
	*memstore.Store
	until time.Time
}

func (f failing) LeaseLogouts(ctx context.Context, l *oauth.LogoutLease) ([]*oauth.LogoutNotice, error) {
	if time.Now().Before(f.until) {
		return nil, oauth.ErrUnavailable
	}
	return f.Store.LeaseLogouts(ctx, l)
}

func TestSender_BL_08_StoreIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider(t, func(string, int) (int, error) { return 200, nil })
		uri := p.client("web")
		p.signOut("web")
		s := p.node()
		s.Store = failing{p.store, time.Now().Add(12 * time.Second)}
		p.running(func() { time.Sleep(16 * time.Second) }, s)
		if n := len(p.net.to(uri)); n != 1 {
			t.Errorf("%d requests after the store is back, want 1", n)
		}
		if n := strings.Count(p.log.String(), "the outbox of logout tokens could not be read"); n != 3 {
			t.Errorf("%d log lines about the store in 12 seconds, want 3", n)
		}
	})
}
