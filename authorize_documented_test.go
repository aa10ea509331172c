package passport_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// The tests here are the sentences of docs/authorization-code.md on prompt, on
// approving, and on skipping consent, one by one.

// none: whoever is not signed in gets an error and no page, whatever was allowed
// before.
func TestAuthorizePrompt_NoneIsAnErrorUnlessSomebodyIsSignedIn(t *testing.T) {
	s := newServer(t, firstParty)
	ours, theirs, b := s.register(passport.Registration{Name: "Ours"}), s.web(), s.browser().signIn("alice")
	b.authorize(theirs).allow().code()
	b.authorize(theirs, "prompt", "none").code()
	b.signOut()
	for _, c := range []*client{ours, theirs} {
		a := b.authorize(c, "prompt", "none")
		if a.wantRedirectError("login_required"); a.status != http.StatusSeeOther {
			t.Errorf("prompt=none of nobody: %s, want the browser sent straight to the client", a)
		}
	}
}

// consent: the page is shown always, even if all was allowed before, and to a
// client that needs no page otherwise.
func TestAuthorizePrompt_ConsentShowsThePageAlways(t *testing.T) {
	s := newServer(t, firstParty)
	b := s.browser().signIn("alice")
	for _, c := range []*client{s.web(), s.register(passport.Registration{Name: "Ours"})} {
		for range 2 {
			b.authorize(c, "prompt", "consent").allow().code()
		}
		b.authorize(c).code()
		if page := b.authorize(c, "prompt", "consent"); !strings.Contains(page.String(), "What you have allowed it before") {
			t.Errorf("the page of %s does not show what was allowed before: %s", c.Name, page)
		}
	}
}

// login: the user signs in again always, even with a session, and then is asked
// no more than without it.
func TestAuthorizePrompt_LoginSignsInAgainAlways(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, firstParty)
		b := s.browser().signIn("alice")
		ours, theirs := s.register(passport.Registration{Name: "Ours"}), s.web()
		for _, c := range []*client{ours, theirs} {
			for range 2 {
				time.Sleep(time.Minute)
				back := b.authorize(c, "prompt", "login").signIn("alice")
				if back.isConsent() {
					if c == ours {
						t.Errorf("one of ours is asked about after prompt=login: %s", back)
					}
					back = back.allow()
				}
				s.redeem(c, back.code())
			}
			time.Sleep(time.Minute)
			b.authorize(c, "prompt", "login consent").signIn("alice").allow().code()
		}
	})
}

// Without prompt the user is asked only for what was not allowed before: the
// scopes are remembered one by one, so any subset of them, in any order, from any
// number of requests, needs no page.
func TestAuthorizePrompt_WithoutItAsksOnlyForWhatIsNew(t *testing.T) {
	s := newServer(t)
	c, b := s.web(), s.browser().signIn("alice")
	b.authorize(c, "scope", "read").allow().code()
	b.authorize(c, "scope", "write").allow().code()
	for _, scope := range []string{"read", "write", "read write", "write read", "read read"} {
		if got := s.redeem(c, b.authorize(c, "scope", scope).code()).Scope; len(got) > len("read write") || !strings.Contains(scope, strings.Fields(got)[0]) {
			t.Errorf("asked for %q, the token has %q", scope, got)
		}
	}
	page := b.authorize(c, "scope", "read write admin")
	page.ticket()
	if text := page.String(); !strings.Contains(text, "It will be able to Administer the shop admin What you have allowed it before Read your orders") {
		t.Errorf("the page does not tell what is new from what is not: %s", text)
	}
	page.deny().wantRedirectError("access_denied")
	b.authorize(c, "scope", "read").code()    // declining takes nothing back
	b.authorize(c, "scope", "admin").ticket() // and allows nothing
	b.signIn("bob").authorize(c).ticket()     // nor does what alice allowed count for bob
	b.signIn("alice").authorize(s.web()).ticket()
}

// SkipConsent: the client has its answer at once, without a page, unless prompt
// holds consent; none passes, login signs in first.
func TestAuthorizePrompt_SkipConsentUnlessItHoldsConsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, firstParty)
		c, b := s.register(passport.Registration{Name: "Ours"}), s.browser().signIn("alice")
		for _, prompt := range []string{"", "none", "select_account", "create"} {
			if a := b.authorize(c, "prompt", prompt); a.status != http.StatusSeeOther || a.code() == "" {
				t.Errorf("prompt=%s: %s, want a code at once", prompt, a)
			}
		}
		for _, prompt := range []string{"consent", "select_account consent"} {
			b.authorize(c, "prompt", prompt).ticket()
		}
		time.Sleep(time.Minute)
		b.authorize(c, "prompt", "login").signIn("alice").code()
		if given := eventsOf[passport.ConsentGiven](s); len(given) != 0 {
			t.Errorf("what nobody was asked for is remembered as allowed: %+v", given)
		}
		b.authorize(s.web()).ticket() // another client is asked about
	})
}

// Who allows is sent back to the redirect URI of the request, which has to be one
// that is registered.
func TestAuthorizePrompt_ApprovingLeadsBackToTheRedirectURI(t *testing.T) {
	s := newServer(t)
	c, b := s.register(passport.Registration{RedirectURIs: []string{"https://one.example/cb", "https://two.example/cb?x=1"}}), s.browser().signIn("alice")
	for _, uri := range c.RedirectURIs {
		for what, done := range map[string]*answer{
			"allow": b.authorize(c, "redirect_uri", uri, "prompt", "consent").allow(), "deny": b.authorize(c, "redirect_uri", uri, "prompt", "consent").deny(),
		} {
			if !strings.HasPrefix(done.target(), uri) || done.params().Get("state") != defaultState {
				t.Errorf("%s leads to %s, want %s", what, done.target(), uri)
			}
		}
	}
	b.authorize(c, "redirect_uri", "https://three.example/cb").wantPage(400)
}

// firstParty skips consent for clients with the name Ours.
func firstParty(c *passport.Config) {
	c.SkipConsent = func(_ context.Context, client *oauth.Client, _ *passport.User) bool { return client.Name == "Ours" }
}
