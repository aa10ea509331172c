package authorize_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// Remembered consent covers the same client, the same user and no more scopes
// than were granted (OAuth 2.1 §7.12.2, RFC 6749 §10.2).
func TestAuthorize_AZ_29_RememberedConsent(t *testing.T) {
	s := testkit.NewServer(t)
	c, other := s.Web(), s.Web()
	b := s.Browser().SignIn("alice")
	b.Authorize(c, "scope", "read write").Allow().Code()
	for name, tt := range map[string]struct {
		b     *testkit.Browser
		c     *testkit.Client
		pairs []string
		asks  bool
	}{
		"the same scopes":          {b, c, []string{"scope", "read write"}, false},
		"in another order":         {b, c, []string{"scope", "write read"}, false},
		"fewer":                    {b, c, []string{"scope", "write"}, false},
		"none":                     {b, c, []string{"scope", ""}, false},
		"in a new session":         {s.Browser().SignIn("alice"), c, nil, false},
		"prompt=consent":           {b, c, []string{"prompt", "consent"}, true},
		"another scope":            {b, c, []string{"scope", "read admin"}, true},
		"only a new scope":         {b, c, []string{"scope", "admin"}, true},
		"another client":           {b, other, nil, true},
		"another user":             {s.Browser().SignIn("bob"), c, nil, true},
		"another user, no scopes":  {s.Browser().SignIn("bob"), c, []string{"scope", ""}, true},
		"another client, no scope": {b, other, []string{"scope", ""}, true},
	} {
		t.Run(name, func(t *testing.T) {
			a := tt.b.Authorize(tt.c, tt.pairs...)
			if a.IsConsent() != tt.asks {
				t.Fatalf("IsConsent() = %v, want %v: %s", a.IsConsent(), tt.asks, a)
			}
			if !tt.asks && (a.Status != 303 || a.Code() == "") {
				t.Errorf("Authorize() with remembered consent = %s, want a redirect with a code", a)
			}
		})
	}
	// New consent is added to the old one. The page shows only new scopes as new.
	page := b.Authorize(c, "scope", "read admin")
	if fresh, known, _ := strings.Cut(page.Body, "<details"); !strings.Contains(fresh, "Administer the shop") ||
		strings.Contains(fresh, "Read your orders") || !strings.Contains(known, "Read your orders") {
		t.Errorf("the page does not separate new scopes from allowed ones: %s", page)
	}
	page.Allow().Code()
	b.Authorize(c, "scope", "read write admin").Code()
	events := testkit.EventsOf[passport.ConsentGiven](s)
	if len(events) != 2 || !slices.Equal(events[1].Scopes, []string{"admin"}) || events[1].User != testkit.Ref("alice") || events[1].ClientID != c.ID {
		t.Errorf("ConsentGiven events = %+v", events)
	}
}

// Neither a denied request nor a page without a decision is remembered as consent.
func TestAuthorize_AZ_29_OnlyAllowIsRemembered(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	b.Authorize(c).Ticket()
	b.Authorize(c).Deny().WantRedirectError("access_denied")
	b.Authorize(c).Ticket()
}

// A request without scopes needs consent too, because the client learns the user's ID.
func TestAuthorize_AZ_29_NoScopes(t *testing.T) {
	s := testkit.NewServer(t)
	for name, c := range map[string]*testkit.Client{"web": s.Web(), "spa": s.Spa()} {
		b := s.Browser().SignIn("alice")
		b.Authorize(c, "scope", "", "prompt", "none").WantRedirectError("consent_required")
		page := b.Authorize(c, "scope", "")
		page.Ticket()
		if !strings.Contains(page.Body, "only wants to know who you are") {
			t.Errorf("%s: the page does not say that the client requests no scopes: %s", name, page)
		}
		done := page.Allow()
		if got := s.Redeem(c, done.Code()); got.Scope != "" {
			t.Errorf("%s: scope = %q, want none", name, got.Scope)
		}
		b.Authorize(c, "scope", "").Code()
		b.Authorize(c, "scope", "", "prompt", "none").Code()
		b.Authorize(c, "scope", "read").Ticket()
	}
	if given := testkit.EventsOf[passport.ConsentGiven](s); len(given) != 2 || len(given[0].Scopes) != 0 {
		t.Errorf("ConsentGiven events = %+v", given)
	}
}

// Consent is to a scope at an audience (RFC 8707 §2). Consent for one API does not
// count at another, including this server.
func TestAuthorize_AZ_29_Resources(t *testing.T) {
	const one, two, audience = "https://one.example", "https://two.example/api", "https://own.example"
	s := testkit.NewServer(t, func(c *passport.Config) { c.Resources, c.Audience = []string{one, two}, audience })
	at := func(uris ...string) string { return strings.Join(uris, "&resource=") }
	type step struct {
		scope, at string
		asks      bool
	}
	for name, steps := range map[string][]step{
		"the same resource":               {{"read", one, true}, {"read", one, false}},
		"fewer":                           {{"read", at(one, two), true}, {"read", two, false}, {"read", one, false}, {"read", at(two, one), false}},
		"more":                            {{"read", one, true}, {"read", at(one, two), true}, {"read", at(one, two), false}},
		"another":                         {{"read", one, true}, {"read", two, true}},
		"from ours to another":            {{"read", "", true}, {"read", one, true}, {"read", "", false}},
		"from another to ours":            {{"read", one, true}, {"read", "", true}, {"read", "", false}},
		"our own by name":                 {{"read", "", true}, {"read", audience, false}},
		"our own without a name":          {{"read", audience, true}, {"read", "", false}},
		"a scope here and another there":  {{"read", "", true}, {"write", one, true}, {"write", "", true}, {"read", one, true}},
		"no scope there":                  {{"read", "", true}, {"", one, true}, {"", one, false}, {"read", one, true}},
		"no scope, after one there":       {{"read", one, true}, {"", one, false}, {"", "", true}, {"", "", false}},
		"no scope here, after one there":  {{"", one, true}, {"", "", true}},
		"no scope here, then there":       {{"", "", true}, {"", one, true}, {"", at(one, audience), false}},
		"one of two scopes at each place": {{"read", one, true}, {"read write", one, true}, {"read write", "", true}, {"write", at(one, audience), false}},
	} {
		t.Run(name, func(t *testing.T) {
			c, b := s.In(t).Web(), s.In(t).Browser().SignIn("alice")
			for i, step := range steps {
				query := c.Request("scope", step.scope).Encode()
				if step.at != "" {
					query += "&resource=" + step.at
				}
				a := b.Get("/oauth/authorize?" + query)
				if a.IsConsent() != step.asks {
					t.Fatalf("step %d: IsConsent() = %v, want %v: %s", i+1, a.IsConsent(), step.asks, a)
				}
				for uri := range strings.SplitSeq(step.at, "&resource=") {
					if step.asks && !strings.Contains(a.Body, uri) {
						t.Errorf("step %d: the page does not name %s", i+1, uri)
					}
				}
				if step.asks {
					a = a.Allow()
				}
				want := step.at
				if want == "" {
					want = audience
				}
				aud := testkit.ClaimsOf(t, s.In(t).Redeem(c, a.Code()).Access)["aud"]
				if got := strings.Trim(strings.ReplaceAll(testkit.AsText(aud), " ", "&resource="), "[]"); got != want {
					t.Errorf("step %d: aud = %v, want %s", i+1, aud, want)
				}
			}
		})
	}
}

// After a user withdraws consent, the page is shown again, for each resource too.
func TestAuthorize_AZ_29_Withdrawn(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) { c.Resources = []string{"https://one.example"} })
	c, b := s.Web(), s.Browser().SignIn("alice")
	requests := [][]string{nil, {"scope", ""}, {"resource", "https://one.example"}}
	for _, pairs := range requests {
		b.Authorize(c, append(pairs, "prompt", "consent")...).Allow().Code()
	}
	if err := s.Withdraw(t.Context(), testkit.Ref("alice"), c.ID); err != nil {
		t.Fatal(err)
	}
	for _, pairs := range requests {
		b.Authorize(c, pairs...).Ticket()
		b.Authorize(c, append(pairs, "prompt", "none")...).WantRedirectError("consent_required")
	}
}

// "The authorization server SHOULD NOT process authorization requests
// automatically without user consent" for a client whose identity cannot be
// assured (RFC 8252 §8.6): a public one whose redirect URI is not https.
func TestAuthorize_AZ_30_NeverRepeat_B11_NativeAppsAlwaysAsk(t *testing.T) {
	register := func(s *testkit.Server, method oauth.AuthMethod, uri string) *testkit.Client {
		return s.Register(passport.Registration{AuthMethod: method, RedirectURIs: []string{uri}})
	}
	skip := func(c *passport.Config) {
		c.SkipConsent = func(context.Context, *oauth.Client, *passport.User) bool { return true }
	}
	base := testkit.NewServer(t)
	for _, tt := range []struct {
		method oauth.AuthMethod
		uri    string
		noPage bool
	}{
		{oauth.AuthNone, "http://127.0.0.1/cb", false}, {oauth.AuthNone, "http://[::1]:8000/cb", false}, {oauth.AuthNone, "http://localhost/cb", false},
		{oauth.AuthNone, "com.example.app:/cb", false}, {oauth.AuthNone, "https://app.example.com/cb", true},
		{oauth.AuthSecret, "https://app.example.com/cb", true}, {oauth.AuthSecret, "http://127.0.0.1/cb", true},
	} {
		b := base.Browser().SignIn("alice")
		c := register(base, tt.method, tt.uri)
		b.Authorize(c).Allow().Code()
		again := b.Authorize(c, "state", "again")
		if again.IsConsent() == tt.noPage {
			t.Errorf("%q at %s, with remembered consent: IsConsent() = %v, want %v", tt.method, tt.uri, again.IsConsent(), !tt.noPage)
		}
		if !tt.noPage {
			b.Authorize(c, "prompt", "none").WantRedirectError("consent_required")
			again.Allow().Code()
		}

		skips := base.Restart(skip)
		if page := skips.Browser().SignIn("bob").Authorize(c); page.IsConsent() == tt.noPage {
			t.Errorf("%q at %s, with SkipConsent: IsConsent() = %v, want %v", tt.method, tt.uri, page.IsConsent(), !tt.noPage)
		}
		insecure := base.Restart(skip, func(c *passport.Config) { c.InsecureSkipNativeConsent = true })
		insecure.Browser().SignIn("bob").Authorize(c).Code()
		insecure.Browser().SignIn("bob").Authorize(c, "prompt", "none").Code()
		// InsecureSkipNativeConsent without SkipConsent does not skip the page, even with
		// remembered consent.
		alone := base.Restart(func(c *passport.Config) { c.InsecureSkipNativeConsent = true })
		if page := alone.Browser().SignIn("alice").Authorize(c); page.IsConsent() == tt.noPage {
			t.Errorf("%q at %s, with InsecureSkipNativeConsent only: IsConsent() = %v, want %v", tt.method, tt.uri, page.IsConsent(), !tt.noPage)
		}
	}
	// For a client with both kinds of URI, the URI of the request decides.
	both := base.Register(passport.Registration{AuthMethod: oauth.AuthNone, RedirectURIs: []string{"https://app.example.com/cb", "http://127.0.0.1/cb"}})
	b := base.Browser().SignIn("alice")
	b.Authorize(both).Allow()
	b.Authorize(both).Code()
	b.Authorize(both, "redirect_uri", "http://127.0.0.1/cb").Ticket()
}

// SkipConsent gets the client and the user of the request. With prompt=consent the
// client asks for the page, so SkipConsent does not apply.
func TestAuthorize_SkipConsent(t *testing.T) {
	var mine string
	s := testkit.NewServer(t, func(c *passport.Config) {
		c.SkipConsent = func(_ context.Context, c *oauth.Client, u *passport.User) bool {
			return c.ID == mine && u.Data.(*testkit.Record).ID == "alice"
		}
	})
	c, other := s.Web(), s.Web()
	mine = c.ID
	b := s.Browser()
	b.Authorize(c, "prompt", "none").WantRedirectError("login_required")
	b.SignIn("alice")
	got := s.Redeem(c, b.Authorize(c, "scope", "read admin").Code())
	if got.Scope != "read admin" {
		t.Errorf("scope = %q, want read admin", got.Scope)
	}
	b.Authorize(c, "prompt", "none").Code()
	b.Authorize(c, "prompt", "consent").Ticket()
	b.Authorize(other).Ticket()
	s.Browser().SignIn("bob").Authorize(c).Ticket()
	// A skipped page is not stored as consent.
	s.Restart(func(c *passport.Config) { c.SkipConsent = nil }).Browser().SignIn("alice").Authorize(c).Ticket()
	if given := testkit.EventsOf[passport.ConsentGiven](s); len(given) != 0 {
		t.Errorf("ConsentGiven events = %+v", given)
	}
}

// If another account signs in during the request, the first account's consent does not
// count for it.
func TestAuthorize_NeverRepeat_B14_AnotherAccountIsAsked(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	b.Authorize(c).Allow()
	a := b.Authorize(c, "prompt", "login")
	time.Sleep(time.Millisecond)
	page := a.SignIn("bob")
	if !page.IsConsent() || !strings.Contains(page.Body, "Name of bob") {
		t.Fatalf("after bob signed in instead of alice: %s, want the consent page for bob", page)
	}
	if claims := testkit.ClaimsOf(t, s.Redeem(c, page.Allow().Code()).Access); claims["sub"] != "users:bob" {
		t.Errorf("sub = %v", claims["sub"])
	}
}

// The server asks the provider of the client. User 1 of one provider is not user 1 of
// another.
func TestAuthorize_AZ_29_Providers(t *testing.T) {
	customers := testkit.NewAccounts("alice")
	s := testkit.NewServer(t, func(c *passport.Config) { c.Providers = map[string]passport.UserProvider{"customers": customers} })
	staff := s.Web()
	shop := s.Register(passport.Registration{Provider: "customers"})
	b := s.Browser().SignIn("alice")
	b.Authorize(staff).Allow().Code()
	if target := b.Authorize(shop).Target(); !strings.HasPrefix(target, "/login?") {
		t.Fatalf("a browser without a customer is sent to %s, want the sign-in page", target)
	}
	customers.With(func() { customers.Sessions[b.Session()] = customers.ByID["alice"] })
	page := b.Authorize(shop)
	if claims := testkit.ClaimsOf(t, s.Redeem(shop, page.Allow().Code()).Access); claims["sub"] != "customers:alice" {
		t.Errorf("sub = %v", claims["sub"])
	}
	b.Authorize(staff).Code()
	// A ticket for one provider's alice is not valid for the other's alice, even if the
	// client has moved to the other provider.
	moved := b.Authorize(staff, "prompt", "consent")
	stored, err := s.Store.Client(t.Context(), staff.ID)
	if err != nil {
		t.Fatal(err)
	}
	stored.Provider = "customers"
	if err := s.Store.UpdateClient(t.Context(), stored, nil); err != nil {
		t.Fatal(err)
	}
	moved.Allow().WantPageAnew(moved)
	ticket := b.Authorize(shop, "prompt", "consent")
	customers.With(func() { clear(customers.Sessions) })
	if a := ticket.Allow(); !strings.HasPrefix(a.Target(), "/login?") {
		t.Errorf("a decision without a signed-in customer = %s, want the sign-in page", a)
	}
}
