package passport_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

var styleText = regexp.MustCompile(`(?s)<style>(.*?)</style>`)

// checkHeaders fails for an answer of the authorization endpoint that lacks what
// each of them has to have. Every answer to every browser in these tests is
// checked, so that no page can forget it:
//
//   - AZ-24: no CORS header (RFC 9700 §2.6)
//   - AZ-25, UI-03: no frame, no script, forms to ourselves (OAuth 2.1 §7.10)
//   - AZ-26: no copy in a cache, no referrer (RFC 9700 §4.2.4)
func (a *answer) checkHeaders() {
	a.t.Helper()
	h := a.header
	for name := range h {
		if strings.HasPrefix(name, "Access-Control-") {
			a.t.Errorf("AZ-24: the answer has the CORS header %s: %s", name, a)
		}
	}
	if h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" {
		a.t.Errorf("AZ-26: the answer may be stored or sniffed: %v", h)
	}
	if strings.HasPrefix(h.Get("Content-Type"), "application/json") {
		return
	}
	if h.Get("Referrer-Policy") != "no-referrer" {
		a.t.Errorf("AZ-26: the answer lets its address out: %v", h)
	}
	if a.status != http.StatusSeeOther {
		a.checkPolicy()
	}
}

// checkPolicy checks the policy of a page, and that the page keeps to it.
func (a *answer) checkPolicy() {
	a.t.Helper()
	if a.header.Get("Content-Type") != "text/html; charset=utf-8" || a.header.Get("X-Frame-Options") != "DENY" {
		a.t.Errorf("AZ-25: the page has the headers %v", a.header)
	}
	policy := map[string]string{}
	for part := range strings.SplitSeq(a.header.Get("Content-Security-Policy"), "; ") {
		name, value, _ := strings.Cut(part, " ")
		policy[name] = value
	}
	style := sha256.Sum256([]byte(first(styleText, a.body)))
	for name, want := range map[string]string{
		"default-src": "'none'", "frame-ancestors": "'none'", "base-uri": "'none'",
		"style-src": "'sha256-" + base64.StdEncoding.EncodeToString(style[:]) + "'",
	} {
		if policy[name] != want {
			a.t.Errorf("UI-03: the page's policy has %s %s, want %s", name, policy[name], want)
		}
	}
	if policy["script-src"] != "" || !strings.HasPrefix(policy["form-action"]+" ", "'self' ") {
		a.t.Errorf("UI-03: the page's policy is %v", policy)
	}
	if !strings.HasPrefix(a.body, "<!doctype html>") || strings.Count(a.body, "</html>") != 1 {
		a.t.Errorf("the page is cut, or not one page: %s", a)
	}
}

// Each kind of answer has the headers that [answer.checkHeaders] asks for: the
// pages because they are framed by nobody (OAuth 2.1 §7.10), the redirects
// because their address holds a code (RFC 9700 §4.2.4).
func TestAuthorize_AZ_25_AZ_26_EachKindOfAnswer(t *testing.T) {
	s := newServer(t)
	c := s.web()
	b := s.browser()
	signIn := b.authorize(c)
	page := signIn.signIn("alice")
	clicks := page.clicks(3, "allow", "deny", "allow")
	redirected := s.do(clicks[0])
	s.redeem(c, first(codeInTarget, redirected.target()))
	for name, tt := range map[string]struct {
		a      *answer
		status int
	}{
		"to the sign-in page": {signIn, 303}, "consent": {page, 200}, "redirect": {redirected, 200}, "decided": {s.do(clicks[2]), 409},
		"with a code": {b.authorize(c), 303}, "with an error": {b.authorize(c, "scope", "nothing"), 303}, "error": {b.authorize(c, "client_id", "nobody"), 400},
	} {
		if tt.a.status != tt.status {
			t.Errorf("%s: status %d, want %d", name, tt.a.status, tt.status)
		}
		tt.a.checkHeaders()
		if got := tt.a.header.Get("X-Frame-Options"); (got == "DENY") != (tt.status != 303) {
			t.Errorf("%s: X-Frame-Options is %q", name, got)
		}
	}
}

var codeInTarget = regexp.MustCompile(`[?&]code=([A-Za-z0-9_-]+)`)

// Where a request comes from is what the connection says, unless a proxy that is
// listed says otherwise, and then what stands rightmost and is no such proxy.
func TestAuthorize_OP_01_ForwardedFor(t *testing.T) {
	for name, tt := range map[string]struct {
		trusted, forwarded []string
		want               string
	}{
		"nobody is trusted":         {nil, []string{"203.0.113.7"}, "192.0.2.1"},
		"another is trusted":        {[]string{"198.51.100.0/24"}, []string{"203.0.113.7"}, "192.0.2.1"},
		"the proxy is trusted":      {[]string{"192.0.2.0/24"}, []string{"203.0.113.7"}, "203.0.113.7"},
		"the client forged more":    {[]string{"192.0.2.0/24"}, []string{"127.0.0.1, 203.0.113.7"}, "203.0.113.7"},
		"in two headers":            {[]string{"192.0.2.0/24"}, []string{"127.0.0.1", "203.0.113.7"}, "203.0.113.7"},
		"through two proxies":       {[]string{"192.0.2.0/24"}, []string{"127.0.0.1, 203.0.113.7, 192.0.2.9"}, "203.0.113.7"},
		"what is no address":        {[]string{"192.0.2.0/24"}, []string{"<script>"}, "192.0.2.1"},
		"the proxy says nothing":    {[]string{"192.0.2.0/24"}, nil, "192.0.2.1"},
		"IPv6 in front of the list": {[]string{"192.0.2.0/24"}, []string{"2001:db8::7"}, "2001:db8::7"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, audited, func(c *passport.Config) {
				for _, prefix := range tt.trusted {
					c.TrustedProxies = append(c.TrustedProxies, netip.MustParsePrefix(prefix))
				}
			})
			b := s.browser().signIn("alice")
			b.header["X-Forwarded-For"] = tt.forwarded
			b.authorize(s.web()).allow().code() // from 192.0.2.1, as httptest has it
			log, _ := oauth.StoreAs[oauth.AuditStore](s.store)
			for record := range log.AuditLog(t.Context(), time.Time{}) {
				if record.Action == "code.issued" && record.Address != tt.want {
					t.Errorf("the audit log has the address %q, want %q", record.Address, tt.want)
				}
			}
		})
	}
}

// On a page whose form leads to ourselves the policy names no other target, and
// one that sends the user to a private-use scheme names that alone.
func TestAuthorize_UI_03_FormAction(t *testing.T) {
	s := newServer(t)
	for uri, want := range map[string]string{
		"https://app.example.com/cb":     "form-action 'self';",
		"http://127.0.0.1/cb":            "form-action 'self';",
		"http://[::1]:8000/cb":           "form-action 'self';",
		"com.example.app:/cb":            "form-action 'self' com.example.app:;",
		"com.example.app://example.com/": "form-action 'self' com.example.app:;",
	} {
		c := s.register(passport.Registration{AuthMethod: oauth.AuthNone, RedirectURIs: []string{uri}})
		page := s.browser().signIn("alice").authorize(c)
		page.ticket()
		if policy := page.header.Get("Content-Security-Policy"); !strings.Contains(policy, want) {
			t.Errorf("the page before %s has the policy %q, want %s", uri, policy, want)
		}
	}
}

// The endpoint MUST support GET and may support POST (RFC 6749 §3.1); it is no
// place for scripts, so OPTIONS gets no CORS header either (RFC 9700 §2.6).
func TestAuthorize_AZ_01_AZ_24_Methods(t *testing.T) {
	s := newServer(t)
	c, b := s.web(), s.browser().signIn("alice")
	for _, method := range []string{"PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "BREW"} {
		r := b.newRequest(method, "/oauth/authorize?"+c.request().Encode(), "", http.Header{
			"Origin": {"https://app.example.com"}, "Access-Control-Request-Method": {"POST"},
		})
		a := b.send(r)
		if a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "GET, POST" || a.isConsent() {
			t.Errorf("%s = %s with Allow %q", method, a, a.header.Get("Allow"))
		}
	}
	b.send(b.newRequest("POST", "/oauth/authorize", c.request().Encode(), nil)).allow().code()
	b.send(b.newRequest("GET", "/oauth/authorize?"+c.request().Encode(), "", http.Header{"Origin": {"https://app.example.com"}})).code()
}

// The server knows itself by its configuration: neither Host nor what a proxy
// says turns up in any answer.
func TestAuthorize_OP_01_NeverRepeat_E16_HostileHost(t *testing.T) {
	s := newServer(t)
	c, b := s.web(), s.browser()
	const evil = "evil.example"
	send := func(method, target, body string) *answer {
		r := b.newRequest(method, target, body, http.Header{
			"X-Forwarded-Host": {evil}, "X-Forwarded-Proto": {"http"}, "X-Forwarded-Prefix": {"/" + evil}, "X-Original-Url": {"/" + evil},
			"Forwarded": {"host=" + evil + ";proto=http"}, "X-Host": {evil}, "X-Forwarded-Server": {evil}, "Sec-Fetch-Site": {"same-origin"},
		})
		r.Host = evil
		a := b.send(r)
		for name, values := range a.header {
			if strings.Contains(strings.Join(values, " "), evil) {
				t.Errorf("%s %s: the header %s = %q", method, target, name, values)
			}
		}
		if strings.Contains(a.body, evil) {
			t.Errorf("%s %s: the body has the hostile host: %s", method, target, a)
		}
		return a
	}
	request := "/oauth/authorize?" + c.request().Encode()
	if to := send("GET", request, "").returnTo(); !strings.HasPrefix(to, "/oauth/authorize?") {
		t.Errorf("the sign-in page is told to come back to %s", to)
	}
	b.signIn("alice")
	page := send("GET", request, "")
	done := send("POST", "/oauth/authorize", url.Values{"ticket": {page.ticket()}, "decision": {"allow"}}.Encode())
	if iss := done.params().Get("iss"); iss != issuer {
		t.Errorf("iss = %q, want %q", iss, issuer)
	}
	send("GET", "/oauth/authorize?client_id=unknown", "").wantPage(400)
	for _, cookie := range (&http.Response{Header: page.header}).Cookies() {
		if cookie.Domain != "" || !cookie.Secure || !strings.HasPrefix(cookie.Name, "__Host-") {
			t.Errorf("the ticket's cookie is %v", cookie)
		}
	}
	r := httptest.NewRequest("GET", issuer+"/.well-known/oauth-authorization-server", nil)
	r.Host, r.Header = evil, http.Header{"X-Forwarded-Host": {evil}, "X-Forwarded-Proto": {"http"}}
	if meta := s.do(r); strings.Contains(meta.body, evil) || strings.Contains(meta.body, "http://") {
		t.Errorf("the metadata believes the request: %s", meta.body)
	}
}

// Clients are told of PKCE and of the iss parameter (RFC 8414 §2, RFC 9207 §3).
func TestMetadata_PK_10_AZ_14_AZ_16_AZ_31_WhatAuthorizeCanDo(t *testing.T) {
	s := newServer(t)
	meta := s.do(httptest.NewRequest("GET", issuer+"/.well-known/oauth-authorization-server", nil)).json()
	for name, want := range map[string]string{
		"code_challenge_methods_supported":               "[S256]",
		"response_types_supported":                       "[code]",
		"response_modes_supported":                       "[query]",
		"authorization_response_iss_parameter_supported": "true",
		"request_parameter_supported":                    "false",
		"request_uri_parameter_supported":                "false",
		"authorization_endpoint":                         issuer + "/oauth/authorize",
		"issuer":                                         issuer,
	} {
		if got := asText(meta[name]); got != want {
			t.Errorf("metadata %s = %s, want %s", name, got, want)
		}
	}
}

// An issuer with a path prefixes every endpoint; the well-known path stands
// before it (RFC 8414 §3.1). Nothing has a fragment (RFC 6749 §3.1).
func TestAuthorize_AZ_32_IssuerWithPath(t *testing.T) {
	for _, path := range []string{"", "/", "/connect", "/a/b"} {
		t.Run("Path "+path, func(t *testing.T) {
			const base = "https://example.com/tenant/one"
			s := newServer(t, func(c *passport.Config) { c.Issuer, c.Path = base, path })
			meta := s.do(httptest.NewRequest("GET", "https://example.com/.well-known/oauth-authorization-server/tenant/one", nil)).json()
			at := base + strings.TrimSuffix(path, "/")
			if path == "" {
				at = base + "/oauth"
			}
			if meta["authorization_endpoint"] != at+"/authorize" || meta["token_endpoint"] != at+"/token" || meta["issuer"] != base {
				t.Fatalf("metadata = %v", meta)
			}
			for name, value := range meta {
				if strings.Contains(asText(value), "#") {
					t.Errorf("%s has a fragment: %v", name, value)
				}
			}
			c, b := s.web(), s.browser()
			endpoint := strings.TrimPrefix(at, "https://example.com") + "/authorize?" + c.request().Encode()
			page := b.get(endpoint).signIn("alice")
			if action := first(formElement, page.body); action != strings.TrimPrefix(at, "https://example.com")+"/authorize" {
				t.Errorf("the form leads to %q", action)
			}
			done := page.allow()
			if done.params().Get("iss") != base {
				t.Errorf("the client is told the issuer %q", done.params().Get("iss"))
			}
			r := httptest.NewRequest("POST", at+"/token", strings.NewReader(set(url.Values{}, c.codeForm(done.code())...).Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.SetBasicAuth(c.ID, c.secret)
			if claims := claimsOf(t, s.do(r).tokens().Access); claims["iss"] != base {
				t.Errorf("the token's issuer is %v", claims["iss"])
			}
		})
	}
}
