package authorize_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// An application on the user's device gets its port when it starts. Public clients may
// use any port, even if they also have an https URI (RFC 8252 §7.3). The rest of the URI
// must match. The token endpoint compares with the URI of the request, including the
// port.
func TestAuthorize_FR_23_AZ_09_AZ_10_NeverRepeat_B2_LoopbackPortOfAPublicClient(t *testing.T) {
	s := testkit.NewServer(t)
	uris := []string{"http://127.0.0.1/cb?x=1", "http://[::1]/cb", "http://localhost:3000/cb"}
	b := s.Browser().SignIn("alice")
	for _, c := range []*testkit.Client{
		s.Register(passport.Registration{AuthMethod: oauth.AuthNone, RedirectURIs: append(uris, "com.example.app:/cb")}),
		s.Register(passport.Registration{AuthMethod: oauth.AuthNone, RedirectURIs: append(uris, "https://claude.ai/api/mcp/auth_callback")}),
	} {
		for _, uri := range []string{"http://127.0.0.1:49152/cb?x=1", "http://[::1]:49152/cb", "http://localhost:49152/cb", "http://localhost/cb"} {
			done := b.Authorize(c, "redirect_uri", uri).Allow()
			if u, _, _ := strings.Cut(done.Target(), "code="); u != uri+"?" && u != uri+"&" {
				t.Errorf("the response for %s goes to %s", uri, done.Target())
			}
			form := c.CodeForm(done.Code())
			s.Exchange(c, append(form, "redirect_uri", uris[0])...).WantJSONError(400, "invalid_grant")
			s.Exchange(c, append(form, "redirect_uri", uri)...).Tokens()
			if again := b.Authorize(c, "redirect_uri", uri); !again.IsConsent() {
				t.Errorf("a public client at %s: %s, want the consent page", uri, again)
			}
		}
		for _, uri := range []string{
			"http://127.0.0.1:9000/cb?x=2", "http://127.0.0.1:9000/other?x=1", "http://127.0.0.1:9000/cb?x=1&y=2", "http://127.0.0.2:9000/cb?x=1",
			"http://[::ffff:127.0.0.1]:9000/cb?x=1", "https://127.0.0.1:9000/cb?x=1", "http://127.0.0.1:9000@evil.example/cb?x=1", "http://localhost.evil.example/cb",
			"http://LOCALHOST:3000/cb", "http://127.0.0.1:99999/cb?x=1", "http://[::1%25lo]:80/cb", "com.example.app:80/cb", "https://claude.ai:8443/api/mcp/auth_callback",
		} {
			b.Authorize(c, "redirect_uri", uri).WantPage(400)
		}
	}
}

// A confidential client may use another loopback port only if the URI was registered
// without one. Any program on the device may listen there, so such a request needs
// PKCE and always shows the page, even if a setting or a consent would skip it.
func TestAuthorize_FR_23_LoopbackPortOfAConfidentialClient(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) {
		c.SkipConsent = func(context.Context, *oauth.Client, *passport.User) bool { return true }
		c.InsecureSkipNativeConsent = true
		c.EnableImplicitGrant = true
	})
	c := s.Register(passport.Registration{
		RedirectURIs: []string{"https://app.example.com/cb", "http://localhost/cb", "http://127.0.0.1/cb?x=1", "http://[::1]/cb", "http://localhost:3000/fixed"},
		GrantTypes:   []string{"authorization_code", "implicit"},
	})
	b := s.Browser().SignIn("alice")
	b.Authorize(c, "redirect_uri", "http://localhost/cb", "code_challenge", "", "code_challenge_method", "").Code() // the URI is registered, so no page
	for _, uri := range []string{"http://localhost:51234/cb", "http://127.0.0.1:51234/cb?x=1", "http://[::1]:51234/cb"} {
		page := b.Authorize(c, "redirect_uri", uri)
		if !page.IsConsent() {
			t.Fatalf("at %s: %s, want the consent page", uri, page)
		}
		code := page.Allow().Code()
		form := c.CodeForm(code)
		s.Exchange(c, append(form, "redirect_uri", "http://localhost/cb")...).WantJSONError(400, "invalid_grant")
		s.Exchange(c, append(form, "redirect_uri", uri)...).Tokens()
		if again := b.Authorize(c, "redirect_uri", uri); !again.IsConsent() {
			t.Errorf("at %s with remembered consent: %s, want the consent page", uri, again)
		}
		b.Authorize(c, "redirect_uri", uri, "prompt", "none").WantRedirectError("consent_required")
		b.Authorize(c, "redirect_uri", uri, "code_challenge", "", "code_challenge_method", "").WantRedirectError("invalid_request")
		b.AuthorizeToken(c, "redirect_uri", uri).WantFragmentError("invalid_request")
		if a := b.AuthorizeJSON(c, "redirect_uri", uri); !a.IsConsent() {
			t.Errorf("at %s for a script: %s, want the data of the page", uri, a)
		}
	}
	b.Authorize(c, "redirect_uri", "http://localhost:3001/fixed").WantPage(400)
	b.Authorize(c, "redirect_uri", "http://localhost/fixed").WantPage(400)
	s.WantLog(`which differs in the port (sent \":3001\", registered \":3000\")`)
}

// The log names the nearest registered URI and the part that differs. The client sees
// neither.
func TestAuthorize_FR_23_LogNamesTheNearestRedirectURI(t *testing.T) {
	for sent, want := range map[string]string{
		"http://app.example.com/Callback?a=1":             "differs in the scheme",
		"https://app2.example.com/Callback?a=1":           "differs in the host",
		"https://app.example.com:8443/Callback?a=1":       "differs in the port",
		"https://app.example.com/Callbac?a=1":             "differs in the path",
		"https://app.example.com/Callback/?a=1":           "differs in the trailing slash of the path",
		"https://app.example.com/callback?a=1":            "differs in the case of the path",
		"https://APP.example.com/Callback?a=1":            "differs in the case of the host",
		"https://app.example.com/Callback":                "differs in the query",
		"https://app.example.com/Callback?a=1#top":        "differs in the fragment",
		"https://app.example.com/%43allback?a=1":          "differs in the percent-encoding of the path",
		"https://me:hunter2@app.example.com/Callback?a=1": "differs in the user name",
	} {
		s := testkit.NewServer(t)
		c := s.Register(passport.Registration{RedirectURIs: []string{"https://other.example/x", "https://app.example.com/Callback?a=1", "http://localhost:3000/cb"}})
		a := s.Browser().Authorize(c, "redirect_uri", sent).WantPage(400)
		if strings.Contains(a.Body, "Callback") || strings.Contains(a.Body, "nearest") {
			t.Errorf("%s: the page contains a registered URI: %s", sent, a)
		}
		if log := s.Log.String(); !strings.Contains(log, want) || !strings.Contains(log, `the nearest registered value is \"https://app.example.com/Callback?a=1\"`) {
			t.Errorf("%s: the log does not name https://app.example.com/Callback?a=1 with %q: %s", sent, want, log)
		}
	}
}

// The comparison is bounded, because a client may have hundreds of long URIs, and
// anyone may send a request.
func TestAuthorize_FR_23_NearestOfManyLongURIs(t *testing.T) {
	s := testkit.NewServer(t)
	var uris []string
	for i := range 500 {
		uris = append(uris, fmt.Sprintf("https://app.example.com/%s/%d", strings.Repeat("x", 1900), i))
	}
	c := s.Register(passport.Registration{RedirectURIs: uris})
	start := time.Now()
	a := s.Browser().Send(s.Browser().NewRequest("POST", "/oauth/authorize", url.Values{"client_id": {c.ID}, "redirect_uri": {uris[7] + "/"}}.Encode(), nil))
	a.WantPage(400)
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("the refusal took %v, want it bounded", took)
	}
	s.WantLog("differs in the trailing slash")
	for line := range strings.Lines(s.Log.String()) {
		if len(line) > 2<<10 {
			t.Errorf("a log line has %d bytes, want at most 2 KB: %.300s", len(line), line)
		}
	}
}
