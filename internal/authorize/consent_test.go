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
		"the same":                 {b, c, []string{"scope", "read write"}, false},
		"in another order":         {b, c, []string{"scope", "write read"}, false},
		"fewer":                    {b, c, []string{"scope", "write"}, false},
		"none":                     {b, c, []string{"scope", ""}, false},
		"in a new session":         {s.Browser().SignIn("alice"), c, nil, false},
		"prompt=consent":           {b, c, []string{"prompt", "consent"}, true},
		"one more":                 {b, c, []string{"scope", "read admin"}, true},
		"another":                  {b, c, []string{"scope", "admin"}, true},
		"another client":           {b, other, nil, true},
		"another user":             {s.Browser().SignIn("bob"), c, nil, true},
		"another user, no scopes":  {s.Browser().SignIn("bob"), c, []string{"scope", ""}, true},
		"another client, no scope": {b, other, []string{"scope", ""}, true},
	} {
		t.Run(name, func(t *testing.T) {
			a := tt.b.Authorize(tt.c, tt.pairs...)
			if a.IsConsent() != tt.asks {
				t.Fatalf("the user is asked: %v, want %v: %s", a.IsConsent(), tt.asks, a)
			}
			if !tt.asks && (a.Status != 303 || a.Code() == "") {
				t.Errorf("a GET that needs no page answers %s", a)
			}
		})
	}
	// What was granted is added to, never replaced, and only the new is new.
	page := b.Authorize(c, "scope", "read admin")
	if fresh, known, _ := strings.Cut(page.Body, "<details"); !strings.Contains(fresh, "Administer the shop") ||
		strings.Contains(fresh, "Read your orders") || !strings.Contains(known, "Read your orders") {
		t.Errorf("the page does not tell new scopes from known ones: %s", page)
	}
	page.Allow().Code()
	b.Authorize(c, "scope", "read write admin").Code()
	events := testkit.EventsOf[passport.ConsentGiven](s)
	if len(events) != 2 || !slices.Equal(events[1].Scopes, []string{"admin"}) || events[1].User != testkit.Ref("alice") || events[1].ClientID != c.ID {
		t.Errorf("the events of consent are %+v", events)
	}
}

// A denied request is remembered as nothing, and so is a page that nobody
// answered.
func TestAuthorize_AZ_29_OnlyAllowIsRemembered(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	b.Authorize(c).Ticket()
	b.Authorize(c).Deny().WantRedirectError("access_denied")
	b.Authorize(c).Ticket()
}

// Who was asked for nothing is asked all the same: the client learns who it is.
func TestAuthorize_AZ_29_NoScopes(t *testing.T) {
	s := testkit.NewServer(t)
	for name, c := range map[string]*testkit.Client{"web": s.Web(), "spa": s.Spa()} {
		b := s.Browser().SignIn("alice")
		b.Authorize(c, "scope", "", "prompt", "none").WantRedirectError("consent_required")
		page := b.Authorize(c, "scope", "")
		page.Ticket()
		if !strings.Contains(page.Body, "asks for nothing else") {
			t.Errorf("%s: the page does not say that nothing is asked for: %s", name, page)
		}
		done := page.Allow()
		if got := s.Redeem(c, done.Code()); got.Scope != "" {
			t.Errorf("%s: tokens with the scope %q", name, got.Scope)
		}
		b.Authorize(c, "scope", "").Code()
		b.Authorize(c, "scope", "", "prompt", "none").Code()
		b.Authorize(c, "scope", "read").Ticket()
	}
	if given := testkit.EventsOf[passport.ConsentGiven](s); len(given) != 2 || len(given[0].Scopes) != 0 {
		t.Errorf("the events of consent are %+v", given)
	}
}

// Consent is to a scope at an audience (RFC 8707 §2): what an app may do at one
// API says nothing of another, this server's own included.
func TestAuthorize_AZ_29_Resources(t *testing.T) {
	const one, two, audience = "https://one.example", "https://two.example/api", "https://own.example"
	s := testkit.NewServer(t, func(c *passport.Config) { c.Resources, c.Audience = []string{one, two}, audience })
	at := func(uris ...string) string { return strings.Join(uris, "&resource=") }
	type step struct {
		scope, at string
		asks      bool
	}
	for name, steps := range map[string][]step{
		"the same":                        {{"read", one, true}, {"read", one, false}},
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
					t.Fatalf("step %d: the user is asked: %v, want %v: %s", i+1, a.IsConsent(), step.asks, a)
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
					t.Errorf("step %d: the token is for %v, want %s", i+1, aud, want)
				}
			}
		})
	}
}

// Consent that was withdrawn is asked for anew, also where it was given at a
// resource.
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
	plain := testkit.NewServer(t)
	for _, tt := range []struct {
		method oauth.AuthMethod
		uri    string
		silent bool
	}{
		{oauth.AuthNone, "http://127.0.0.1/cb", false}, {oauth.AuthNone, "http://[::1]:8000/cb", false}, {oauth.AuthNone, "http://localhost/cb", false},
		{oauth.AuthNone, "com.example.app:/cb", false}, {oauth.AuthNone, "https://app.example.com/cb", true},
		{oauth.AuthSecret, "https://app.example.com/cb", true}, {oauth.AuthSecret, "http://127.0.0.1/cb", true},
	} {
		b := plain.Browser().SignIn("alice")
		c := register(plain, tt.method, tt.uri)
		b.Authorize(c).Allow().Code()
		again := b.Authorize(c)
		if again.IsConsent() == tt.silent {
			t.Errorf("%q at %s, with remembered consent: asked %v, want %v", tt.method, tt.uri, again.IsConsent(), !tt.silent)
		}
		if !tt.silent {
			b.Authorize(c, "prompt", "none").WantRedirectError("consent_required")
			again.Allow().Code()
		}

		skips := plain.Restart(skip)
		if page := skips.Browser().SignIn("bob").Authorize(c); page.IsConsent() == tt.silent {
			t.Errorf("%q at %s, under SkipConsent: asked %v, want %v", tt.method, tt.uri, page.IsConsent(), !tt.silent)
		}
		insecure := plain.Restart(skip, func(c *passport.Config) { c.InsecureSkipNativeConsent = true })
		insecure.Browser().SignIn("bob").Authorize(c).Code()
		insecure.Browser().SignIn("bob").Authorize(c, "prompt", "none").Code()
		// Alone it extends nothing: remembered consent is none of it.
		alone := plain.Restart(func(c *passport.Config) { c.InsecureSkipNativeConsent = true })
		if page := alone.Browser().SignIn("alice").Authorize(c); page.IsConsent() == tt.silent {
			t.Errorf("%q at %s, under InsecureSkipNativeConsent alone: asked %v", tt.method, tt.uri, page.IsConsent())
		}
	}
	// A client with both kinds of URI is judged by the one that it uses.
	both := plain.Register(passport.Registration{AuthMethod: oauth.AuthNone, RedirectURIs: []string{"https://app.example.com/cb", "http://127.0.0.1/cb"}})
	b := plain.Browser().SignIn("alice")
	b.Authorize(both).Allow()
	b.Authorize(both).Code()
	b.Authorize(both, "redirect_uri", "http://127.0.0.1/cb").Ticket()
}

// SkipConsent is asked for this client and this user, and prompt=consent is the
// client's own wish for the page.
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
		t.Errorf("tokens with the scope %q", got.Scope)
	}
	b.Authorize(c, "prompt", "none").Code()
	b.Authorize(c, "prompt", "consent").Ticket()
	b.Authorize(other).Ticket()
	s.Browser().SignIn("bob").Authorize(c).Ticket()
	// What was skipped was not agreed to.
	s.Restart(func(c *passport.Config) { c.SkipConsent = nil }).Browser().SignIn("alice").Authorize(c).Ticket()
	if given := testkit.EventsOf[passport.ConsentGiven](s); len(given) != 0 {
		t.Errorf("the events of consent are %+v", given)
	}
}

// Consent does not pass from one account to another that signs in halfway.
func TestAuthorize_NeverRepeat_B14_AnotherAccountIsAskedAnew(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	b.Authorize(c).Allow()
	a := b.Authorize(c, "prompt", "login")
	time.Sleep(time.Millisecond)
	page := a.SignIn("bob")
	if !page.IsConsent() || !strings.Contains(page.Body, "Name of bob") {
		t.Fatalf("bob, who signed in in place of alice, gets %s", page)
	}
	if claims := testkit.ClaimsOf(t, s.Redeem(c, page.Allow().Code()).Access); claims["sub"] != "users:bob" {
		t.Errorf("the token's subject is %v", claims["sub"])
	}
}

// Of several providers the client's own is asked, and user 1 of one is not user
// 1 of the other.
func TestAuthorize_AZ_29_Providers(t *testing.T) {
	customers := testkit.NewAccounts("alice")
	s := testkit.NewServer(t, func(c *passport.Config) { c.Providers = map[string]passport.UserProvider{"customers": customers} })
	staff := s.Web()
	shop := s.Register(passport.Registration{Provider: "customers"})
	b := s.Browser().SignIn("alice")
	b.Authorize(staff).Allow().Code()
	if target := b.Authorize(shop).Target(); !strings.HasPrefix(target, "/login?") {
		t.Fatalf("one who is no customer gets to %s", target)
	}
	customers.With(func() { customers.Sessions[b.Session()] = customers.ByID["alice"] })
	page := b.Authorize(shop)
	if claims := testkit.ClaimsOf(t, s.Redeem(shop, page.Allow().Code()).Access); claims["sub"] != "customers:alice" {
		t.Errorf("the token's subject is %v", claims["sub"])
	}
	b.Authorize(staff).Code()
	// A ticket of one provider's alice is none of the other's, also when the
	// client has changed sides.
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
		t.Errorf("without a customer the ticket leads to %s", a)
	}
}
