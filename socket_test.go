package passport_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// overSocket serves a handler on a Unix socket and returns a client for it.
func overSocket(t *testing.T, h http.Handler) *http.Client {
	t.Helper()
	name := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", name)
	if err != nil {
		t.Fatalf("listen on a Unix socket: %v", err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: h}}
	server.Start()
	t.Cleanup(server.Close)
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", name)
	}}}
}

// guess sends a wrong secret for an unknown client, as a proxy forwards it.
func guess(t *testing.T, c *http.Client, clientID, forwarded string) (status int) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://socket/oauth/token", strings.NewReader(url.Values{"grant_type": {"client_credentials"}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Forwarded-For", forwarded)
	r.SetBasicAuth(clientID, "wrong")
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// Behind the middleware from the documentation, limits apply per client address. An
// address that guesses secrets does not lock out others.
func TestUnixSocket_FR_20_MiddlewareNamesTheProxy(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")} })
	created, err := s.CreateClient(t.Context(), passport.Registration{Name: "c", AuthMethod: oauth.AuthBasic, GrantTypes: []string{"client_credentials"}})
	if err != nil {
		t.Fatal(err)
	}
	c := overSocket(t, behindProxy(s))
	status := 0
	for i := 0; i < 100 && status != http.StatusTooManyRequests; i++ {
		status = guess(t, c, created.Client.ID, "198.51.100.1, 203.0.113.9")
	}
	if status != http.StatusTooManyRequests {
		t.Errorf("after 100 wrong secrets from one address over a socket: status %d, want 429", status)
	}
	if status := guess(t, c, created.Client.ID, "203.0.113.10"); status != http.StatusUnauthorized {
		t.Errorf("a wrong secret from another address: status %d, want 401", status)
	}
	if strings.Contains(s.Log.String(), "no IP address") {
		t.Errorf("with the middleware, the log has a warning about the socket: %s", s.Log)
	}
}

// Without the middleware, the log has one warning with the remedy.
func TestUnixSocket_FR_20_IsLoggedOnce(t *testing.T) {
	for name, trusted := range map[string][]netip.Prefix{"no proxies": nil, "a proxy": {netip.MustParsePrefix("127.0.0.1/32")}} {
		s := testkit.NewServer(t, func(c *passport.Config) { c.TrustedProxies = trusted })
		c := overSocket(t, s)
		for range 3 {
			guess(t, c, "x", "203.0.113.9")
		}
		if got := strings.Count(s.Log.String(), "set r.RemoteAddr to the client's address"); got != 1 {
			t.Errorf("with %s, three requests over a socket logged %d warnings, want 1: %s", name, got, s.Log)
		}
	}
}
