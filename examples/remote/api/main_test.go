package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/passporttest"
)

const audience = "https://orders.example.com"

// serve returns the API's response.
func serve(api *guard.Remote, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	routes(api).ServeHTTP(w, r)
	return w
}

// Without a server, a test acts as a user.
func TestOrdersNeedTheScope(t *testing.T) {
	api := newAPI(passporttest.Issuer, audience, "orders", "a secret")
	for scope, want := range map[string]int{"check-status": http.StatusOK, "place-orders": http.StatusForbidden} {
		r := httptest.NewRequest("GET", "/orders", nil)
		if w := serve(api, passporttest.ActingAs(r, &passport.User{ID: "1"}, scope)); w.Code != want {
			t.Errorf("GET /orders with the scope %s = %d %s, want %d", scope, w.Code, w.Body, want)
		}
	}
}

// With a server in the same process, the tokens are real, and can be revoked.
func TestRevokedTokensAreRefused(t *testing.T) {
	auth := passporttest.NewServer(t, passport.Config{
		Scopes: []passport.Scope{{ID: "check-status", Description: "Check order status"}}, Resources: []string{audience},
	})
	own := auth.NewClient(passport.Registration{Audience: audience})
	api := newAPI(passporttest.Issuer, audience, own.ID, own.Secret)
	api.HTTPClient = auth.HTTPClient()
	api.Introspect = 1 // a nanosecond, so that each request asks the server

	tracker := auth.NewClient(passport.Registration{Name: "Order Tracker"})
	tracker.Resource = audience
	token := tracker.Token(auth.User("1"), "check-status")
	if w := serve(api, token.SetAuthHeader(httptest.NewRequest("GET", "/orders", nil))); w.Code != http.StatusOK {
		t.Errorf("GET /orders = %d %s, want 200", w.Code, w.Body)
	}
	if err := auth.RevokeUser(t.Context(), passport.UserRef{Provider: passport.DefaultProvider, ID: "1"}); err != nil {
		t.Fatal(err)
	}
	if w := serve(api, token.SetAuthHeader(httptest.NewRequest("GET", "/orders", nil))); w.Code != http.StatusUnauthorized {
		t.Errorf("GET /orders with a revoked token = %d %s, want 401", w.Code, w.Body)
	}
}
