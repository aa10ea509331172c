package passport_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// Remembered consent covers the same client, the same user and no more scopes
// than were granted (OAuth 2.1 §7.12.2, RFC 6749 §10.2).
func TestAuthorize_AZ_29_RememberedConsent(t *testing.T) {
	s := newServer(t)
	c, other := s.web(), s.web()
	b := s.browser().signIn("alice")
	b.authorize(c, "scope", "read write").allow().code()
	for name, tt := range map[string]struct {
		b     *browser
		c     *client
		pairs []string
		asks  bool
	}{
		"the same":                 {b, c, []string{"scope", "read write"}, false},
		"in another order":         {b, c, []string{"scope", "write read"}, false},
		"fewer":                    {b, c, []string{"scope", "write"}, false},
		"none":                     {b, c, []string{"scope", ""}, false},
		"in a new session":         {s.browser().signIn("alice"), c, nil, false},
		"prompt=consent":           {b, c, []string{"prompt", "consent"}, true},
		"one more":                 {b, c, []string{"scope", "read admin"}, true},
		"another":                  {b, c, []string{"scope", "admin"}, true},
		"another client":           {b, other, nil, true},
		"another user":             {s.browser().signIn("bob"), c, nil, true},
		"another user, no scopes":  {s.browser().signIn("bob"), c, []string{"scope", ""}, true},
		"another client, no scope": {b, other, []string{"scope", ""}, true},
	} {
		t.Run(name, func(t *testing.T) {
			a := tt.b.authorize(tt.c, tt.pairs...)
			if a.isConsent() != tt.asks {
				t.Fatalf("the user is asked: %v, want %v: %s", a.isConsent(), tt.asks, a)
			}
			if !tt.asks && (a.status != 303 || a.code() == "") {
				t.Errorf("a GET that needs no page answers %s", a)
			}
		})
	}
	// What was granted is added to, never replaced, and only the new is new.
	page := b.authorize(c, "scope", "read admin")
	if fresh, known, _ := strings.Cut(page.body, "<details"); !strings.Contains(fresh, "Administer the shop") ||
		strings.Contains(fresh, "Read your orders") || !strings.Contains(known, "Read your orders") {
		t.Errorf("the page does not tell new scopes from known ones: %s", page)
	}
	page.allow().code()
	b.authorize(c, "scope", "read write admin").code()
	events := eventsOf[passport.ConsentGiven](s)
	if len(events) != 2 || !slices.Equal(events[1].Scopes, []string{"admin"}) || events[1].User != ref("alice") || events[1].ClientID != c.ID {
		t.Errorf("the events of consent are %+v", events)
	}
}

// A denied request is remembered as nothing, and so is a page that nobody
// answered.
func TestAuthorize_AZ_29_OnlyAllowIsRemembered(t *testing.T) {
	s := newServer(t)
	c, b := s.web(), s.browser().signIn("alice")
	b.authorize(c).ticket()
	b.authorize(c).deny().wantRedirectError("access_denied")
	b.authorize(c).ticket()
}

// Who was asked for nothing is asked all the same: the client learns who it is.
func TestAuthorize_AZ_29_NoScopes(t *testing.T) {
	s := newServer(t)
	for name, c := range map[string]*client{"web": s.web(), "spa": s.spa()} {
		b := s.browser().signIn("alice")
		b.authorize(c, "scope", "", "prompt", "none").wantRedirectError("consent_required")
		page := b.authorize(c, "scope", "")
		page.ticket()
		if !strings.Contains(page.body, "asks for nothing else") {
			t.Errorf("%s: the page does not say that nothing is asked for: %s", name, page)
		}
		done := page.allow()
		if got := s.redeem(c, done.code()); got.Scope != "" {
			t.Errorf("%s: tokens with the scope %q", name, got.Scope)
		}
		b.authorize(c, "scope", "").code()
		b.authorize(c, "scope", "", "prompt", "none").code()
		b.authorize(c, "scope", "read").ticket()
	}
	if given := eventsOf[passport.ConsentGiven](s); len(given) != 2 || len(given[0].Scopes) != 0 {
		t.Errorf("the events of consent are %+v", given)
	}
}

// Consent is to a scope at an audience (RFC 8707 §2): what an app may do at one
// API says nothing of another, this server's own included.
func TestAuthorize_AZ_29_Resources(t *testing.T) {
	const one, two, audience = "https://one.example", "https://two.example/api", "https://own.example"
	s := newServer(t, func(c *passport.Config) { c.Resources, c.Audience = []string{one, two}, audience })
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
			c, b := s.in(t).web(), s.in(t).browser().signIn("alice")
			for i, step := range steps {
				query := c.request("scope", step.scope).Encode()
				if step.at != "" {
					query += "&resource=" + step.at
				}
				a := b.get("/oauth/authorize?" + query)
				if a.isConsent() != step.asks {
					t.Fatalf("step %d: the user is asked: %v, want %v: %s", i+1, a.isConsent(), step.asks, a)
				}
				for uri := range strings.SplitSeq(step.at, "&resource=") {
					if step.asks && !strings.Contains(a.body, uri) {
						t.Errorf("step %d: the page does not name %s", i+1, uri)
					}
				}
				if step.asks {
					a = a.allow()
				}
				want := step.at
				if want == "" {
					want = audience
				}
				aud := claimsOf(t, s.in(t).redeem(c, a.code()).Access)["aud"]
				if got := strings.Trim(strings.ReplaceAll(asText(aud), " ", "&resource="), "[]"); got != want {
					t.Errorf("step %d: the token is for %v, want %s", i+1, aud, want)
				}
			}
		})
	}
}

// Consent that was withdrawn is asked for anew, also where it was given at a
// resource.
func TestAuthorize_AZ_29_Withdrawn(t *testing.T) {
	s := newServer(t, func(c *passport.Config) { c.Resources = []string{"https://one.example"} })
	c, b := s.web(), s.browser().signIn("alice")
	requests := [][]string{nil, {"scope", ""}, {"resource", "https://one.example"}}
	for _, pairs := range requests {
		b.authorize(c, append(pairs, "prompt", "consent")...).allow().code()
	}
	if err := s.Withdraw(t.Context(), ref("alice"), c.ID); err != nil {
		t.Fatal(err)
	}
	for _, pairs := range requests {
		b.authorize(c, pairs...).ticket()
		b.authorize(c, append(pairs, "prompt", "none")...).wantRedirectError("consent_required")
	}
}

// "The authorization server SHOULD NOT process authorization requests
// automatically without user consent" for a client whose identity cannot be
// assured (RFC 8252 §8.6): a public one whose redirect URI is not https.
func TestAuthorize_AZ_30_NeverRepeat_B11_NativeAppsAlwaysAsk(t *testing.T) {
	register := func(s *server, method oauth.AuthMethod, uri string) *client {
		return s.register(passport.Registration{AuthMethod: method, RedirectURIs: []string{uri}})
	}
	skip := func(c *passport.Config) {
		c.SkipConsent = func(context.Context, *oauth.Client, *passport.User) bool { return true }
	}
	plain := newServer(t)
	for _, tt := range []struct {
		method oauth.AuthMethod
		uri    string
		silent bool
	}{
		{oauth.AuthNone, "http://127.0.0.1/cb", false}, {oauth.AuthNone, "http://[::1]:8000/cb", false}, {oauth.AuthNone, "http://localhost/cb", false},
		{oauth.AuthNone, "com.example.app:/cb", false}, {oauth.AuthNone, "https://app.example.com/cb", true},
		{oauth.AuthSecret, "https://app.example.com/cb", true}, {oauth.AuthSecret, "http://127.0.0.1/cb", true},
	} {
		b := plain.browser().signIn("alice")
		c := register(plain, tt.method, tt.uri)
		b.authorize(c).allow().code()
		again := b.authorize(c)
		if again.isConsent() == tt.silent {
			t.Errorf("%q at %s, with remembered consent: asked %v, want %v", tt.method, tt.uri, again.isConsent(), !tt.silent)
		}
		if !tt.silent {
			b.authorize(c, "prompt", "none").wantRedirectError("consent_required")
			again.allow().code()
		}

		skips := plain.restart(skip)
		if page := skips.browser().signIn("bob").authorize(c); page.isConsent() == tt.silent {
			t.Errorf("%q at %s, under SkipConsent: asked %v, want %v", tt.method, tt.uri, page.isConsent(), !tt.silent)
		}
		insecure := plain.restart(skip, func(c *passport.Config) { c.InsecureSkipNativeConsent = true })
		insecure.browser().signIn("bob").authorize(c).code()
		insecure.browser().signIn("bob").authorize(c, "prompt", "none").code()
		// Alone it extends nothing: remembered consent is none of it.
		alone := plain.restart(func(c *passport.Config) { c.InsecureSkipNativeConsent = true })
		if page := alone.browser().signIn("alice").authorize(c); page.isConsent() == tt.silent {
			t.Errorf("%q at %s, under InsecureSkipNativeConsent alone: asked %v", tt.method, tt.uri, page.isConsent())
		}
	}
	// A client with both kinds of URI is judged by the one that it uses.
	both := plain.register(passport.Registration{AuthMethod: oauth.AuthNone, RedirectURIs: []string{"https://app.example.com/cb", "http://127.0.0.1/cb"}})
	b := plain.browser().signIn("alice")
	b.authorize(both).allow()
	b.authorize(both).code()
	b.authorize(both, "redirect_uri", "http://127.0.0.1/cb").ticket()
}

// SkipConsent is asked for this client and this user, and prompt=consent is the
// client's own wish for the page.
func TestAuthorize_SkipConsent(t *testing.T) {
	var mine string
	s := newServer(t, func(c *passport.Config) {
		c.SkipConsent = func(_ context.Context, c *oauth.Client, u *passport.User) bool {
			return c.ID == mine && u.Data.(*record).ID == "alice"
		}
	})
	c, other := s.web(), s.web()
	mine = c.ID
	b := s.browser()
	b.authorize(c, "prompt", "none").wantRedirectError("login_required")
	b.signIn("alice")
	got := s.redeem(c, b.authorize(c, "scope", "read admin").code())
	if got.Scope != "read admin" {
		t.Errorf("tokens with the scope %q", got.Scope)
	}
	b.authorize(c, "prompt", "none").code()
	b.authorize(c, "prompt", "consent").ticket()
	b.authorize(other).ticket()
	s.browser().signIn("bob").authorize(c).ticket()
	// What was skipped was not agreed to.
	s.restart(func(c *passport.Config) { c.SkipConsent = nil }).browser().signIn("alice").authorize(c).ticket()
	if given := eventsOf[passport.ConsentGiven](s); len(given) != 0 {
		t.Errorf("the events of consent are %+v", given)
	}
}

// Consent does not pass from one account to another that signs in halfway.
func TestAuthorize_NeverRepeat_B14_AnotherAccountIsAskedAnew(t *testing.T) {
	s := newServer(t)
	c, b := s.web(), s.browser().signIn("alice")
	b.authorize(c).allow()
	a := b.authorize(c, "prompt", "login")
	time.Sleep(time.Millisecond)
	page := a.signIn("bob")
	if !page.isConsent() || !strings.Contains(page.body, "Name of bob") {
		t.Fatalf("bob, who signed in in place of alice, gets %s", page)
	}
	if claims := claimsOf(t, s.redeem(c, page.allow().code()).Access); claims["sub"] != "users:bob" {
		t.Errorf("the token's subject is %v", claims["sub"])
	}
}

// Of several providers the client's own is asked, and user 1 of one is not user
// 1 of the other.
func TestAuthorize_AZ_29_Providers(t *testing.T) {
	customers := newAccounts("alice")
	s := newServer(t, func(c *passport.Config) { c.Providers = map[string]passport.UserProvider{"customers": customers} })
	staff := s.web()
	shop := s.register(passport.Registration{Provider: "customers"})
	b := s.browser().signIn("alice")
	b.authorize(staff).allow().code()
	if target := b.authorize(shop).target(); !strings.HasPrefix(target, "/login?") {
		t.Fatalf("one who is no customer gets to %s", target)
	}
	customers.with(func() { customers.sessions[b.session()] = customers.byID["alice"] })
	page := b.authorize(shop)
	if claims := claimsOf(t, s.redeem(shop, page.allow().code()).Access); claims["sub"] != "customers:alice" {
		t.Errorf("the token's subject is %v", claims["sub"])
	}
	b.authorize(staff).code()
	// A ticket of one provider's alice is none of the other's, also when the
	// client has changed sides.
	moved := b.authorize(staff, "prompt", "consent")
	stored, err := s.store.Client(t.Context(), staff.ID)
	if err != nil {
		t.Fatal(err)
	}
	stored.Provider = "customers"
	if err := s.store.UpdateClient(t.Context(), stored, nil); err != nil {
		t.Fatal(err)
	}
	moved.allow().wantPageAnew(moved)
	ticket := b.authorize(shop, "prompt", "consent")
	customers.with(func() { clear(customers.sessions) })
	if a := ticket.allow(); !strings.HasPrefix(a.target(), "/login?") {
		t.Errorf("without a customer the ticket leads to %s", a)
	}
}
