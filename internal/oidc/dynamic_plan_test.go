package oidc_test

import (
	"bytes"
	"image"
	"image/png"
	"regexp"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// The modules of the Dynamic OP plan of the OpenID Foundation's suite that don't need
// dynamic registration. An operator registers the client.

// XD01: the ID token of a client with RS256 has RS256 and a kid in its header.
func TestDynamicPlan_XD01_RS256(t *testing.T) {
	s := provider(t)
	c := s.Register(passport.Registration{OpenID: &oauth.ClientOpenID{IDTokenAlg: "RS256"}})
	response := s.Exchange(c, c.CodeForm(s.Code(c, "scope", "openid"))...)
	idToken, _ := response.JSON()["id_token"].(string)
	header := s.Verified(idToken)
	if header.Algorithm != "RS256" || header.KeyID == "" {
		t.Errorf("the header of the ID token has alg %q and kid %q, want RS256 and a kid", header.Algorithm, header.KeyID)
	}
}

// twoCallbacks returns a provider, a client with two redirect URIs, one with a query, and
// a browser in which alice is signed in.
func twoCallbacks(t *testing.T) (*testkit.Server, *testkit.Client, *testkit.Browser) {
	t.Helper()
	s := provider(t)
	c := s.Register(passport.Registration{RedirectURIs: []string{"https://app.example.com/cb?tenant=a%20b", "https://app.example.com/other"}})
	return s, c, s.Browser().SignIn("alice")
}

// XD03: without a redirect_uri there is an error page.
func TestDynamicPlan_XD03_NoRedirectURI(t *testing.T) {
	_, c, b := twoCallbacks(t)
	b.Authorize(c, "scope", "openid", "redirect_uri", "").WantPage(400, "redirect_uri")
}

// XD04: a registered redirect URI with a query works, and its query is unchanged.
func TestDynamicPlan_XD04_QueryOfTheRedirectURI(t *testing.T) {
	_, c, b := twoCallbacks(t)
	a := b.Authorize(c, "scope", "openid").Allow()
	if target := a.Target(); !strings.HasPrefix(target, "https://app.example.com/cb?tenant=a%20b&") || a.Code() == "" {
		t.Errorf("the response goes to %s, want the registered URI with its query and a code", target)
	}
}

// XD05: a redirect URI with another query is refused on a page.
func TestDynamicPlan_XD05_AnotherQuery(t *testing.T) {
	_, c, b := twoCallbacks(t)
	for _, uri := range []string{"https://app.example.com/cb?tenant=other", "https://app.example.com/cb?tenant=a+b", "https://app.example.com/cb"} {
		b.Authorize(c, "scope", "openid", "redirect_uri", uri).WantPage(400, "redirect_uri")
	}
}

// XD06: a redirect URI to which a query was added is refused on a page.
func TestDynamicPlan_XD06_AddedQuery(t *testing.T) {
	_, c, b := twoCallbacks(t)
	for _, uri := range []string{"https://app.example.com/other?foo=bar", "https://app.example.com/cb?tenant=a%20b&foo=bar"} {
		b.Authorize(c, "scope", "openid", "redirect_uri", uri).WantPage(400, "redirect_uri")
	}
}

// consentWith returns the consent page of a client with metadata.
func consentWith(t *testing.T, m *oauth.ClientMetadata, logo []byte) string {
	t.Helper()
	s := provider(t)
	c := s.Web()
	s.Works(s.UpdateClientMetadata(t.Context(), c.Client, m, logo))
	return s.Browser().SignIn("alice").Authorize(c, "scope", "openid").Body
}

// XD08: the consent page has the logo of the client.
func TestDynamicPlan_XD08_Logo(t *testing.T) {
	var logo bytes.Buffer
	if err := png.Encode(&logo, image.NewGray(image.Rect(0, 0, 2, 2))); err != nil {
		t.Fatal(err)
	}
	if page := consentWith(t, new(oauth.ClientMetadata), logo.Bytes()); !regexp.MustCompile(`<img class="tile" src="/oauth/client-logo`).MatchString(page) {
		t.Errorf("the page has no logo:\n%s", page)
	}
}

// XD09: the consent page has a link to the policy of the client.
func TestDynamicPlan_XD09_Policy(t *testing.T) {
	if page := consentWith(t, &oauth.ClientMetadata{PolicyURI: "https://app.example.com/privacy"}, nil); !strings.Contains(page, `href="https://app.example.com/privacy"`) {
		t.Errorf("the page has no link to the policy:\n%s", page)
	}
}

// XD10: the consent page has a link to the terms of the client.
func TestDynamicPlan_XD10_Terms(t *testing.T) {
	if page := consentWith(t, &oauth.ClientMetadata{TOSURI: "https://app.example.com/terms"}, nil); !strings.Contains(page, `href="https://app.example.com/terms"`) {
		t.Errorf("the page has no link to the terms:\n%s", page)
	}
}
