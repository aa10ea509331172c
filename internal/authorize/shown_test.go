package authorize_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// moves returns a change of a client's only redirect URI.
func moves(uri string) func(*oauth.Client) {
	return func(c *oauth.Client) { c.RedirectURIs = []string{uri} }
}

// unnamed makes a request omit its redirect URI.
var unnamed = []string{"redirect_uri", ""}

// Remembered consent does not count for another redirect URI. It doesn't matter who
// changed the URI and whether the request contains it.
func TestAuthorize_FR_01_OwnerChangesRedirect(t *testing.T) {
	const bank, evil = "https://bank.example/cb", "https://evil.example/cb"
	for name, pairs := range map[string][]string{"left out": unnamed, "named": {"redirect_uri", evil}} {
		t.Run(name, func(t *testing.T) {
			s := testkit.NewServer(t)
			c := s.Owned(bank)
			alice, bob := s.Browser().SignIn("alice"), s.Browser().SignIn("bob")
			alice.Authorize(c).Allow().Code()
			alice.Authorize(c).Code()
			bob.Ask("PUT", "/oauth/clients/"+c.ID, map[string]any{"name": "Example App", "redirect": evil}).WantStatus(200)

			page := alice.Authorize(c, pairs...)
			page.Ticket()
			if !strings.Contains(page.Body, "evil.example") {
				t.Errorf("the page does not name the new host: %s", page)
			}
			if strings.Contains(page.Body, "Already allowed") {
				t.Errorf("the page shows scopes as already allowed: %s", page)
			}
			alice.Authorize(c, append(pairs, "prompt", "none")...).WantPage(400, "the user must be asked for consent")
			s.Browser().SignIn("alice").AuthorizeJSON(c, pairs...).Ticket()
			page.Deny()
			alice.Authorize(c, pairs...).Ticket() // declining does not give consent
			page = alice.Authorize(c, pairs...)
			if target := page.Allow().Target(); !strings.HasPrefix(target, evil+"?code=") {
				t.Errorf("after Allow() on the new page the browser goes to %q", target)
			}
			alice.Authorize(c, pairs...).Code() // the new consent is remembered
		})
	}
}

// The page is shown again after each change to data that it shows about a client, and
// after no other change.
func TestAuthorize_FR_01_ChangesOfTheClient(t *testing.T) {
	uri := "https://app.example.com/cb"
	for name, tt := range map[string]struct {
		asks   bool
		change []func(*oauth.Client)
	}{
		"name":               {true, []func(*oauth.Client){func(c *oauth.Client) { c.Name = "Your Bank" }}},
		"name's case":        {true, []func(*oauth.Client){func(c *oauth.Client) { c.Name = "EXAMPLE APP" }}},
		"name beyond 80":     {true, []func(*oauth.Client){func(c *oauth.Client) { c.Name += strings.Repeat("x", 200) }}},
		"owner":              {true, []func(*oauth.Client){func(c *oauth.Client) { c.Owner = testkit.Ref("bob") }}},
		"another owner":      {true, []func(*oauth.Client){func(c *oauth.Client) { c.Owner = testkit.Ref("carol") }, func(c *oauth.Client) { c.Owner = testkit.Ref("bob") }}},
		"attributes":         {true, []func(*oauth.Client){func(c *oauth.Client) { c.Attributes = map[string]string{"logo": "x.png"} }}},
		"a URI more":         {true, []func(*oauth.Client){func(c *oauth.Client) { c.RedirectURIs = []string{uri, "https://evil.example/cb"} }}},
		"a URI less":         {true, []func(*oauth.Client){func(c *oauth.Client) { c.RedirectURIs = []string{uri, uri + "2"} }, moves(uri)}},
		"away and back":      {true, []func(*oauth.Client){moves("https://evil.example/cb"), moves(uri)}},
		"owner and back":     {true, []func(*oauth.Client){func(c *oauth.Client) { c.Owner = testkit.Ref("bob") }, func(c *oauth.Client) { c.Owner = oauth.UserRef{} }}},
		"name, then another": {true, []func(*oauth.Client){func(c *oauth.Client) { c.Name = "Other" }, func(c *oauth.Client) { c.FamilyTTL = time.Hour }}},
		"nothing":            {false, []func(*oauth.Client){func(*oauth.Client) {}}},
		"scopes":             {false, []func(*oauth.Client){func(c *oauth.Client) { c.Scopes = []string{"read"} }}},
		"lifetimes": {false, []func(*oauth.Client){func(c *oauth.Client) {
			c.AccessTokenTTL, c.RefreshTokenTTL, c.FamilyTTL = time.Minute, time.Hour, 24*time.Hour
		}}},
		"session": {false, []func(*oauth.Client){func(c *oauth.Client) { c.EndsWithSession = true }}},
		"grants":  {false, []func(*oauth.Client){func(c *oauth.Client) { c.GrantTypes = append(c.GrantTypes, "client_credentials") }}},
	} {
		t.Run(name, func(t *testing.T) {
			s := testkit.NewServer(t)
			c, b := s.Web(), s.Browser().SignIn("alice")
			b.Authorize(c).Allow().Code()
			for _, change := range tt.change {
				s.Update(c, change)
			}
			if a := b.Authorize(c); a.IsConsent() != tt.asks {
				t.Fatalf("IsConsent() = %v, want %v: %s", a.IsConsent(), tt.asks, a)
			}
			if tt.asks {
				b.Authorize(c).Allow().Code()
			}
			b.Authorize(c).Code()
		})
	}
	t.Run("secret, suspended, resumed", func(t *testing.T) {
		s := testkit.NewServer(t)
		c, b := s.Web(), s.Browser().SignIn("alice")
		b.Authorize(c).Allow().Code()
		_, err := s.RotateSecret(t.Context(), c.ID, time.Hour)
		s.Works(err)
		s.Works(s.SuspendClient(t.Context(), c.ID))
		s.Works(s.ResumeClient(t.Context(), c.ID))
		b.Authorize(c).Code()
	})
}

// The same with prompt=none, with a token instead of a code, and with SkipConsent.
func TestAuthorize_FR_01_OtherRequests(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithImplicit)
	b := s.Browser().SignIn("alice")
	c, board := s.Web(), s.Board(passport.Registration{})
	b.Authorize(c).Allow().Code()
	b.AuthorizeToken(board).Allow().Token()
	b.AuthorizeToken(board, "prompt", "none").Token()
	for _, c := range []*testkit.Client{c, board} {
		s.Update(c, moves("https://new.example/cb"))
		c.RedirectURIs = []string{"https://new.example/cb"}
	}
	b.Authorize(c, "prompt", "none").WantRedirectError("consent_required")
	b.AuthorizeToken(board, "prompt", "none").WantFragmentError("consent_required")
	b.AuthorizeToken(board).Ticket()
	if target := b.AuthorizeToken(board, unnamed...).Allow().Target(); !strings.HasPrefix(target, "https://new.example/cb#access_token=") {
		t.Errorf("an allowed request for a token redirects to %q", target)
	}
	b.AuthorizeToken(board).Token()
	skips := s.Restart(func(c *passport.Config) {
		c.SkipConsent = func(context.Context, *oauth.Client, *passport.User) bool { return true }
	})
	b.At(skips).Authorize(c).Code() // the operator trusts the client, so the user needs no page
}

// If data on the page changes before the decision, the page is shown again, for allow
// and deny. So the browser never goes to a URI that the user has not seen.
func TestAuthorize_FR_02_PageChangesBeforeTheDecision(t *testing.T) {
	const evil = "https://evil.example/cb"
	registration := func(change func(*oauth.Client)) func(*testkit.Server, *testkit.Client) *testkit.Server {
		return func(s *testkit.Server, c *testkit.Client) *testkit.Server { s.Update(c, change); return s }
	}
	config := func(change func(*passport.Config)) func(*testkit.Server, *testkit.Client) *testkit.Server {
		return func(s *testkit.Server, _ *testkit.Client) *testkit.Server { return s.Restart(change) }
	}
	for name, change := range map[string]func(*testkit.Server, *testkit.Client) *testkit.Server{
		"redirect URI":        registration(moves(evil)),
		"redirect URI's path": registration(moves("https://app.example.com/other")),
		"redirect URI and back": func(s *testkit.Server, c *testkit.Client) *testkit.Server {
			s.Update(c, moves(evil))
			s.Update(c, moves(c.RedirectURIs[0]))
			return s
		},
		"name":                registration(func(c *oauth.Client) { c.Name = "Your Bank" }),
		"owner":               registration(func(c *oauth.Client) { c.Owner = testkit.Ref("bob") }),
		"attributes":          registration(func(c *oauth.Client) { c.Attributes = map[string]string{"logo": "x.png"} }),
		"days":                registration(func(c *oauth.Client) { c.FamilyTTL = 700 * 24 * time.Hour }),
		"days of the server":  config(func(c *passport.Config) { c.FamilyTTL = 700 * 24 * time.Hour }),
		"scope's description": config(func(c *passport.Config) { c.Scopes = []passport.Scope{{ID: "read", Description: "Empty your account"}} }),
		"user's name": func(s *testkit.Server, _ *testkit.Client) *testkit.Server {
			s.Users.With(func() {
				s.Users.Current = func(u *passport.User) (*passport.User, error) { u.Name = "Another Name"; return u, nil }
			})
			return s
		},
	} {
		for _, decision := range []string{"allow", "deny"} {
			t.Run(name+", "+decision, func(t *testing.T) {
				s := testkit.NewServer(t, audited)
				c, b := s.Web(), s.Browser().SignIn("alice")
				page, script := b.Authorize(c, unnamed...), b.AuthorizeJSON(c, unnamed...)
				b = b.At(change(s, c))
				form := url.Values{"ticket": {page.Ticket()}, "decision": {decision}}
				again := b.Post("/oauth/authorize", form).WantPageAnew(page)
				conflict := b.AsksJSON("POST", "/oauth/authorize", map[string]any{"ticket": script.Ticket(), "decision": decision}).WantStatus(http.StatusConflict)
				if conflict.JSON()["redirect_to"] != nil || !strings.Contains(testkit.AsText(conflict.JSON()["message"]), "the page has changed since") {
					t.Errorf("the response to a script is %s, want a message and no redirect", conflict)
				}
				if n := s.Issued(); n != 0 {
					t.Fatalf("%d codes were issued for data that the user did not see", n)
				}
				if n := len(testkit.EventsOf[passport.ConsentGiven](s)); n != 0 {
					t.Errorf("%d consents were given, want none", n)
				}
				again.Allow().Code()
			})
		}
	}
}

// A page that shows a scope as allowed is shown again if the consent was withdrawn. A
// page for scopes that were allowed in another tab in the meantime stays valid.
func TestAuthorize_FR_02_AllowedScopesOnThePage(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	one, two := b.Authorize(c), b.Authorize(c)
	one.Allow().Code()
	two.Allow().Code()
	page := b.Authorize(c, "scope", "read write")
	time.Sleep(time.Millisecond)
	s.Works(s.Withdraw(t.Context(), testkit.Ref("alice"), c.ID))
	time.Sleep(time.Millisecond)
	again := page.Allow().WantPageAnew(page)
	if strings.Contains(again.Body, "Already allowed") {
		t.Errorf("the page shows scopes as already allowed: %s", again)
	}
	again.Allow().Code()
}

// A second click gets the first response only if the redirect URI is still the one that
// the page showed.
func TestAuthorize_FR_02_SecondClickAfterAChange(t *testing.T) {
	s := testkit.NewServer(t, audited)
	c, b := s.Web(), s.Browser().SignIn("alice")
	page := b.Authorize(c, unnamed...)
	code := page.Allow().Code()
	if page.Allow().Code() != code {
		t.Error("a second click gets a different code")
	}
	s.Update(c, moves("https://evil.example/cb"))
	page.Allow().WantPageAnew(page)
	page.Deny().WantPageAnew(page)
	if n := s.Issued(); n != 1 {
		t.Errorf("%d codes were issued, want 1", n)
	}
}

// A change between the checks and the write of a decision or request affects neither
// the redirect nor the stored consent.
func TestAuthorize_FR_01_FR_02_ChangeBeforeTheWrite(t *testing.T) {
	const uri, evil = "https://app.example.com/cb", "https://evil.example/cb"
	for name, tt := range map[string]struct {
		verb   string
		token  bool
		noPage bool
	}{
		"allow": {verb: "Begin"}, "allow a token": {verb: "Issue", token: true}, "allow, consents": {verb: "Consented"},
		"no page": {verb: "Begin", noPage: true}, "no page, a token": {verb: "Issue", token: true, noPage: true},
		"no page, consents": {verb: "Consented", noPage: true},
	} {
		t.Run(name, func(t *testing.T) {
			store := new(testkit.WatchedStore)
			s := testkit.NewServer(t, testkit.WithImplicit, func(c *passport.Config) { store.Store = c.Store; c.Store = store })
			c, b := s.Web(), s.Browser().SignIn("alice")
			authorize := b.Authorize
			if tt.token {
				c, authorize = s.Board(passport.Registration{}), b.AuthorizeToken
			}
			act := func() *testkit.Response { return authorize(c, unnamed...) }
			if shown := authorize(c, unnamed...); tt.noPage {
				shown.Allow()
			} else {
				act = shown.Allow
			}
			var once sync.Once
			store.Pause = func(verb string) {
				if verb == tt.verb {
					once.Do(func() { s.Update(c, moves(evil)) })
				}
			}
			if target := act().Target(); !strings.HasPrefix(target, uri+"?code=") && !strings.HasPrefix(target, uri+"#access_token=") {
				t.Errorf("the browser goes to %q, want %s, which the page showed", target, uri)
			}
			authorize(c, unnamed...).Ticket()
		})
	}
}

// With concurrent changes and decisions, a code goes only to a URI that a page showed to
// the user after the URI was last registered.
func TestAuthorize_FR_01_FR_02_Race(t *testing.T) {
	rounds := 10
	if testing.Short() {
		rounds = 2
	}
	for round := range rounds {
		s := testkit.NewServer(t)
		c := s.Web()
		pages := make([]*testkit.Response, rivals/2)
		for i := range pages {
			pages[i] = s.Browser().SignIn("alice").Authorize(c, unnamed...)
			pages[i].Ticket()
		}
		var wg sync.WaitGroup
		for i, page := range pages {
			wg.Go(func() {
				s.Update(c, moves(fmt.Sprintf("https://%d-%d.example/cb", round, i)))
			})
			wg.Go(func() {
				a := page.Allow()
				switch {
				case a.IsConsent():
				case !strings.HasPrefix(a.Target(), "https://app.example.com/cb?code="):
					t.Errorf("a page that showed app.example.com redirects to %s", a)
				}
				if a := page.From.Authorize(c, unnamed...); !a.IsConsent() && !strings.HasPrefix(a.Target(), "https://app.example.com/cb?code=") {
					t.Errorf("without a page the browser goes to %s, want app.example.com", a)
				}
			})
		}
		wg.Wait()
		s.Browser().SignIn("alice").Authorize(c, unnamed...).Ticket()
	}
}

// The digest of a page is the same later, in a new session and at another node.
func TestAuthorize_FR_02_DigestIsStable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, func(c *passport.Config) { c.Resources = []string{"https://api.example.com"} })
		for _, c := range []*testkit.Client{
			s.Web(), s.Spa(), s.Native(), s.Owned("https://app.example.com/cb"),
			s.Register(passport.Registration{Attributes: map[string]string{"a": "1", "b": "2", "c": "\xff", "d": ""}}),
		} {
			b := s.Browser().SignIn("alice")
			page := b.Authorize(c, "scope", "write read", "resource", "https://api.example.com")
			time.Sleep(9 * time.Minute)
			b.SignIn("alice") // in a new session
			b.At(s.Restart()).Post("/oauth/authorize", url.Values{"ticket": {page.Ticket()}, "decision": {"allow"}}).Code()
		}
	})
}
