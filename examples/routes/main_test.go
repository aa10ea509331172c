package main

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/examples/shop"
	"github.com/go-passport/passport/passporttest"
)

func newShop(t *testing.T) *passporttest.Server {
	t.Helper()
	auth := passporttest.NewServer(t, settings())
	auth.Serve(application(auth.Server))
	return auth
}

// send returns the status and body of the shop's response.
func send(t *testing.T, client *http.Client, r *http.Request, err error) (int, string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func TestPath_MovesTheEndpoints(t *testing.T) {
	auth := newShop(t)
	robot := auth.NewClient(passport.Registration{Name: "Robot"})
	for path, want := range map[string]int{"/auth/token": http.StatusOK, "/oauth/token": http.StatusNotFound} {
		form := strings.NewReader(url.Values{"grant_type": {"client_credentials"}}.Encode())
		r, err := http.NewRequestWithContext(t.Context(), "POST", path, form)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth(robot.ID, robot.Secret)
		if status, body := send(t, auth.HTTPClient(), r, nil); status != want {
			t.Errorf("%s = %d %s, want %d", path, status, body, want)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), "GET", "/.well-known/oauth-authorization-server", nil)
	if status, body := send(t, auth.HTTPClient(), r, err); status != http.StatusOK || !strings.Contains(body, shop.Issuer+"/auth/token") {
		t.Errorf("the metadata is %d %s, want /auth/token in it", status, body)
	}
	if token := auth.Token(auth.User("1"), "check-status"); token.ID == "" {
		t.Error("Token() returned no access token")
	}
}

func TestRoutes_OneIsReplaced(t *testing.T) {
	auth := newShop(t)
	for language, want := range map[string]string{"de-DE,de": "Den Stand der Bestellungen sehen", "en": "Check order status"} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", "/auth/scopes", nil)
		if err == nil {
			r.Header.Set("Accept-Language", language)
		}
		if status, body := send(t, auth.HTTPClient(), r, err); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("the scopes for %s are %d %s, want %q in them", language, status, body, want)
		}
	}
}

func TestRoutes_OneIsWrapped(t *testing.T) {
	auth := newShop(t)
	for customer, want := range map[string]int{"1": http.StatusCreated, "2": http.StatusForbidden} {
		browser := auth.HTTPClient()
		res, err := browser.PostForm("/login", url.Values{"customer": {customer}, "return_to": {"/auth/clients"}})
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Fatalf("GET /auth/clients by customer %s = %s, want 200", customer, res.Status)
		}
		body := strings.NewReader(`{"name":"Order Tracker","redirect":"https://tracker.example.com/callback"}`)
		r, err := http.NewRequestWithContext(t.Context(), "POST", "/auth/clients", body)
		if err == nil {
			r.Header.Set("Content-Type", "application/json")
		}
		if status, body := send(t, browser, r, err); status != want {
			t.Errorf("POST /auth/clients by customer %s = %d %s, want %d", customer, status, body, want)
		}
	}
}

func TestRoutes_SomeAreOmitted(t *testing.T) {
	auth := newShop(t)
	r, err := http.NewRequestWithContext(t.Context(), "GET", "/auth/personal-access-tokens", nil)
	if status, body := send(t, auth.HTTPClient(), r, err); status != http.StatusNotFound {
		t.Errorf("GET /auth/personal-access-tokens = %d %s, want 404", status, body)
	}
}

// The routes have Laravel Passport's names, which front ends and proxies use.
func TestRoutes_HaveLaravelPassportsNames(t *testing.T) {
	auth := passporttest.NewServer(t, settings())
	paths := map[string]string{}
	for route := range auth.Routes() {
		paths[route.Name+" "+route.Method] = route.Path
	}
	for name, want := range map[string]string{
		"passport.token POST":                     "/auth/token",
		"passport.authorizations.authorize GET":   "/auth/authorize",
		"passport.tokens.index GET":               "/auth/tokens",
		"passport.tokens.destroy DELETE":          "/auth/tokens/{id}",
		"passport.clients.index GET":              "/auth/clients",
		"passport.clients.store POST":             "/auth/clients",
		"passport.clients.update PUT":             "/auth/clients/{id}",
		"passport.clients.destroy DELETE":         "/auth/clients/{id}",
		"passport.scopes.index GET":               "/auth/scopes",
		"passport.personal.tokens.index GET":      "/auth/personal-access-tokens",
		"passport.personal.tokens.store POST":     "/auth/personal-access-tokens",
		"passport.personal.tokens.destroy DELETE": "/auth/personal-access-tokens/{id}",
		"passport.token.refresh POST":             "/auth/token/refresh",
	} {
		if paths[name] != want {
			t.Errorf("the route %s is %q, want %q", name, paths[name], want)
		}
	}
}
