package passport_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// owned is a client that bob registered for himself, with one redirect URI.
func (s *server) owned(uri string) *client {
	s.t.Helper()
	return s.register(passport.Registration{Owner: ref("bob"), RedirectURIs: []string{uri}})
}

// works fails the test if something failed that has to work.
func (s *server) works(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// update changes a client as it is stored by now.
func (s *server) update(c *client, change func(*oauth.Client)) {
	s.t.Helper()
	for {
		stored, err := s.store.Client(s.t.Context(), c.ID)
		s.works(err)
		change(stored)
		if err := s.UpdateClient(s.t.Context(), stored); !errors.Is(err, oauth.ErrConflict) {
			s.works(err)
			return
		}
	}
}

// moves has a client's only redirect URI be another one.
func moves(uri string) func(*oauth.Client) {
	return func(c *oauth.Client) { c.RedirectURIs = []string{uri} }
}

// unnamed is a request that names no redirect URI.
var unnamed = []string{"redirect_uri", ""}

// A remembered consent is none to another redirect URI, whoever changes it and
// whether the request names it or not.
func TestAuthorize_FR_01_OwnerChangesRedirect(t *testing.T) {
	const bank, evil = "https://bank.example/cb", "https://evil.example/cb"
	for name, pairs := range map[string][]string{"left out": unnamed, "named": {"redirect_uri", evil}} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			c := s.owned(bank)
			alice, bob := s.browser().signIn("alice"), s.browser().signIn("bob")
			alice.authorize(c).allow().code()
			alice.authorize(c).code()
			bob.ask("PUT", "/oauth/clients/"+c.ID, map[string]any{"name": "Example App", "redirect": evil}).wantStatus(200)

			page := alice.authorize(c, pairs...)
			page.ticket()
			if !strings.Contains(page.body, "evil.example") {
				t.Errorf("the page does not say where the user is sent: %s", page)
			}
			if strings.Contains(page.body, "<details") {
				t.Errorf("the page shows scopes as allowed before: %s", page)
			}
			alice.authorize(c, append(pairs, "prompt", "none")...).wantPage(400, "the user has to be asked")
			s.browser().signIn("alice").authorizeJSON(c, pairs...).ticket()
			page.deny()
			alice.authorize(c, pairs...).ticket() // a denial is no consent
			page = alice.authorize(c, pairs...)
			if target := page.allow().target(); !strings.HasPrefix(target, evil+"?code=") {
				t.Errorf("after the user has allowed what is shown now the browser goes to %q", target)
			}
			alice.authorize(c, pairs...).code() // which is remembered
		})
	}
}

// Each change of what the page shows about a client has the user asked again, and no
// other change does.
func TestAuthorize_FR_01_WhatIsCounted(t *testing.T) {
	uri := "https://app.example.com/cb"
	for name, tt := range map[string]struct {
		asks   bool
		change []func(*oauth.Client)
	}{
		"name":               {true, []func(*oauth.Client){func(c *oauth.Client) { c.Name = "Your Bank" }}},
		"name's case":        {true, []func(*oauth.Client){func(c *oauth.Client) { c.Name = "EXAMPLE APP" }}},
		"name beyond 80":     {true, []func(*oauth.Client){func(c *oauth.Client) { c.Name += strings.Repeat("x", 200) }}},
		"owner":              {true, []func(*oauth.Client){func(c *oauth.Client) { c.Owner = ref("bob") }}},
		"another owner":      {true, []func(*oauth.Client){func(c *oauth.Client) { c.Owner = ref("carol") }, func(c *oauth.Client) { c.Owner = ref("bob") }}},
		"attributes":         {true, []func(*oauth.Client){func(c *oauth.Client) { c.Attributes = map[string]string{"logo": "x.png"} }}},
		"a URI more":         {true, []func(*oauth.Client){func(c *oauth.Client) { c.RedirectURIs = []string{uri, "https://evil.example/cb"} }}},
		"a URI less":         {true, []func(*oauth.Client){func(c *oauth.Client) { c.RedirectURIs = []string{uri, uri + "2"} }, moves(uri)}},
		"away and back":      {true, []func(*oauth.Client){moves("https://evil.example/cb"), moves(uri)}},
		"owner and back":     {true, []func(*oauth.Client){func(c *oauth.Client) { c.Owner = ref("bob") }, func(c *oauth.Client) { c.Owner = oauth.UserRef{} }}},
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
			s := newServer(t)
			c, b := s.web(), s.browser().signIn("alice")
			b.authorize(c).allow().code()
			for _, change := range tt.change {
				s.update(c, change)
			}
			if a := b.authorize(c); a.isConsent() != tt.asks {
				t.Fatalf("the user is asked: %v, want %v: %s", a.isConsent(), tt.asks, a)
			}
			if tt.asks {
				b.authorize(c).allow().code()
			}
			b.authorize(c).code()
		})
	}
	t.Run("secret, suspended, resumed", func(t *testing.T) {
		s := newServer(t)
		c, b := s.web(), s.browser().signIn("alice")
		b.authorize(c).allow().code()
		_, err := s.RotateSecret(t.Context(), c.ID, time.Hour)
		s.works(err)
		s.works(s.SuspendClient(t.Context(), c.ID))
		s.works(s.ResumeClient(t.Context(), c.ID))
		b.authorize(c).code()
	})
}

// prompt=none, a token in place of a code, and SkipConsent.
func TestAuthorize_FR_01_OtherWaysIn(t *testing.T) {
	s := newServer(t, implicit)
	b := s.browser().signIn("alice")
	c, board := s.web(), s.board(passport.Registration{})
	b.authorize(c).allow().code()
	b.authorizeToken(board).allow().token()
	b.authorizeToken(board, "prompt", "none").token()
	for _, c := range []*client{c, board} {
		s.update(c, moves("https://new.example/cb"))
		c.RedirectURIs = []string{"https://new.example/cb"}
	}
	b.authorize(c, "prompt", "none").wantRedirectError("consent_required")
	b.authorizeToken(board, "prompt", "none").wantFragmentError("consent_required")
	b.authorizeToken(board).ticket()
	if target := b.authorizeToken(board, unnamed...).allow().target(); !strings.HasPrefix(target, "https://new.example/cb#access_token=") {
		t.Errorf("an allowed request for a token leads to %q", target)
	}
	b.authorizeToken(board).token()
	skips := s.restart(func(c *passport.Config) {
		c.SkipConsent = func(context.Context, *oauth.Client, *passport.User) bool { return true }
	})
	b.at(skips).authorize(c).code() // the operator vouches for the client, not the user
}

// On success the caller has the client as it is stored.
func TestUpdateClient_FR_01_ReturnsTheNumber(t *testing.T) {
	s := newServer(t)
	c := s.web().Client
	for i, change := range []func(){func() { c.Name = "Renamed" }, func() { c.FamilyTTL = time.Hour }, func() { c.RedirectURIs[0] += "2" }} {
		change()
		c.ConsentVersion = 99
		s.works(s.UpdateClient(t.Context(), c))
		stored, err := s.store.Client(t.Context(), c.ID)
		s.works(err)
		if want := []int64{1, 1, 2}[i]; stored.ConsentVersion != want || c.ConsentVersion != want {
			t.Errorf("update %d: ConsentVersion %d stored, %d returned, want %d", i+1, stored.ConsentVersion, c.ConsentVersion, want)
		}
	}
}

// Whatever the page shows that changes before the answer has it shown again, for
// allow and deny alike: the browser goes nowhere that the user has not seen.
func TestAuthorize_FR_02_PageChangesBeforeTheAnswer(t *testing.T) {
	const evil = "https://evil.example/cb"
	registration := func(change func(*oauth.Client)) func(*server, *client) *server {
		return func(s *server, c *client) *server { s.update(c, change); return s }
	}
	config := func(change func(*passport.Config)) func(*server, *client) *server {
		return func(s *server, _ *client) *server { return s.restart(change) }
	}
	for name, change := range map[string]func(*server, *client) *server{
		"redirect URI":        registration(moves(evil)),
		"redirect URI's path": registration(moves("https://app.example.com/other")),
		"redirect URI and back": func(s *server, c *client) *server {
			s.update(c, moves(evil))
			s.update(c, moves(c.RedirectURIs[0]))
			return s
		},
		"name":                registration(func(c *oauth.Client) { c.Name = "Your Bank" }),
		"owner":               registration(func(c *oauth.Client) { c.Owner = ref("bob") }),
		"attributes":          registration(func(c *oauth.Client) { c.Attributes = map[string]string{"logo": "x.png"} }),
		"days":                registration(func(c *oauth.Client) { c.FamilyTTL = 700 * 24 * time.Hour }),
		"days of the server":  config(func(c *passport.Config) { c.FamilyTTL = 700 * 24 * time.Hour }),
		"scope's description": config(func(c *passport.Config) { c.Scopes = []passport.Scope{{ID: "read", Description: "Empty your account"}} }),
		"user's name": func(s *server, _ *client) *server {
			s.users.with(func() {
				s.users.current = func(u *passport.User) (*passport.User, error) { u.Name = "Somebody Else"; return u, nil }
			})
			return s
		},
	} {
		for _, decision := range []string{"allow", "deny"} {
			t.Run(name+", "+decision, func(t *testing.T) {
				s := newServer(t, audited)
				c, b := s.web(), s.browser().signIn("alice")
				page, script := b.authorize(c, unnamed...), b.authorizeJSON(c, unnamed...)
				b = b.at(change(s, c))
				form := url.Values{"ticket": {page.ticket()}, "decision": {decision}}
				again := b.post("/oauth/authorize", form).wantPageAnew(page)
				conflict := b.asksJSON("POST", "/oauth/authorize", map[string]any{"ticket": script.ticket(), "decision": decision}).wantStatus(http.StatusConflict)
				if conflict.json()["redirect_to"] != nil || !strings.Contains(asText(conflict.json()["message"]), "what was shown has changed") {
					t.Errorf("a script is answered %s", conflict)
				}
				if n := s.issued(); n != 0 {
					t.Fatalf("%d codes were issued for what the user did not see", n)
				}
				if n := len(eventsOf[passport.ConsentGiven](s)); n != 0 {
					t.Errorf("%d consents were given", n)
				}
				again.allow().code()
			})
		}
	}
}

// A page that says "you allowed this before" is shown again if that was taken back.
// One that asks for what was allowed in another tab meanwhile asked for more, and holds.
func TestAuthorize_FR_02_MarksOfScopes(t *testing.T) {
	s := newServer(t)
	c, b := s.web(), s.browser().signIn("alice")
	one, two := b.authorize(c), b.authorize(c)
	one.allow().code()
	two.allow().code()
	page := b.authorize(c, "scope", "read write")
	time.Sleep(time.Millisecond)
	s.works(s.Withdraw(t.Context(), ref("alice"), c.ID))
	time.Sleep(time.Millisecond)
	again := page.allow().wantPageAnew(page)
	if strings.Contains(again.body, "<details") {
		t.Errorf("the page shows scopes as allowed before: %s", again)
	}
	again.allow().code()
}

// A second click gets the first one's answer only at the address that the page showed.
func TestAuthorize_FR_02_SecondClickAfterAChange(t *testing.T) {
	s := newServer(t, audited)
	c, b := s.web(), s.browser().signIn("alice")
	page := b.authorize(c, unnamed...)
	code := page.allow().code()
	if page.allow().code() != code {
		t.Error("a second click gets another code")
	}
	s.update(c, moves("https://evil.example/cb"))
	page.allow().wantPageAnew(page)
	page.deny().wantPageAnew(page)
	if n := s.issued(); n != 1 {
		t.Errorf("%d codes were issued, want 1", n)
	}
}

// A change between the checks of an answer and its write, or of a request and its
// write, changes neither where the code goes nor what the consent is to.
func TestAuthorize_FR_01_FR_02_ChangeBeforeTheWrite(t *testing.T) {
	const uri, evil = "https://app.example.com/cb", "https://evil.example/cb"
	for name, tt := range map[string]struct {
		verb     string
		token    bool
		silently bool
	}{
		"allow": {verb: "Begin"}, "allow a token": {verb: "Issue", token: true}, "allow, consents": {verb: "Consented"},
		"silently": {verb: "Begin", silently: true}, "silently, a token": {verb: "Issue", token: true, silently: true},
		"silently, consents": {verb: "Consented", silently: true},
	} {
		t.Run(name, func(t *testing.T) {
			store := new(watchedStore)
			s := newServer(t, implicit, func(c *passport.Config) { store.Store = c.Store; c.Store = store })
			c, b := s.web(), s.browser().signIn("alice")
			authorize := b.authorize
			if tt.token {
				c, authorize = s.board(passport.Registration{}), b.authorizeToken
			}
			act := func() *answer { return authorize(c, unnamed...) }
			if shown := authorize(c, unnamed...); tt.silently {
				shown.allow()
			} else {
				act = shown.allow
			}
			var once sync.Once
			store.pause = func(verb string) {
				if verb == tt.verb {
					once.Do(func() { s.update(c, moves(evil)) })
				}
			}
			if target := act().target(); !strings.HasPrefix(target, uri+"?code=") && !strings.HasPrefix(target, uri+"#access_token=") {
				t.Errorf("the browser goes to %q, want %s, which the user was shown", target, uri)
			}
			authorize(c, unnamed...).ticket()
		})
	}
}

// Of changes and answers at the same time: a code goes only to a URI that a page
// showed that user since it was registered last.
func TestAuthorize_FR_01_FR_02_Race(t *testing.T) {
	rounds := 10
	if testing.Short() {
		rounds = 2
	}
	for round := range rounds {
		s := newServer(t)
		c := s.web()
		pages := make([]*answer, rivals/2)
		for i := range pages {
			pages[i] = s.browser().signIn("alice").authorize(c, unnamed...)
			pages[i].ticket()
		}
		var wg sync.WaitGroup
		for i, page := range pages {
			wg.Go(func() {
				s.update(c, moves(fmt.Sprintf("https://%d-%d.example/cb", round, i)))
			})
			wg.Go(func() {
				a := page.allow()
				switch {
				case a.isConsent():
				case !strings.HasPrefix(a.target(), "https://app.example.com/cb?code="):
					t.Errorf("a page that showed app.example.com leads to %s", a)
				}
				if a := page.from.authorize(c, unnamed...); !a.isConsent() && !strings.HasPrefix(a.target(), "https://app.example.com/cb?code=") {
					t.Errorf("without a page the browser goes to %s", a)
				}
			})
		}
		wg.Wait()
		s.browser().signIn("alice").authorize(c, unnamed...).ticket()
	}
}

// What a page shows is the same later, in a new session and at another node.
func TestAuthorize_FR_02_PageStaysTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, func(c *passport.Config) { c.Resources = []string{"https://api.example.com"} })
		for _, c := range []*client{
			s.web(), s.spa(), s.native(), s.owned("https://app.example.com/cb"),
			s.register(passport.Registration{Attributes: map[string]string{"a": "1", "b": "2", "c": "\xff", "d": ""}}),
		} {
			b := s.browser().signIn("alice")
			page := b.authorize(c, "scope", "write read", "resource", "https://api.example.com")
			time.Sleep(9 * time.Minute)
			b.signIn("alice") // in a new session
			b.at(s.restart()).post("/oauth/authorize", url.Values{"ticket": {page.ticket()}, "decision": {"allow"}}).code()
		}
	})
}
