package policy_test

import (
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
)

const openIDNotice = "the scope openid is ignored"

// Clients for OpenID Connect request openid and offline_access from every server.
func TestScopes_FR_32_OpenIDScopesAreIgnored(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithImplicit, func(c *passport.Config) {
		c.DefaultScopes = []string{"admin"}
	})
	b := s.Browser().SignIn("alice")
	for _, tt := range []struct{ asked, want string }{
		{"read offline_access", "read"}, {"openid read", "read"}, {"openid read offline_access write", "read write"},
		{"offline_access", ""}, {"openid offline_access", ""},
	} {
		web, spa := s.Web(), s.Spa()
		s.NarrowClient(spa, "read", "write") // the list has neither scope
		for name, c := range map[string]*testkit.Client{"a confidential client": web, "a public client": spa} {
			page := b.Authorize(c, "scope", tt.asked, "prompt", "consent")
			if strings.Contains(page.Body, "openid") || strings.Contains(page.Body, "offline_access") {
				t.Errorf("%s requests %q: the consent page shows an ignored scope", name, tt.asked)
			}
			got := s.Redeem(c, page.Allow().Code())
			if got.Scope != tt.want || got.Refresh == "" {
				t.Errorf("%s requests %q and gets the scope %q and the refresh token %.5q, want %q and a refresh token", name, tt.asked, got.Scope, got.Refresh, tt.want)
			}
			if refreshed := s.Refresh(c, got.Refresh, "scope", tt.asked).Tokens(); refreshed.Scope != tt.want || refreshed.Refresh == "" {
				t.Errorf("%s refreshes with %q and gets %q, want %q", name, tt.asked, refreshed.Scope, tt.want)
			}
			b.Authorize(c, "scope", tt.asked, "prompt", "none").Code()
		}
		machine := s.Machine()
		if got := s.Exchange(machine, "grant_type", "client_credentials", "scope", tt.asked).Tokens(); got.Scope != tt.want {
			t.Errorf("client_credentials with %q gives %q, want %q", tt.asked, got.Scope, tt.want)
		}
		board := s.Board(passport.Registration{})
		if got := b.AuthorizeToken(board, "scope", tt.asked).Allow().Fragment(); got.Get("scope") != tt.want {
			t.Errorf("the implicit grant with %q gives %q, want %q", tt.asked, got.Get("scope"), tt.want)
		}
	}
	s.Exchange(s.Machine(), "grant_type", "client_credentials", "scope", "OpenID").WantJSONError(400, "invalid_scope")
	s.Exchange(s.Machine(), "grant_type", "client_credentials", "scope", "profile").WantJSONError(400, "invalid_scope")
	if got := s.GrantTokens(s.Web(), "scope", "read"); got.Refresh == "" {
		t.Error("a response without offline_access has no refresh token")
	}
}

func TestScopes_FR_32_OpenIDIsLoggedOncePerClient(t *testing.T) {
	s := testkit.NewServer(t)
	first, second := s.Machine(), s.Machine()
	for range 3 {
		for _, c := range []*testkit.Client{first, second} {
			s.Exchange(c, "grant_type", "client_credentials", "scope", "openid read").Tokens()
			s.Exchange(c, "grant_type", "client_credentials", "scope", "offline_access read").Tokens()
		}
	}
	if got := strings.Count(s.Log.String(), openIDNotice); got != 2 {
		t.Errorf("two clients that request openid write %d log lines, want one for each: %s", got, s.Log)
	}
	s.WantLog(first.ID, second.ID)
}

// If an operator registers the scopes, they are scopes like any other.
func TestScopes_FR_32_RegisteredScopesAreGranted(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) {
		c.Scopes = append(c.Scopes, passport.Scope{ID: "openid", Description: "Know who you are"}, passport.Scope{ID: "offline_access", Description: "Act while you are away"})
	})
	c, b := s.Web(), s.Browser().SignIn("alice")
	page := b.Authorize(c, "scope", "openid offline_access read")
	if !strings.Contains(page.Body, "Know who you are") || !strings.Contains(page.Body, "Act while you are away") {
		t.Errorf("the consent page does not show the registered scopes: %s", page)
	}
	if got := s.Redeem(c, page.Allow().Code()); got.Scope != "openid offline_access read" || strings.Contains(s.Log.String(), openIDNotice) {
		t.Errorf("the registered scopes give %q; log: %s", got.Scope, s.Log)
	}
	s.NarrowClient(c, "read")
	b.Authorize(c, "scope", "openid read").WantRedirectError("invalid_scope")
}
