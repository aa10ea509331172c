package main_test

import (
	"net/http"
	"strings"
	"testing"
)

// askAs sends a request to a server with another Host header.
func askAs(t *testing.T, s *server, host, method, path string) *http.Response {
	t.Helper()
	r, err := http.NewRequest(method, s.url+path, strings.NewReader("a=b"))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res
}

// A server on loopback shows nothing to a browser that uses the name of another site (DNS
// rebinding). Clients and load balancers may use any name.
func TestServe_FR_13_ForeignHosts(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, tt := range map[string]struct {
		args, machines []string
	}{
		"serve":    {[]string{"serve"}, []string{"GET /livez", "GET /readyz"}},
		"the tour": {[]string{"serve", "--demo"}, []string{"GET /api/orders"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, nil, tt.args...)
			pages := []string{
				"GET /", "GET /sign-in", "POST /sign-in", "GET /sign-out", "POST /sign-out", "GET /oauth/authorize", "POST /oauth/authorize",
				"GET /oauth/clients", "POST /oauth/token/refresh", "GET /demo", "POST /demo/steal", "GET /demo/callback", "GET /nothing",
			}
			for _, page := range pages {
				method, path, _ := strings.Cut(page, " ")
				for _, host := range []string{"evil.example:8000", "localhost.evil.example", "0.0.0.0:8000"} {
					res := askAs(t, s, host, method, path)
					if res.StatusCode != http.StatusMisdirectedRequest || len(res.Cookies()) > 0 {
						t.Errorf("%s at %s: status %d with %d cookies, want 421 and none", page, host, res.StatusCode, len(res.Cookies()))
					}
				}
				for _, host := range []string{"localhost:9", "[::1]:8000", "127.0.0.2", "LOCALHOST."} {
					if res := askAs(t, s, host, method, path); res.StatusCode == http.StatusMisdirectedRequest {
						t.Errorf("%s at %s: status 421, but the host is on loopback", page, host)
					}
				}
			}
			for _, endpoint := range append(tt.machines,
				"POST /oauth/token", "POST /oauth/revoke", "POST /oauth/introspect", "GET /oauth/jwks", "GET /.well-known/oauth-authorization-server") {
				method, path, _ := strings.Cut(endpoint, " ")
				if res := askAs(t, s, "passport:8000", method, path); res.StatusCode == http.StatusMisdirectedRequest || res.StatusCode == http.StatusNotFound {
					t.Errorf("%s by a container's name: status %d, want a response", endpoint, res.StatusCode)
				}
			}
			if log := s.log.String(); !strings.Contains(log, "setting issuer") || !strings.Contains(log, "evil.example:8000") {
				t.Errorf("the log does not name the setting and the host:\n%s", log)
			}
		})
	}
}

// Only exact paths are exempt, and those of the tour's API only in the tour, because an
// issuer may have any path, such as /api.
func TestServe_FR_13_PathsThatLookLikeExemptOnes(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, tt := range map[string]struct {
		args, pages []string
	}{
		"serve at /api": {
			[]string{"serve", "--issuer", "http://127.0.0.1:8000/api"},
			[]string{"GET /api/", "GET /api/sign-in", "POST /api/sign-in", "POST /api/sign-out", "GET /api/oauth/authorize", "GET /api/orders", "GET /api/livez"},
		},
		"serve at /livez": {
			[]string{"serve", "--issuer", "http://127.0.0.1:8000/livez"},
			[]string{"GET /livez/", "POST /livez/sign-in", "GET /livez/oauth/authorize"},
		},
		"serve at /oauth/token": {
			[]string{"serve", "--issuer", "http://127.0.0.1:8000/oauth/token"},
			[]string{"GET /oauth/token/", "POST /oauth/token/sign-in", "GET /oauth/token/oauth/authorize"},
		},
		"the tour": {[]string{"serve", "--demo"}, []string{"GET /api/", "GET /api/nothing", "GET /api/orders/", "GET /api/../sign-in", "GET /oauth/token/refresh"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, nil, tt.args...)
			for _, page := range tt.pages {
				method, path, _ := strings.Cut(page, " ")
				if res := askAs(t, s, "evil.example", method, path); res.StatusCode != http.StatusMisdirectedRequest || len(res.Cookies()) > 0 {
					t.Errorf("%s at evil.example: status %d with %d cookies, want 421 and none", page, res.StatusCode, len(res.Cookies()))
				}
			}
		})
	}
}
