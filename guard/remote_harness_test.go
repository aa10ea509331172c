package guard_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// orders is the audience of the API in these tests.
const orders = "https://orders.example.com"

// The paths of the server that an API fetches.
const (
	metadataPath   = "/.well-known/oauth-authorization-server"
	keysPath       = "/oauth/jwks"
	introspectPath = "/oauth/introspect"
)

// A process is an API in another process than its server. The requests between them use
// no sockets, so that tests can run in a bubble of testing/synctest.
type process struct {
	*testkit.Server
	api *guard.Remote
	log *testkit.LockedBuffer

	mu      sync.Mutex
	fault   func(*http.Request) (*http.Response, error) // replaces a response of the server, if it returns one or an error
	fetched map[string]int                              // requests by path
}

// newProcess returns an API of a server. Its credentials are those of a registered API,
// if change sets Introspect, or ClientID to "-".
func newProcess(t *testing.T, change func(*guard.Remote), config ...func(*passport.Config)) *process {
	t.Helper()
	config = append([]func(*passport.Config){func(c *passport.Config) { c.Resources = []string{orders} }}, config...)
	p := &process{Server: testkit.NewServer(t, config...), fetched: map[string]int{}, log: new(testkit.LockedBuffer)}
	p.api = &guard.Remote{
		Issuer: p.Config.Issuer, Audience: orders, HTTPClient: &http.Client{Transport: p},
		Logger: slog.New(slog.NewTextHandler(p.log, nil)),
	}
	if change != nil {
		change(p.api)
	}
	if p.api.Introspect > 0 || p.api.ClientID == "-" {
		c := p.Server.API(orders)
		p.api.ClientID, p.api.ClientSecret = c.ID, c.Secret
	}
	return p
}

// RoundTrip implements [http.RoundTripper]: it sends the API's request to the server.
func (p *process) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	p.fetched[r.URL.Path]++
	fault := p.fault
	p.mu.Unlock()
	if fault != nil {
		if res, err := fault(r); res != nil || err != nil {
			return res, err
		}
	}
	return p.respond(r)
}

// respond returns the server's response.
func (p *process) respond(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	received := r.Clone(r.Context())
	received.RequestURI, received.RemoteAddr, received.Host = r.URL.RequestURI(), "192.0.2.7:1234", r.URL.Host
	if received.Body == nil {
		received.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, received)
	return w.Result(), nil
}

// failing sets the fault of the following requests; nil ends it.
func (p *process) failing(fault func(*http.Request) (*http.Response, error)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = fault
}

// requests returns the numbers of requests so far, by path.
func (p *process) requests() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.fetched)
}

// at returns a fault for one path.
func at(path string, fault func(*http.Request) (*http.Response, error)) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		if r.URL.Path != path {
			return nil, nil
		}
		return fault(r)
	}
}

// says returns a fault that responds with a status and a body.
func says(status int, body string, header ...string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		h := http.Header{"Content-Type": {"application/json"}}
		for i := 0; i < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	}
}

// hangs is the fault of a server that never responds.
func hangs(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// endless responds with a body that never ends.
func endless(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(io.MultiReader(strings.NewReader(`{"keys":"`), zeros{})), Request: r}, nil
}

type zeros struct{}

// Read implements [io.Reader].
func (zeros) Read(b []byte) (int, error) { return copy(b, bytes.Repeat([]byte{'0'}, len(b))), nil }

// token returns alice's token for the API, with the scope read.
func (p *process) token() string {
	p.T.Helper()
	return p.GrantTokens(p.Web(), "scope", "read", "resource", orders, "prompt", "consent").Access
}

// personal returns an opaque token of alice for the API. Personal tokens are for the
// server's audience, so the API must have it, too.
func (p *process) personal() string {
	p.T.Helper()
	created, err := p.CreateToken(p.T.Context(), testkit.Ref("alice"), "test", "read")
	if err != nil {
		p.T.Fatal(err)
	}
	return created.AccessToken
}

// own gives the API the server's own audience, which personal tokens have.
func own(r *guard.Remote) { r.Audience = testkit.Issuer }

// bearer calls the API with a token.
func (p *process) bearer(token string, rules ...guard.Rule) *testkit.Response {
	p.T.Helper()
	return p.Call(p.api.GuardAny(rules...), "Authorization", "Bearer "+token)
}

// want checks the status of a call with a token.
func (p *process) want(status int, token, what string) *testkit.Response {
	p.T.Helper()
	a := p.bearer(token)
	if a.Status != status {
		p.T.Errorf("the API responds to a token %s with %d %s, want %d; its log:\n%s", what, a.Status, a.Body, status, p.log)
	}
	return a
}

// wantTryLater checks that the API responds with 503, Retry-After, and no challenge.
func (p *process) wantTryLater(token, what string) {
	p.T.Helper()
	a := p.want(503, token, what)
	if a.Header.Get("Retry-After") == "" || a.Header.Get("WWW-Authenticate") != "" {
		p.T.Errorf("the API's 503 to a token %s has Retry-After %q and challenge %q, want Retry-After alone", what, a.Header.Get("Retry-After"), a.Header.Get("WWW-Authenticate"))
	}
}

// wantLog checks that the API's log has a text.
func (p *process) wantLog(text string) {
	p.T.Helper()
	if !strings.Contains(p.log.String(), text) {
		p.T.Errorf("the API's log lacks %q:\n%s", text, p.log)
	}
}

// accounts is a Remote.Users with the users of the test's server.
func (p *process) accounts(ctx context.Context, ref oauth.UserRef) (*oauth.User, error) {
	if ref.Provider != oauth.DefaultProvider {
		return nil, oauth.ErrNotFound
	}
	return p.Users.UserByID(ctx, ref.ID)
}
