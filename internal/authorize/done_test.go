package authorize_test

import (
	"html"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// A browser stays on the page after it opened an app of the device. A second click and a
// reload say that the user is done, and can open the app again with the same response.
func TestAuthorize_PG_09_AppOfTheDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		c := s.Register(passport.Registration{AuthMethod: oauth.AuthNone, RedirectURIs: []string{"com.example.app:/cb"}})
		for _, decision := range []string{"allow", "deny"} {
			b := s.Browser().SignIn("alice")
			page := b.Authorize(c, "state", decision)
			first := page.Decide(decision)
			if first.Status != 303 || !strings.HasPrefix(first.Target(), "com.example.app:/cb?") {
				t.Fatalf("%s: the first click: %s, want a redirect to the app", decision, first)
			}
			for what, a := range map[string]*testkit.Response{"a second click": page.Decide(decision), "a reload": b.Authorize(c, "state", decision)} {
				a.WantPage(200, "You’re done", "You can close this window.")
				a.CheckPolicy()
				a.IsInert(what)
				if link := html.UnescapeString(testkit.First(testkit.LinkElement, a.Body)); link != first.Target() {
					t.Errorf("%s: %s leads to %q, want the first response %q", decision, what, link, first.Target())
				}
			}
			others := map[string]*testkit.Response{
				"another request": b.Authorize(c, "state", "another"),
				"another account": b.CopyOf().SignIn("bob").Authorize(c, "state", decision),
				"another browser": s.Browser().SignIn("alice").Authorize(c, "state", decision),
			}
			for what, a := range others {
				if !a.IsConsent() {
					t.Errorf("%s: %s: %s, want the consent page", decision, what, a)
				}
			}
			if decision == "allow" {
				s.Redeem(c, first.Code())
				page.Decide(decision).WantPage(409, "You’re done")
			} else {
				time.Sleep(time.Minute)
			}
			if a := b.Authorize(c, "state", decision); !a.IsConsent() {
				t.Errorf("%s: a reload after the code was redeemed or has expired: %s, want the consent page", decision, a)
			}
		}
	})
}

// A response to a web site is repeated as before: the browser has left the page.
func TestAuthorize_PG_09_WebSite(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	page := b.Authorize(c)
	if code := page.Allow().Code(); page.Allow().Code() != code {
		t.Error("a second click does not get the code of the first")
	}
	if a := b.Authorize(c, "prompt", "consent"); !a.IsConsent() {
		t.Errorf("a reload: %s, want the consent page", a)
	}
}
