package passport_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/internal/ctxtoken"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// shopScopes are scopes of which some stand below others.
func shopScopes(c *passport.Config) {
	c.Scopes = []passport.Scope{
		{ID: "orders", Description: "Your orders"}, {ID: "orders:read", Description: "See your orders"},
		{ID: "orders:read:own", Description: "See orders placed here"}, {ID: "ordersfoo", Description: "Something else"},
		{ID: "invoices:read", Description: "See your invoices"},
	}
}

func withInheritance(c *passport.Config) { shopScopes(c); c.InheritScopes = true }

// A token with a scope passes where one below it is asked for, by rule and in the
// handler, and only while InheritScopes is set.
func TestScopes_InheritedByGuardsAndTokens(t *testing.T) {
	s := newServer(t, withInheritance)
	c := s.machine()
	off := s.restart(func(c *passport.Config) { c.InheritScopes = false })
	parent, child := s.machineToken(c, "scope", "orders"), s.machineToken(c, "scope", "orders:read")
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
			a := s.call(s.GuardClient(guarded), "Authorization", "Bearer "+tt.token)
			if got := a.status == http.StatusOK; got != tt.want {
				t.Errorf("%s(%q) admits a token with scope %q = %v, want %v", rule, tt.scope, claimsOf(t, tt.token)["scope"], got, tt.want)
			}
		}
		exact := claimsOf(t, tt.token)["scope"] == tt.scope
		if a := off.call(off.GuardClient(guard.Scopes(tt.scope)), "Authorization", "Bearer "+tt.token); (a.status == http.StatusOK) != exact {
			t.Errorf("without InheritScopes a token with scope %q gets %s for %q", claimsOf(t, tt.token)["scope"], a, tt.scope)
		}
	}
}

// The token that a test helper puts in the place of a real one is held to the
// server's setting too, without being changed itself.
func TestScopes_InheritedByTokensOfATest(t *testing.T) {
	for inherit, want := range map[bool]int{true: 200, false: 403} {
		s := newServer(t, shopScopes, func(c *passport.Config) { c.InheritScopes = inherit })
		token := &oauth.AccessToken{
			Client: &oauth.Client{ID: "x"}, Scopes: []string{"orders"}, InheritScopes: !inherit, Audience: []string{issuer}, ExpiresAt: time.Now().Add(time.Hour),
		}
		r := newGet("https://api.example.com/orders")
		r = r.WithContext(ctxtoken.With(r.Context(), ctxtoken.Admitted{Token: token}))
		if a := s.callWith(s.GuardClient(guard.Scopes("orders:read")), r); a.status != want {
			t.Errorf("with InheritScopes = %v the guard answers %s, want %d", inherit, a, want)
		}
		if token.InheritScopes == inherit {
			t.Error("the guard changed the test's own token")
		}
	}
}

// A client that is limited to a scope may ask for those below it. What it asks for
// has to be registered all the same.
func TestScopes_InheritedByLimits(t *testing.T) {
	s := newServer(t, withInheritance)
	c := s.register(passport.Registration{GrantTypes: []string{"client_credentials"}, Scopes: []string{"orders"}})
	for scope, want := range map[string]string{
		"orders": "", "orders:read": "", "orders orders:read:own": "", "orders:write": "invalid_scope", "orders:": "invalid_scope",
		"ordersfoo": "invalid_scope", "invoices:read": "invalid_scope", "*": "invalid_scope",
	} {
		a := s.exchange(c, "grant_type", "client_credentials", "scope", scope)
		if got, _ := a.json()["error"].(string); got != want {
			t.Errorf("scope %q: %s, want the error %q", scope, a, want)
		} else if want == "" && a.tokens().Scope != scope {
			t.Errorf("scope %q: the token has %q", scope, a.tokens().Scope)
		}
	}
	off := s.restart(func(c *passport.Config) { c.InheritScopes = false })
	off.exchange(c, "grant_type", "client_credentials", "scope", "orders:read").wantJSONError(400, "invalid_scope")
}

// A refresh may ask for what stands below what was granted, and the next one for
// all of it again.
func TestScopes_InheritedByRefresh(t *testing.T) {
	s := newServer(t, withInheritance)
	c := s.web()
	tok := s.grantTokens(c, "scope", "orders")
	less := s.refresh(c, tok.Refresh, "scope", "orders:read").tokens()
	if less.Scope != "orders:read" {
		t.Errorf("refreshed to %q, want orders:read", less.Scope)
	}
	s.call(s.Guard(guard.Scopes("orders")), "Authorization", "Bearer "+less.Access).wantJSONError(403, "insufficient_scope")
	s.refresh(c, less.Refresh, "scope", "invoices:read").wantJSONError(400, "invalid_scope")
	if again := s.refresh(c, less.Refresh).tokens(); again.Scope != "orders" {
		t.Errorf("refreshed without scope to %q, want all that was granted", again.Scope)
	}
	for token, err := range s.Tokens(t.Context(), ref("alice")) {
		if err != nil || token.Can("orders:read:own") != (token.Scopes[0] != "invoices:read") {
			t.Errorf("a listed token %+v, %v, cannot do what one in a handler can", token, err)
		}
	}
	// The reverse widens, and is refused.
	narrow := s.grantTokens(c, "scope", "orders:read", "prompt", "consent")
	s.refresh(c, narrow.Refresh, "scope", "orders").wantJSONError(400, "invalid_scope")
	off := s.restart(func(c *passport.Config) { c.InheritScopes = false })
	off.refresh(c, s.grantTokens(c, "scope", "orders", "prompt", "consent").Refresh, "scope", "orders:read").wantJSONError(400, "invalid_scope")
}

// Who has agreed to a scope is not asked for one below it, at the same audience; a
// page shows as new what is.
func TestScopes_InheritedByConsent(t *testing.T) {
	const api = "https://api.example.com"
	s := newServer(t, withInheritance, func(c *passport.Config) { c.Resources = []string{api} })
	c := s.web()
	b := s.browser().signIn("alice")
	b.authorize(c, "scope", "orders").allow().code()
	if a := b.authorize(c, "scope", "orders:read:own orders:read"); a.isConsent() {
		t.Error("the user is asked for what stands below what he agreed to")
	}
	b.authorize(c, "scope", "orders:read", "prompt", "none").code()
	if a := b.authorize(c, "scope", "orders:read", "resource", api); !a.isConsent() {
		t.Error("consent at one audience holds at another")
	}
	page := b.authorize(c, "scope", "orders:read invoices:read")
	fresh, old, found := strings.Cut(page.body, "allowed it before")
	if !page.isConsent() || !found || !strings.Contains(fresh, "See your invoices") || strings.Contains(fresh, "See your orders") || !strings.Contains(old, "See your orders") {
		t.Errorf("want a page with invoices as new and orders as known, got %s", page)
	}
	page.allow().code()
	if given := eventsOf[passport.ConsentGiven](s); len(given) != 2 || !slices.Equal(given[1].Scopes, []string{"invoices:read"}) {
		t.Errorf("the events say %+v, want the new scope alone in the second", given)
	}
	// At another audience it is remembered in the same way.
	b.authorize(c, "scope", "orders", "resource", api).allow().code()
	if a := b.authorize(c, "scope", "orders:read", "resource", api); a.isConsent() {
		t.Error("at another audience the user is asked for what stands below what he agreed to")
	}
	// The reverse is asked, and so is all of it when scopes are not inherited.
	if a := s.browser().signIn("bob").authorize(c, "scope", "orders:read").allow(); a.code() == "" || !s.browser().signIn("bob").authorize(c, "scope", "orders").isConsent() {
		t.Error("who agreed to a scope below is not asked for the one above")
	}
	off := s.restart(func(c *passport.Config) { c.InheritScopes = false })
	if !b.at(off).authorize(c, "scope", "orders:read:own").isConsent() {
		t.Error("without InheritScopes the user is not asked")
	}
}

// Every place that sees an access token gets the same answer from Can, whether the
// server has just made the token or read it: claims on first issue and on a retry,
// guards, lists, events, and a grant that reads the Store.
func TestScopes_FR_16_EveryReaderSeesInheritance(t *testing.T) {
	for _, inherit := range []bool{true, false} {
		seen := map[string][]bool{}
		see := func(where string, token *oauth.AccessToken) {
			seen[where] = append(seen[where], token.Can("orders:read"))
		}
		exchange := grantFunc(func(ctx context.Context, r *oauth.TokenRequest) (*oauth.Authorization, error) {
			byID, err := r.Store.AccessToken(ctx, r.Form.Get("id"))
			check(t, err)
			see("Store.AccessToken in a grant", byID)
			for token, err := range r.Store.TokensOf(ctx, ref("alice")) {
				check(t, err)
				see("Store.TokensOf in a grant", token)
			}
			opaque, err := r.Store.OpaqueToken(ctx, oauth.DigestOf(r.Form.Get("opaque")))
			check(t, err)
			see("Store.OpaqueToken in a grant", opaque)
			return &oauth.Authorization{Subject: oauth.ForClient(), Scopes: []string{"orders"}}, nil
		})
		s := newServer(t, shopScopes, implicit, withGrants(exchange), func(c *passport.Config) {
			c.InheritScopes, c.PersonalTokenFormat = inherit, passport.Opaque
			c.Claims = func(_ context.Context, token *oauth.AccessToken) (map[string]any, error) {
				see("Claims", token)
				return map[string]any{"may_read": token.Can("orders:read")}, nil
			}
		})
		guarded := s.GuardAny(guard.RuleFunc(func(token *oauth.AccessToken) error { see("rule", token); return nil }))
		use := func(bearer string) {
			s.callWith(func(http.Handler) http.Handler {
				return guarded(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { see("TokenFrom", guard.TokenFrom(r.Context())) }))
			}, withBearer(newGet("https://api.example.com/orders"), bearer))
		}
		c, kiosk := s.web(), s.kiosk()
		first := s.grantTokens(c, "scope", "orders")
		refreshed := s.refresh(c, first.Refresh).tokens()
		again := s.refresh(c, first.Refresh).tokens()
		fragment := s.browser().signIn("alice").authorizeToken(s.board(passport.Registration{}), "scope", "orders").allow().token()
		personal, err := s.CreateToken(t.Context(), ref("alice"), "laptop", "orders")
		check(t, err)
		see("NewToken", personal.Token)
		for name, jwt := range map[string]string{"first issue": first.Access, "refresh": refreshed.Access, "retry within the grace": again.Access, "implicit": fragment} {
			if got := claimsOf(t, jwt)["may_read"]; got != inherit {
				t.Errorf("InheritScopes = %v: Config.Claims on %s is told Can(orders:read) = %v", inherit, name, got)
			}
			use(jwt)
		}
		use(personal.AccessToken)
		s.exchange(kiosk, "grant_type", voucherType, "id", asText(claimsOf(t, first.Access)["jti"]), "opaque", personal.AccessToken).tokens()
		for token, err := range s.Tokens(t.Context(), ref("alice")) {
			check(t, err)
			see("Tokens", token)
		}
		for _, e := range eventsOf[passport.AccessTokenIssued](s) {
			see("AccessTokenIssued", e.Token)
		}
		for where, n := range map[string]int{
			"Claims": 5, "rule": 5, "TokenFrom": 5, "NewToken": 1, "Tokens": 4, "AccessTokenIssued": 5,
			"Store.AccessToken in a grant": 1, "Store.OpaqueToken in a grant": 1, "Store.TokensOf in a grant": 4,
		} {
			if got := seen[where]; len(got) != n || slices.Contains(got, !inherit) {
				t.Errorf("InheritScopes = %v: %s sees Can(orders:read) = %v, want %d times %v", inherit, where, got, n, inherit)
			}
		}
	}
}

func withBearer(r *http.Request, token string) *http.Request {
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

// A store may hand out one record to several readers: the server stamps a copy.
func TestScopes_FR_16_RecordsOfTheStoreStayAsTheyAre(t *testing.T) {
	store := &sharing{Store: new(memstore.Store), rows: map[string]*oauth.AccessToken{}}
	s := newServer(t, withInheritance, func(c *passport.Config) { c.Store = store })
	token := s.machineToken(s.machine(), "scope", "orders")
	for range 2 {
		if a := s.call(s.GuardClient(guard.Scopes("orders:read")), "Authorization", "Bearer "+token); a.status != http.StatusOK {
			t.Errorf("a guard for a scope below that of the token answers %s", a)
		}
	}
	for _, row := range store.rows {
		if row.InheritScopes {
			t.Error("the server changed a record that belongs to the store")
		}
	}
	if len(store.rows) != 1 {
		t.Errorf("the store was asked for %d tokens, want 1", len(store.rows))
	}
}

// sharing is a store that keeps the access tokens it was asked for in memory.
type sharing struct {
	oauth.Store
	rows map[string]*oauth.AccessToken
}

func (s *sharing) Unwrap() oauth.Store { return s.Store }

func (s *sharing) AccessToken(ctx context.Context, id string) (*oauth.AccessToken, error) {
	if t := s.rows[id]; t != nil {
		return t, nil
	}
	t, err := s.Store.AccessToken(ctx, id)
	if err == nil {
		s.rows[id] = t
	}
	return t, err
}
