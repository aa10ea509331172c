package main

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"golang.org/x/oauth2"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

const callback = "https://tracker.example.com/callback"

// send sends a request and returns the response.
func send(app http.Handler, method, address string, form url.Values, cookies ...*http.Cookie) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, address, strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	app.ServeHTTP(w, r)
	return w
}

var (
	refresh = regexp.MustCompile(`http-equiv="refresh" content="0;url=([^"]*)"`)
	action  = regexp.MustCompile(`<form[^>]* action="([^"]*)"`)
	input   = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
	button  = regexp.MustCompile(`<button[^>]* name="([^"]*)" value="([^"]*)"[^>]*>\s*Allow`)
)

// The whole flow works with each router: the page, its form, the redirect, the
// token, the JSON API and the metadata.
func TestTenant_FR_41(t *testing.T) {
	for name, mount := range map[string]func(*passport.Server) http.Handler{
		"ServeMux with StripPrefix": serveMux, "chi, a group": chiGroup, "chi, Mount at the root": chiRoot, "gin, a group": ginGroup, "echo, a group": echoGroup,
		"chi, Routes in a group": func(auth *passport.Server) http.Handler {
			r := chi.NewRouter()
			r.Route("/tenant", func(r chi.Router) {
				for route := range auth.Routes() {
					if path, below := strings.CutPrefix(route.Path, "/tenant"); below {
						r.Method(route.Method, path, route.Handler)
					}
				}
			})
			r.Handle(metadata, auth)
			return r
		},
		"chi, Mount of a handler": func(auth *passport.Server) http.Handler {
			r := chi.NewRouter()
			r.Mount("/tenant", auth)
			r.Handle(metadata, auth)
			return r
		},
		"ServeMux, Mount": func(auth *passport.Server) http.Handler {
			mux := http.NewServeMux()
			auth.Mount(mux)
			return mux
		},
		"a proxy that strips the prefix": func(auth *passport.Server) http.Handler { return strippingProxy(behindStripping(auth)) },
	} {
		t.Run(name, func(t *testing.T) {
			auth, err := newServer()
			if err != nil {
				t.Fatal(err)
			}
			flow(t, mount(auth), auth)
		})
	}
}

// strippingProxy is a proxy that passes requests below /tenant on without the prefix,
// and requests for the metadata as they are.
func strippingProxy(app http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, below := strings.CutPrefix(r.URL.Path, "/tenant")
		if !below && r.URL.Path != metadata {
			http.NotFound(w, r)
			return
		}
		passed := httptest.NewRequest(r.Method, path+"?"+r.URL.RawQuery, r.Body) // the app sees no other request line
		passed.Header = r.Header
		app.ServeHTTP(w, passed)
	})
}

func flow(t *testing.T, app http.Handler, auth *passport.Server) {
	created, err := auth.CreateClient(t.Context(), passport.Registration{Name: "Order Tracker", AuthMethod: oauth.AuthNone, RedirectURIs: []string{callback}})
	if err != nil {
		t.Fatal(err)
	}
	for request, want := range map[string]int{
		"GET " + metadata: 200, "GET /tenant/oauth/jwks": 200, "GET /tenant/oauth/clients": 200, "PATCH /tenant/oauth/clients/7": 405, "GET /oauth/jwks": 404,
	} {
		method, path, _ := strings.Cut(request, " ")
		if w := send(app, method, "http://127.0.0.1:8080"+path, nil); w.Code != want {
			t.Errorf("%s = %d, want %d", request, w.Code, want)
		}
	}
	const verifier = "0123456789012345678901234567890123456789012"
	ask := url.Values{
		"response_type": {"code"}, "client_id": {created.Client.ID}, "redirect_uri": {callback}, "state": {"x"},
		"code_challenge": {oauth2.S256ChallengeFromVerifier(verifier)}, "code_challenge_method": {"S256"},
	}
	page := send(app, "GET", issuer+"/oauth/authorize?"+ask.Encode(), nil)
	to := action.FindStringSubmatch(page.Body.String())
	if page.Code != http.StatusOK || to == nil {
		t.Fatalf("the consent page = %d\n%s", page.Code, page.Body)
	}
	base, _ := url.Parse(issuer + "/oauth/authorize")
	target, err := base.Parse(html.UnescapeString(to[1]))
	if err != nil || target.Path != "/tenant/oauth/authorize" {
		t.Fatalf("the form is sent to %v, %v, want /tenant/oauth/authorize", target, err)
	}
	values := url.Values{}
	for _, field := range append(input.FindAllStringSubmatch(page.Body.String(), -1), button.FindAllStringSubmatch(page.Body.String(), -1)...) {
		values.Set(field[1], html.UnescapeString(field[2]))
	}
	for _, c := range page.Result().Cookies() {
		if c.Path != "/" && !strings.HasPrefix("/tenant/oauth/authorize", c.Path) {
			t.Errorf("the cookie %s has the path %s, want a prefix of the form's path", c.Name, c.Path)
		}
	}
	back := send(app, "POST", target.String(), values, page.Result().Cookies()...)
	next := refresh.FindStringSubmatch(back.Body.String()) // the page after the form
	if next == nil {
		t.Fatalf("response to the form = %d\n%s", back.Code, back.Body)
	}
	location, err := url.Parse(html.UnescapeString(next[1]))
	if err != nil || location.Query().Get("code") == "" || location.Query().Get("iss") != issuer {
		t.Fatalf("the redirect goes to %v with status %d, want a code and the issuer\n%s", location, back.Code, back.Body)
	}
	token := send(app, "POST", issuer+"/oauth/token", url.Values{
		"grant_type": {"authorization_code"}, "client_id": {created.Client.ID}, "redirect_uri": {callback}, "code": {location.Query().Get("code")}, "code_verifier": {verifier},
	})
	if token.Code != http.StatusOK {
		t.Errorf("token response = %d %s, want 200", token.Code, token.Body)
	}
}
