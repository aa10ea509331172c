package authorize_test

import (
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

var switchLink = regexp.MustCompile(`<a class="switch" href="([^"]+)">Switch<span class="hidden"> account</span></a>`)

// The consent page says which account it is about. Switch leads to the sign-in page with
// select_account, and back to the same request with the account that was chosen.
func TestAuthorize_PG_06_SwitchAccount(t *testing.T) {
	why := new(oauth.SignInRequest)
	s := testkit.NewServer(t)
	s = s.Restart(func(c *passport.Config) { c.Users = askedProvider{s.Users, why} })
	for _, prompt := range []string{"", "consent", "select_account consent"} {
		c := s.Web()
		b := s.Browser().SignIn("alice")
		page := b.Authorize(c, "state", "the state", "scope", "read", "prompt", prompt)
		if strings.HasPrefix(prompt, "select_account") {
			page = page.SignIn("alice")
		}
		if !strings.Contains(page.String(), "Name of alice alice@example.com Switch account") {
			t.Fatalf("prompt=%q: the page does not say which account it is about: %s", prompt, page)
		}
		target := html.UnescapeString(testkit.First(switchLink, page.Body))
		away := b.Get(target)
		if !strings.HasPrefix(away.Target(), "/login?") || !why.SelectAccount || why.Again {
			t.Errorf("prompt=%q: Switch leads to %s with %+v, want the sign-in page with SelectAccount", prompt, away, *why)
		}
		kept := away.ComeBack() // with the same account
		kept.Ticket()
		other := b.Get(target).SignIn("bob")
		if !strings.Contains(other.String(), "bob@example.com") || strings.Contains(other.String(), "alice") {
			t.Errorf("prompt=%q: after the switch the page is %s, want bob's", prompt, other)
		}
		page.From = b
		if a := page.Allow(); !a.IsConsent() {
			t.Errorf("prompt=%q: the decision on the page for alice, after bob signed in: %s, want the page for bob", prompt, a)
		}
		done := other.Allow()
		if claims := testkit.ClaimsOf(t, s.Redeem(c, done.Code()).Access); claims["sub"] != "users:bob" || done.Params().Get("state") != "the state" {
			t.Errorf("prompt=%q: the token is for %v, with state %q", prompt, claims["sub"], done.Params().Get("state"))
		}
	}
	long := s.Browser().SignIn("alice").Authorize(s.Web(), "state", strings.Repeat("s", 6000))
	if long.Ticket(); strings.Contains(long.Body, `class="switch"`) {
		t.Error("a request that is too long for a URL has a link to switch the account")
	}
}

// An account whose email is its name shows it once.
func TestAuthorize_PG_06_EmailOnce(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	for name, want := range map[string]string{"": "A alice@example.com Switch", "alice@example.com": "A alice@example.com Switch"} {
		s.Users.ByID["alice"].Name = name
		if text := s.Browser().SignIn("alice").Authorize(c).String(); !strings.Contains(text, want) {
			t.Errorf("the page for the name %q is %s, want %q", name, text, want)
		}
	}
}
