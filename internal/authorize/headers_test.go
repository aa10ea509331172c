package authorize_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// Each kind of response has the headers that [testkit.Response.CheckHeaders] checks.
// Pages must not be framed (OAuth 2.1 §7.10). The URL of a redirect holds a code (RFC
// 9700 §4.2.4).
func TestAuthorize_AZ_25_AZ_26_EachKindOfResponse(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	b := s.Browser()
	signIn := b.Authorize(c)
	page := signIn.SignIn("alice")
	clicks := page.Clicks(3, "allow", "deny", "allow")
	redirected := s.Do(clicks[0])
	s.Redeem(c, testkit.First(codeInTarget, redirected.Target()))
	for name, tt := range map[string]struct {
		a      *testkit.Response
		status int
	}{
		"to the sign-in page": {signIn, 303}, "consent": {page, 200}, "redirect": {redirected, 200}, "decided": {s.Do(clicks[2]), 409},
		"with a code": {b.Authorize(c), 303}, "with an error": {b.Authorize(c, "scope", "nothing"), 303}, "error": {b.Authorize(c, "client_id", "unknown"), 400},
	} {
		if tt.a.Status != tt.status {
			t.Errorf("%s: status %d, want %d", name, tt.a.Status, tt.status)
		}
		tt.a.CheckHeaders()
		if got := tt.a.Header.Get("X-Frame-Options"); (got == "DENY") != (tt.status != 303) {
			t.Errorf("%s: X-Frame-Options = %q, want DENY on pages only", name, got)
		}
	}
}

var codeInTarget = regexp.MustCompile(`[?&]code=([A-Za-z0-9_-]+)`)

// The address of a client is that of the connection. Behind a trusted proxy, it is the
// rightmost address in X-Forwarded-For that is not a trusted proxy.
func TestAuthorize_OP_01_ForwardedFor(t *testing.T) {
	for name, tt := range map[string]struct {
		trusted, forwarded []string
		want               string
	}{
		"no trusted proxy":          {nil, []string{"203.0.113.7"}, "192.0.2.1"},
		"another proxy is trusted":  {[]string{"198.51.100.0/24"}, []string{"203.0.113.7"}, "192.0.2.1"},
		"the proxy is trusted":      {[]string{"192.0.2.0/24"}, []string{"203.0.113.7"}, "203.0.113.7"},
		"a forged address in front": {[]string{"192.0.2.0/24"}, []string{"127.0.0.1, 203.0.113.7"}, "203.0.113.7"},
		"in two headers":            {[]string{"192.0.2.0/24"}, []string{"127.0.0.1", "203.0.113.7"}, "203.0.113.7"},
		"through two proxies":       {[]string{"192.0.2.0/24"}, []string{"127.0.0.1, 203.0.113.7, 192.0.2.9"}, "203.0.113.7"},
		"an invalid address":        {[]string{"192.0.2.0/24"}, []string{"<script>"}, "192.0.2.1"},
		"no header from the proxy":  {[]string{"192.0.2.0/24"}, nil, "192.0.2.1"},
		"IPv6 in front of the list": {[]string{"192.0.2.0/24"}, []string{"2001:db8::7"}, "2001:db8::7"},
	} {
		t.Run(name, func(t *testing.T) {
			s := testkit.NewServer(t, audited, func(c *passport.Config) {
				for _, prefix := range tt.trusted {
					c.TrustedProxies = append(c.TrustedProxies, netip.MustParsePrefix(prefix))
				}
			})
			b := s.Browser().SignIn("alice")
			b.Header["X-Forwarded-For"] = tt.forwarded
			b.Authorize(s.Web()).Allow().Code() // from 192.0.2.1, the address in httptest
			log, _ := oauth.StoreAs[oauth.AuditStore](s.Store)
			for record := range log.AuditLog(t.Context(), time.Time{}) {
				if record.Action == "code.issued" && record.Address != tt.want {
					t.Errorf("address in the audit log = %q, want %q", record.Address, tt.want)
				}
			}
		})
	}
}

// The form-action of a consent page names only this server and, if the response goes
// to a private-use scheme, that scheme.
func TestAuthorize_UI_03_FormAction(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) { c.AllowedRedirectSchemes = []string{"cursor"} })
	for uri, want := range map[string]string{
		"cursor://app/callback":          "form-action 'self' cursor:;",
		"https://app.example.com/cb":     "form-action 'self';",
		"http://127.0.0.1/cb":            "form-action 'self';",
		"http://[::1]:8000/cb":           "form-action 'self';",
		"com.example.app:/cb":            "form-action 'self' com.example.app:;",
		"com.example.app://example.com/": "form-action 'self' com.example.app:;",
	} {
		c := s.Register(passport.Registration{AuthMethod: oauth.AuthNone, RedirectURIs: []string{uri}})
		page := s.Browser().SignIn("alice").Authorize(c)
		page.Ticket()
		if policy := page.Header.Get("Content-Security-Policy"); !strings.Contains(policy, want) {
			t.Errorf("the page for %s has the policy %q, want %s", uri, policy, want)
		}
	}
}

// The endpoint MUST support GET and may support POST (RFC 6749 §3.1). It is not for
// scripts, so OPTIONS gets no CORS header (RFC 9700 §2.6).
func TestAuthorize_AZ_01_AZ_24_Methods(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	for _, method := range []string{"PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "BREW"} {
		r := b.NewRequest(method, "/oauth/authorize?"+c.Request().Encode(), "", http.Header{
			"Origin": {"https://app.example.com"}, "Access-Control-Request-Method": {"POST"},
		})
		a := b.Send(r)
		if a.Status != http.StatusMethodNotAllowed || a.Header.Get("Allow") != "GET, POST" || a.IsConsent() {
			t.Errorf("%s = %s with Allow %q, want 405 with GET, POST", method, a, a.Header.Get("Allow"))
		}
	}
	b.Send(b.NewRequest("POST", "/oauth/authorize", c.Request().Encode(), nil)).Allow().Code()
	b.Send(b.NewRequest("GET", "/oauth/authorize?"+c.Request().Encode(), "", http.Header{"Origin": {"https://app.example.com"}})).Code()
}

// The server takes its own address from the configuration. Neither Host nor the headers
// of a proxy appear in a response.
func TestAuthorize_OP_01_NeverRepeat_E16_HostileHost(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser()
	const evil = "evil.example"
	send := func(method, target, body string) *testkit.Response {
		r := b.NewRequest(method, target, body, http.Header{
			"X-Forwarded-Host": {evil}, "X-Forwarded-Proto": {"http"}, "X-Forwarded-Prefix": {"/" + evil}, "X-Original-Url": {"/" + evil},
			"Forwarded": {"host=" + evil + ";proto=http"}, "X-Host": {evil}, "X-Forwarded-Server": {evil}, "Sec-Fetch-Site": {"same-origin"},
		})
		r.Host = evil
		a := b.Send(r)
		for name, values := range a.Header {
			if strings.Contains(strings.Join(values, " "), evil) {
				t.Errorf("%s %s: the header %s = %q", method, target, name, values)
			}
		}
		if strings.Contains(a.Body, evil) {
			t.Errorf("%s %s: the body contains the hostile host: %s", method, target, a)
		}
		return a
	}
	request := "/oauth/authorize?" + c.Request().Encode()
	if to := send("GET", request, "").ReturnTo(); !strings.HasPrefix(to, "/oauth/authorize?") {
		t.Errorf("return_to of the sign-in page = %s, want /oauth/authorize?…", to)
	}
	b.SignIn("alice")
	page := send("GET", request, "")
	done := send("POST", "/oauth/authorize", url.Values{"ticket": {page.Ticket()}, "decision": {"allow"}}.Encode())
	if iss := done.Params().Get("iss"); iss != testkit.Issuer {
		t.Errorf("iss = %q, want %q", iss, testkit.Issuer)
	}
	send("GET", "/oauth/authorize?client_id=unknown", "").WantPage(400)
	for _, cookie := range (&http.Response{Header: page.Header}).Cookies() {
		if cookie.Domain != "" || !cookie.Secure || !strings.HasPrefix(cookie.Name, "__Host-") {
			t.Errorf("the ticket's cookie is %v, want __Host-, Secure and no Domain", cookie)
		}
	}
	r := httptest.NewRequest("GET", testkit.Issuer+"/.well-known/oauth-authorization-server", nil)
	r.Host, r.Header = evil, http.Header{"X-Forwarded-Host": {evil}, "X-Forwarded-Proto": {"http"}}
	if meta := s.Do(r); strings.Contains(meta.Body, evil) || strings.Contains(meta.Body, "http://") {
		t.Errorf("the metadata contains the host of the request: %s", meta.Body)
	}
}

// The path of the issuer is a prefix of every endpoint, and follows the well-known path
// (RFC 8414 §3.1). No endpoint has a fragment (RFC 6749 §3.1).
func TestAuthorize_AZ_32_IssuerWithPath(t *testing.T) {
	for _, path := range []string{"", "/", "/connect", "/a/b"} {
		t.Run("Path "+path, func(t *testing.T) {
			const base = "https://example.com/tenant/one"
			s := testkit.NewServer(t, func(c *passport.Config) { c.Issuer, c.Path = base, path })
			meta := s.Do(httptest.NewRequest("GET", "https://example.com/.well-known/oauth-authorization-server/tenant/one", nil)).JSON()
			at := base + strings.TrimSuffix(path, "/")
			if path == "" {
				at = base + "/oauth"
			}
			if meta["authorization_endpoint"] != at+"/authorize" || meta["token_endpoint"] != at+"/token" || meta["issuer"] != base {
				t.Fatalf("metadata = %v", meta)
			}
			for name, value := range meta {
				if strings.Contains(testkit.AsText(value), "#") {
					t.Errorf("%s has a fragment: %v", name, value)
				}
			}
			c, b := s.Web(), s.Browser()
			endpoint := strings.TrimPrefix(at, "https://example.com") + "/authorize?" + c.Request().Encode()
			page := b.Get(endpoint).SignIn("alice")
			if action := testkit.First(testkit.FormElement, page.Body); action != strings.TrimPrefix(at, "https://example.com")+"/authorize" {
				t.Errorf("the form's action is %q", action)
			}
			done := page.Allow()
			if done.Params().Get("iss") != base {
				t.Errorf("iss of the response = %q", done.Params().Get("iss"))
			}
			r := httptest.NewRequest("POST", at+"/token", strings.NewReader(testkit.Set(url.Values{}, c.CodeForm(done.Code())...).Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.SetBasicAuth(c.ID, c.Secret)
			if claims := testkit.ClaimsOf(t, s.Do(r).Tokens().Access); claims["iss"] != base {
				t.Errorf("iss of the token = %v", claims["iss"])
			}
		})
	}
}
