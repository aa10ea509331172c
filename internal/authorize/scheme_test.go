package authorize_test

import (
	"context"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// An application gets its code at a private-use scheme that the operator allows. Other
// applications on the device can claim the scheme, so the user of a public client always
// sees the page. Without the setting, even a registered URI is refused.
func TestAuthorize_FR_31_AllowedScheme(t *testing.T) {
	const uri = "cursor://anysphere.cursor-retrieval/oauth/callback"
	s := testkit.NewServer(t, func(c *passport.Config) {
		c.AllowedRedirectSchemes = []string{"cursor"}
		c.SkipConsent = func(context.Context, *oauth.Client, *passport.User) bool { return true }
	})
	c := s.Register(passport.Registration{AuthMethod: oauth.AuthNone, RedirectURIs: []string{uri}})
	b := s.Browser().SignIn("alice")
	for range 2 {
		page := b.Authorize(c)
		if !page.IsConsent() {
			t.Fatalf("a public client with a private-use scheme: %s, want the consent page", page)
		}
		done := page.Allow()
		if done.Status != 303 || !strings.HasPrefix(done.Target(), uri+"?code=") {
			t.Fatalf("the response goes to %q with status %d, want 303 to the application", done.Target(), done.Status)
		}
		s.Redeem(c, done.Code())
	}
	later := s.Restart(func(c *passport.Config) { c.AllowedRedirectSchemes = nil })
	later.Browser().SignIn("alice").Authorize(c).WantPage(400)
	later.WantLog("Config.AllowedRedirectSchemes")
	for _, refused := range []string{"curser://x/callback", "javascript:alert(1)", "localhost:3000/callback"} {
		if _, err := s.CreateClient(t.Context(), passport.Registration{Name: "x", RedirectURIs: []string{refused}}); err == nil {
			t.Errorf("CreateClient() with %s = nil, want an error", refused)
		}
	}
}

// A whole http redirect URI works while the operator admits it. Others on its host don't.
func TestAuthorize_LP_1_AllowedHTTP(t *testing.T) {
	const uri = "http://intranet.example.com/callback"
	s := testkit.NewServer(t, func(c *passport.Config) { c.AllowedRedirectURIs = []string{uri} })
	c := s.Register(passport.Registration{RedirectURIs: []string{uri}})
	done := s.Browser().SignIn("alice").Authorize(c).Allow()
	if !strings.HasPrefix(done.Target(), uri+"?code=") {
		t.Fatalf("the response goes to %q with status %d, want it to go to the application", done.Target(), done.Status)
	}
	s.Redeem(c, done.Code())
	for _, refused := range []string{uri + "/2", "http://intranet.example.com:8080/callback", "http://INTRANET.example.com/callback"} {
		if _, err := s.CreateClient(t.Context(), passport.Registration{Name: "x", RedirectURIs: []string{refused}}); err == nil {
			t.Errorf("CreateClient() with %s = nil, want an error: only the whole URI is admitted", refused)
		}
	}
	later := s.Restart(func(c *passport.Config) { c.AllowedRedirectURIs = nil })
	later.Browser().SignIn("alice").Authorize(c).WantPage(400)
	later.WantLog("Config.AllowedRedirectURIs")
}
