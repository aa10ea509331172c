package policy_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/internal/ctxtoken"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// A token with a scope satisfies a rule or a handler that requires a scope under it,
// but only if InheritScopes is set.
func TestScopes_InheritedByGuardsAndTokens(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithInheritance)
	c := s.Machine()
	off := s.Restart(func(c *passport.Config) { c.InheritScopes = false })
	parent, child := s.MachineToken(c, "scope", "orders"), s.MachineToken(c, "scope", "orders:read")
	for _, tt := range []struct {
		token string
		scope string
		want  bool
	}{
		{parent, "orders", true}, {parent, "orders:read", true}, {parent, "orders:read:own", true}, {parent, "orders:unregistered", true},
		{parent, "ordersfoo", false}, {parent, "invoices:read", false}, {parent, "*", false}, {parent, "", false},
		{child, "orders:read", true}, {child, "orders:read:own", true}, {child, "orders", false}, {child, "orders:write", false},
	} {
		for rule, guarded := range map[string]guard.Rule{"Scopes": guard.Scopes(tt.scope), "AnyScope": guard.AnyScope("invoices", tt.scope), "Can": guard.RuleFunc(func(token *oauth.AccessToken) error {
			if !token.Can(tt.scope) {
				return oauth.InsufficientScope.Errorf("no")
			}
			return nil
		})} {
			a := s.Call(s.GuardClient(guarded), "Authorization", "Bearer "+tt.token)
			if got := a.Status == http.StatusOK; got != tt.want {
				t.Errorf("%s(%q) admits a token with scope %q = %v, want %v", rule, tt.scope, testkit.ClaimsOf(t, tt.token)["scope"], got, tt.want)
			}
		}
		exact := testkit.ClaimsOf(t, tt.token)["scope"] == tt.scope
		if a := off.Call(off.GuardClient(guard.Scopes(tt.scope)), "Authorization", "Bearer "+tt.token); (a.Status == http.StatusOK) != exact {
			t.Errorf("without InheritScopes a token with scope %q gets %s for %q, want 403", testkit.ClaimsOf(t, tt.token)["scope"], a, tt.scope)
		}
	}
}

// The server's setting also applies to the token of a test helper. The guard does
// not change that token.
func TestScopes_InheritedByTokensOfATest(t *testing.T) {
	for inherit, want := range map[bool]int{true: 200, false: 403} {
		s := testkit.NewServer(t, testkit.WithShopScopes, func(c *passport.Config) { c.InheritScopes = inherit })
		token := &oauth.AccessToken{
			Client: &oauth.Client{ID: "x"}, Scopes: []string{"orders"}, InheritScopes: !inherit, Audience: []string{testkit.Issuer}, ExpiresAt: time.Now().Add(time.Hour),
		}
		r := testkit.NewGet("https://api.example.com/orders")
		r = r.WithContext(ctxtoken.With(r.Context(), ctxtoken.Admitted{Token: token}))
		if a := s.CallWith(s.GuardClient(guard.Scopes("orders:read")), r); a.Status != want {
			t.Errorf("with InheritScopes = %v the guard responds with %s, want %d", inherit, a, want)
		}
		if token.InheritScopes == inherit {
			t.Error("the guard changed the test's own token")
		}
	}
}

// A client that is limited to a scope may request the scopes under it. They must
// also be registered.
func TestScopes_InheritedByLimits(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithInheritance)
	c := s.Register(passport.Registration{GrantTypes: []string{"client_credentials"}, Scopes: []string{"orders"}})
	for scope, want := range map[string]string{
		"orders": "", "orders:read": "", "orders orders:read:own": "", "orders:write": "invalid_scope", "orders:": "invalid_scope",
		"ordersfoo": "invalid_scope", "invoices:read": "invalid_scope", "*": "invalid_scope",
	} {
		a := s.Exchange(c, "grant_type", "client_credentials", "scope", scope)
		if got, _ := a.JSON()["error"].(string); got != want {
			t.Errorf("scope %q: %s, want the error %q", scope, a, want)
		} else if want == "" && a.Tokens().Scope != scope {
			t.Errorf("scope %q: the token has %q", scope, a.Tokens().Scope)
		}
	}
	off := s.Restart(func(c *passport.Config) { c.InheritScopes = false })
	off.Exchange(c, "grant_type", "client_credentials", "scope", "orders:read").WantJSONError(400, "invalid_scope")
}

// A refresh may request a scope under a granted one, and the next refresh all
// granted scopes again.
func TestScopes_InheritedByRefresh(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithInheritance)
	c := s.Web()
	tok := s.GrantTokens(c, "scope", "orders")
	less := s.Refresh(c, tok.Refresh, "scope", "orders:read").Tokens()
	if less.Scope != "orders:read" {
		t.Errorf("refreshed to %q, want orders:read", less.Scope)
	}
	s.Call(s.Guard(guard.Scopes("orders")), "Authorization", "Bearer "+less.Access).WantJSONError(403, "insufficient_scope")
	s.Refresh(c, less.Refresh, "scope", "invoices:read").WantJSONError(400, "invalid_scope")
	if again := s.Refresh(c, less.Refresh).Tokens(); again.Scope != "orders" {
		t.Errorf("refreshed without scope to %q, want all granted scopes", again.Scope)
	}
	for token, err := range s.Tokens(t.Context(), testkit.Ref("alice")) {
		if err != nil || token.Can("orders:read:own") != (token.Scopes[0] != "invoices:read") {
			t.Errorf("a token in a list is %+v, %v, want the inherited scopes as in a handler", token, err)
		}
	}
	// A scope above the granted one is refused.
	narrow := s.GrantTokens(c, "scope", "orders:read", "prompt", "consent")
	s.Refresh(c, narrow.Refresh, "scope", "orders").WantJSONError(400, "invalid_scope")
	off := s.Restart(func(c *passport.Config) { c.InheritScopes = false })
	off.Refresh(c, s.GrantTokens(c, "scope", "orders", "prompt", "consent").Refresh, "scope", "orders:read").WantJSONError(400, "invalid_scope")
}

// A user who granted a scope is not asked for a scope under it at the same audience.
// The consent page shows only new scopes as new.
func TestScopes_InheritedByConsent(t *testing.T) {
	const api = "https://api.example.com"
	s := testkit.NewServer(t, testkit.WithInheritance, func(c *passport.Config) { c.Resources = []string{api} })
	c := s.Web()
	b := s.Browser().SignIn("alice")
	b.Authorize(c, "scope", "orders").Allow().Code()
	if a := b.Authorize(c, "scope", "orders:read:own orders:read"); a.IsConsent() {
		t.Error("the user is asked for a scope under a granted one")
	}
	b.Authorize(c, "scope", "orders:read", "prompt", "none").Code()
	if a := b.Authorize(c, "scope", "orders:read", "resource", api); !a.IsConsent() {
		t.Error("a consent at one audience is valid at another")
	}
	page := b.Authorize(c, "scope", "orders:read invoices:read")
	fresh, old, found := strings.Cut(page.Body, "Already allowed")
	if !page.IsConsent() || !found || !strings.Contains(fresh, "See your invoices") || strings.Contains(fresh, "See your orders") || !strings.Contains(old, "See your orders") {
		t.Errorf("want a page with invoices as new and orders as known, got %s", page)
	}
	page.Allow().Code()
	if given := testkit.EventsOf[passport.ConsentGiven](s); len(given) != 2 || !slices.Equal(given[1].Scopes, []string{"invoices:read"}) {
		t.Errorf("the events are %+v, want only the new scope in the second", given)
	}
	// At another audience it is remembered in the same way.
	b.Authorize(c, "scope", "orders", "resource", api).Allow().Code()
	if a := b.Authorize(c, "scope", "orders:read", "resource", api); a.IsConsent() {
		t.Error("at another audience the user is asked for a scope under a granted one")
	}
	// The user is asked for a scope above a granted one. Without inheritance, the user
	// is asked for every scope.
	if a := s.Browser().SignIn("bob").Authorize(c, "scope", "orders:read").Allow(); a.Code() == "" || !s.Browser().SignIn("bob").Authorize(c, "scope", "orders").IsConsent() {
		t.Error("a user who granted a scope is not asked for the scope above it")
	}
	off := s.Restart(func(c *passport.Config) { c.InheritScopes = false })
	if !b.At(off).Authorize(c, "scope", "orders:read:own").IsConsent() {
		t.Error("without InheritScopes the user is not asked for a scope under a granted one")
	}
}
