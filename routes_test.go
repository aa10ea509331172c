package passport_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
)

// appPatterns are routes of applications beside the server's endpoints.
var appPatterns = []string{
	"GET /", "GET /{page...}", "GET /{section}/{page}", "GET /{section}/{kind}/{id}", "/", "/{page...}", "POST /", "POST /{page...}",
	"PUT /", "PATCH /", "DELETE /", "OPTIONS /", "/{section}/{page}", "GET /oauth/", "/oauth/", "/oauth/{page...}", "GET /{$}", "GET /.well-known/",
}

const appPage = "a page of the application"

// mountings are the two ways to mount a server on a mux.
var mountings = map[string]func(*passport.Server, *http.ServeMux){
	"Mount": func(s *passport.Server, mux *http.ServeMux) { s.Mount(mux) },
	"Routes": func(s *passport.Server, mux *http.ServeMux) {
		for r := range s.Routes() {
			mux.Handle(r.Method+" "+r.Path, r.Handler)
		}
	},
}

// methodsOf has the paths of a server, the methods that each path accepts, and the
// media type of its 405.
var methodsOf = map[string]struct{ takes, allow, media string }{
	"/oauth/token":      {"POST OPTIONS", "POST", "application/json"},
	"/oauth/revoke":     {"POST OPTIONS", "POST", "application/json"},
	"/oauth/introspect": {"POST", "POST", "application/json"},
	"/oauth/jwks":       {"GET HEAD OPTIONS", "GET, HEAD", "application/json"},
	"/.well-known/oauth-authorization-server": {"GET HEAD OPTIONS", "GET, HEAD", "application/json"},
	"/.well-known/oauth-protected-resource":   {"GET HEAD OPTIONS", "GET, HEAD", "application/json"},
	"/oauth/client-logo":                      {"GET HEAD", "GET, HEAD", "application/json"},
	"/oauth/authorize":                        {"GET POST", "GET, POST", "text/html; charset=utf-8"},
	"/oauth/token/refresh":                    {"POST", "POST", "application/json"},
	"/oauth/clients":                          {"GET HEAD POST", "GET, HEAD, POST", "application/json"},
	"/oauth/clients/8":                        {"PUT DELETE", "PUT, DELETE", "application/json"},
	"/oauth/tokens":                           {"GET HEAD", "GET, HEAD", "application/json"},
	"/oauth/tokens/8":                         {"DELETE", "DELETE", "application/json"},
	"/oauth/scopes":                           {"GET HEAD", "GET, HEAD", "application/json"},
	"/oauth/personal-access-tokens":           {"GET HEAD POST", "GET, HEAD, POST", "application/json"},
	"/oauth/personal-access-tokens/8":         {"DELETE", "DELETE", "application/json"},
}

var allMethods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

// mountBeside returns a mux with the server and one route of the application.
func mountBeside(t *testing.T, s *testkit.Server, how, pattern string, appFirst bool) (mux *http.ServeMux) {
	t.Helper()
	defer func() {
		if fault := recover(); fault != nil {
			t.Fatalf("%s beside %q (the application first: %v) panics: %v", how, pattern, appFirst, fault)
		}
	}()
	mux = http.NewServeMux()
	app := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, appPage) })
	if appFirst {
		mux.Handle(pattern, app)
	}
	mountings[how](s.Server, mux)
	if !appFirst {
		mux.Handle(pattern, app)
	}
	return mux
}

// An application can register any of its routes before or after the server's. They
// never get a request to the server's endpoints.
func TestMount_FR_40_BesideOtherRoutes(t *testing.T) {
	s := testkit.NewServer(t)
	for how := range mountings {
		for _, pattern := range appPatterns {
			for _, appFirst := range []bool{true, false} {
				mux := mountBeside(t, s, how, pattern, appFirst)
				for path := range methodsOf {
					for _, method := range allMethods {
						checkMethod(t, fmt.Sprintf("%s beside %q", how, pattern), mux, method, path)
					}
				}
			}
		}
	}
}

// checkMethod sends a request with a method to an endpoint. The endpoint itself must
// respond, with its own 405 if it does not accept the method.
func checkMethod(t *testing.T, beside string, mux http.Handler, method, path string) {
	t.Helper()
	want := methodsOf[path]
	r := httptest.NewRequest(method, testkit.Issuer+path, nil)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	if strings.Contains(w.Body.String(), appPage) || w.Header().Get("X-Request-Id") == "" {
		t.Errorf("%s: %s %s = %d %.80q, want a response of the endpoint, with a request ID", beside, method, path, w.Code, w.Body)
		return
	}
	if slices.Contains(strings.Fields(want.takes), method) {
		if w.Code == http.StatusMethodNotAllowed || w.Code == http.StatusNotFound {
			t.Errorf("%s: %s %s = %d %.80q, want a handled request", beside, method, path, w.Code, w.Body)
		}
		return
	}
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != want.allow || w.Header().Get("Content-Type") != want.media {
		t.Errorf("%s: %s %s = %d, Allow %q, %s; want 405, %q, %s", beside, method, path, w.Code, w.Header().Get("Allow"),
			w.Header().Get("Content-Type"), want.allow, want.media)
	}
}

// The line in docs/first-party-javascript.md works as printed.
func TestMount_FR_40_FreshTokenAtTheRoot(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	pages := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, appPage) })
	mux := http.NewServeMux()
	mux.Handle("GET /", s.FreshToken(pages))
	s.Mount(mux)
	r := b.NewRequest("GET", "/orders", "", nil)
	if a := b.Serve(mux, r); a.Body != appPage || len(a.Header.Values("Set-Cookie")) != 2 {
		t.Errorf("a page of the application = %d %q with the cookies %q, want the page with two", a.Status, a.Body, a.Header.Values("Set-Cookie"))
	}
	if a := b.Serve(mux, b.NewRequest("GET", "/oauth/jwks", "", nil)); !strings.Contains(a.Body, `"keys"`) {
		t.Errorf("GET /oauth/jwks = %d %q, want the keys", a.Status, a.Body)
	}
}

// An application may mount a part of the JSON API. A form with _method does not
// reach an endpoint that is not mounted.
func TestRoutes_FR_40_ARouteServesNoOther(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	created := b.Ask("POST", "/oauth/clients", map[string]any{"name": "App", "redirect": "https://example.com/cb"}).JSON()
	mux := http.NewServeMux()
	for r := range s.Routes() {
		if r.Name != "passport.clients.destroy" {
			mux.Handle(r.Method+" "+r.Path, r.Handler)
		}
	}
	path := "/oauth/clients/" + created["id"].(string)
	r := b.NewRequest("POST", path, "_method=DELETE", nil)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if a := b.Serve(mux, r); a.Status != http.StatusMethodNotAllowed || a.Header.Get("Allow") != "PUT, DELETE" {
		t.Errorf("POST with _method=DELETE = %d %s, want 405: that route is not mounted", a.Status, a.Body)
	}
	if got := b.Ask("GET", "/oauth/clients").List(); len(got) != 1 {
		t.Errorf("the user has %d clients, want 1: the request must not delete it", len(got))
	}
}

// Routes yields one row per method of each path. Rows for unsupported methods have
// the name of the path's first endpoint.
func TestRoutes_FR_40_OneRowPerMethod(t *testing.T) {
	rows, names := map[string][]string{}, map[string]bool{}
	for r := range testkit.NewServer(t).Routes() {
		rows[r.Path] = append(rows[r.Path], r.Method)
		names[r.Name+" "+r.Method+" "+r.Path] = true
	}
	if len(rows) != len(methodsOf) {
		t.Errorf("Routes has %d paths, want %d", len(rows), len(methodsOf))
	}
	for path, methods := range rows {
		if !slices.Equal(methods, allMethods) {
			t.Errorf("%s has rows for %v, want %v", path, methods, allMethods)
		}
	}
	for _, want := range []string{
		"passport.token PATCH /oauth/token", "passport.clients.index HEAD /oauth/clients", "passport.clients.index PUT /oauth/clients",
		"passport.clients.store POST /oauth/clients", "passport.clients.update POST /oauth/clients/{id}",
		"passport.clients.destroy DELETE /oauth/clients/{id}",
	} {
		if !names[want] {
			t.Errorf("Routes has no row %q", want)
		}
	}
}
