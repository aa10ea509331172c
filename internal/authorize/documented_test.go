package authorize_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// The tests here are the sentences of docs/authorization-code.md on prompt, on
// approving, and on skipping consent, one by one.

// none: whoever is not signed in gets an error and no page, whatever was allowed
// before.
func TestAuthorizePrompt_NoneIsAnErrorUnlessSomebodyIsSignedIn(t *testing.T) {
	s := testkit.NewServer(t, firstParty)
	ours, theirs, b := s.Register(passport.Registration{Name: "Ours"}), s.Web(), s.Browser().SignIn("alice")
	b.Authorize(theirs).Allow().Code()
	b.Authorize(theirs, "prompt", "none").Code()
	b.SignOut()
	for _, c := range []*testkit.Client{ours, theirs} {
		a := b.Authorize(c, "prompt", "none")
		if a.WantRedirectError("login_required"); a.Status != http.StatusSeeOther {
			t.Errorf("prompt=none of nobody: %s, want the browser sent straight to the client", a)
		}
	}
}

// consent: the page is shown always, even if all was allowed before, and to a
// client that needs no page otherwise.
func TestAuthorizePrompt_ConsentShowsThePageAlways(t *testing.T) {
	s := testkit.NewServer(t, firstParty)
	b := s.Browser().SignIn("alice")
	for _, c := range []*testkit.Client{s.Web(), s.Register(passport.Registration{Name: "Ours"})} {
		for range 2 {
			b.Authorize(c, "prompt", "consent").Allow().Code()
		}
		b.Authorize(c).Code()
		if page := b.Authorize(c, "prompt", "consent"); !strings.Contains(page.String(), "What you have allowed it before") {
			t.Errorf("the page of %s does not show what was allowed before: %s", c.Name, page)
		}
	}
}

// login: the user signs in again always, even with a session, and then is asked
// no more than without it.
func TestAuthorizePrompt_LoginSignsInAgainAlways(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, firstParty)
		b := s.Browser().SignIn("alice")
		ours, theirs := s.Register(passport.Registration{Name: "Ours"}), s.Web()
		for _, c := range []*testkit.Client{ours, theirs} {
			for range 2 {
				time.Sleep(time.Minute)
				back := b.Authorize(c, "prompt", "login").SignIn("alice")
				if back.IsConsent() {
					if c == ours {
						t.Errorf("one of ours is asked about after prompt=login: %s", back)
					}
					back = back.Allow()
				}
				s.Redeem(c, back.Code())
			}
			time.Sleep(time.Minute)
			b.Authorize(c, "prompt", "login consent").SignIn("alice").Allow().Code()
		}
	})
}

// Without prompt the user is asked only for what was not allowed before: the
// scopes are remembered one by one, so any subset of them, in any order, from any
// number of requests, needs no page.
func TestAuthorizePrompt_WithoutItAsksOnlyForWhatIsNew(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	b.Authorize(c, "scope", "read").Allow().Code()
	b.Authorize(c, "scope", "write").Allow().Code()
	for _, scope := range []string{"read", "write", "read write", "write read", "read read"} {
		if got := s.Redeem(c, b.Authorize(c, "scope", scope).Code()).Scope; len(got) > len("read write") || !strings.Contains(scope, strings.Fields(got)[0]) {
			t.Errorf("asked for %q, the token has %q", scope, got)
		}
	}
	page := b.Authorize(c, "scope", "read write admin")
	page.Ticket()
	if text := page.String(); !strings.Contains(text, "It will be able to Administer the shop admin What you have allowed it before Read your orders") {
		t.Errorf("the page does not tell what is new from what is not: %s", text)
	}
	page.Deny().WantRedirectError("access_denied")
	b.Authorize(c, "scope", "read").Code()    // declining takes nothing back
	b.Authorize(c, "scope", "admin").Ticket() // and allows nothing
	b.SignIn("bob").Authorize(c).Ticket()     // nor does what alice allowed count for bob
	b.SignIn("alice").Authorize(s.Web()).Ticket()
}

// SkipConsent: the client has its answer at once, without a page, unless prompt
// holds consent; none passes, login signs in first.
func TestAuthorizePrompt_SkipConsentUnlessItHoldsConsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, firstParty)
		c, b := s.Register(passport.Registration{Name: "Ours"}), s.Browser().SignIn("alice")
		for _, prompt := range []string{"", "none", "create"} {
			if a := b.Authorize(c, "prompt", prompt); a.Status != http.StatusSeeOther || a.Code() == "" {
				t.Errorf("prompt=%s: %s, want a code at once", prompt, a)
			}
		}
		b.Authorize(c, "prompt", "consent").Ticket()
		b.Authorize(c, "prompt", "select_account").ComeBack().Code()
		b.Authorize(c, "prompt", "select_account consent").ComeBack().Ticket()
		time.Sleep(time.Minute)
		b.Authorize(c, "prompt", "login").SignIn("alice").Code()
		if given := testkit.EventsOf[passport.ConsentGiven](s); len(given) != 0 {
			t.Errorf("what nobody was asked for is remembered as allowed: %+v", given)
		}
		b.Authorize(s.Web()).Ticket() // another client is asked about
	})
}

// Who allows is sent back to the redirect URI of the request, which has to be one
// that is registered.
func TestAuthorizePrompt_ApprovingLeadsBackToTheRedirectURI(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Register(passport.Registration{RedirectURIs: []string{"https://one.example/cb", "https://two.example/cb?x=1"}}), s.Browser().SignIn("alice")
	for _, uri := range c.RedirectURIs {
		for what, done := range map[string]*testkit.Response{
			"allow": b.Authorize(c, "redirect_uri", uri, "prompt", "consent").Allow(), "deny": b.Authorize(c, "redirect_uri", uri, "prompt", "consent").Deny(),
		} {
			if !strings.HasPrefix(done.Target(), uri) || done.Params().Get("state") != testkit.DefaultState {
				t.Errorf("%s leads to %s, want %s", what, done.Target(), uri)
			}
		}
	}
	b.Authorize(c, "redirect_uri", "https://three.example/cb").WantPage(400)
}

// firstParty skips consent for clients with the name Ours.
func firstParty(c *passport.Config) {
	c.SkipConsent = func(_ context.Context, client *oauth.Client, _ *passport.User) bool { return client.Name == "Ours" }
}
