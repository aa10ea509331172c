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

// These tests check the sentences of docs/authorization-code.md about prompt, approval
// and SkipConsent.

// prompt=none without a signed-in user gives an error and no page, regardless of
// earlier consent.
func TestAuthorizePrompt_NoneIsAnErrorWithoutASignedInUser(t *testing.T) {
	s := testkit.NewServer(t, firstParty)
	ours, theirs, b := s.Register(passport.Registration{Name: "Ours"}), s.Web(), s.Browser().SignIn("alice")
	b.Authorize(theirs).Allow().Code()
	b.Authorize(theirs, "prompt", "none").Code()
	b.SignOut()
	for _, c := range []*testkit.Client{ours, theirs} {
		a := b.Authorize(c, "prompt", "none")
		if a.WantRedirectError("login_required"); a.Status != http.StatusSeeOther {
			t.Errorf("prompt=none without a user: %s, want a redirect to the client", a)
		}
	}
}

// prompt=consent always shows the page, even if the user has allowed everything before
// or the client needs no page.
func TestAuthorizePrompt_ConsentShowsThePageAlways(t *testing.T) {
	s := testkit.NewServer(t, firstParty)
	b := s.Browser().SignIn("alice")
	for _, c := range []*testkit.Client{s.Web(), s.Register(passport.Registration{Name: "Ours"})} {
		for range 2 {
			b.Authorize(c, "prompt", "consent").Allow().Code()
		}
		b.Authorize(c).Code()
		if page := b.Authorize(c, "prompt", "consent"); !strings.Contains(page.String(), "Already allowed") {
			t.Errorf("the page of %s does not show the allowed scopes: %s", c.Name, page)
		}
	}
}

// prompt=login always requires a new sign-in, even with a session. It doesn't change
// whether the page is shown.
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
						t.Errorf("a client with SkipConsent, after prompt=login: %s, want no consent page", back)
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

// Without prompt, the page is shown only for new scopes. Each scope is remembered
// separately, so any subset of allowed scopes, in any order, needs no page.
func TestAuthorizePrompt_WithoutItOnlyNewScopesNeedAPage(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	b.Authorize(c, "scope", "read").Allow().Code()
	b.Authorize(c, "scope", "write").Allow().Code()
	for _, scope := range []string{"read", "write", "read write", "write read", "read read"} {
		if got := s.Redeem(c, b.Authorize(c, "scope", scope).Code()).Scope; len(got) > len("read write") || !strings.Contains(scope, strings.Fields(got)[0]) {
			t.Errorf("request for %q: scope = %q", scope, got)
		}
	}
	page := b.Authorize(c, "scope", "read write admin")
	page.Ticket()
	if text := page.String(); !strings.Contains(text, "It will be able to Administer the shop Already allowed Read your orders") {
		t.Errorf("the page does not separate new scopes from allowed ones: %s", text)
	}
	page.Deny().WantRedirectError("access_denied")
	b.Authorize(c, "scope", "read").Code()    // declining keeps the earlier consent
	b.Authorize(c, "scope", "admin").Ticket() // and adds none
	b.SignIn("bob").Authorize(c).Ticket()     // the consent of alice does not count for bob
	b.SignIn("alice").Authorize(s.Web()).Ticket()
}

// With SkipConsent, the client gets its response without a page, unless prompt includes
// consent. prompt=none succeeds, and prompt=login requires a sign-in first.
func TestAuthorizePrompt_SkipConsentUnlessItIncludesConsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, firstParty)
		c, b := s.Register(passport.Registration{Name: "Ours"}), s.Browser().SignIn("alice")
		for _, prompt := range []string{"", "none", "create"} {
			if a := b.Authorize(c, "prompt", prompt); a.Status != http.StatusSeeOther || a.Code() == "" {
				t.Errorf("prompt=%s: %s, want a redirect with a code", prompt, a)
			}
		}
		b.Authorize(c, "prompt", "consent").Ticket()
		b.Authorize(c, "prompt", "select_account").ComeBack().Code()
		b.Authorize(c, "prompt", "select_account consent").ComeBack().Ticket()
		time.Sleep(time.Minute)
		b.Authorize(c, "prompt", "login").SignIn("alice").Code()
		if given := testkit.EventsOf[passport.ConsentGiven](s); len(given) != 0 {
			t.Errorf("ConsentGiven events after a skipped page = %+v, want none", given)
		}
		b.Authorize(s.Web()).Ticket() // another client gets the page
	})
}

// After a decision, the browser returns to the redirect URI of the request, which must
// be registered.
func TestAuthorizePrompt_ApprovingLeadsBackToTheRedirectURI(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Register(passport.Registration{RedirectURIs: []string{"https://one.example/cb", "https://two.example/cb?x=1"}}), s.Browser().SignIn("alice")
	for _, uri := range c.RedirectURIs {
		for what, done := range map[string]*testkit.Response{
			"allow": b.Authorize(c, "redirect_uri", uri, "prompt", "consent").Allow(), "deny": b.Authorize(c, "redirect_uri", uri, "prompt", "consent").Deny(),
		} {
			if !strings.HasPrefix(done.Target(), uri) || done.Params().Get("state") != testkit.DefaultState {
				t.Errorf("%s: redirect to %s, want %s", what, done.Target(), uri)
			}
		}
	}
	b.Authorize(c, "redirect_uri", "https://three.example/cb").WantPage(400)
}

// firstParty skips consent for clients with the name Ours.
func firstParty(c *passport.Config) {
	c.SkipConsent = func(_ context.Context, client *oauth.Client, _ *passport.User) bool { return client.Name == "Ours" }
}
