package passport_test

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// hostile are names and texts that people might give to clients, accounts and
// scopes.
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `</title></head><body>`, `{{.Ticket}}{{define "x"}}`,
	"</style><style>*{}", "<!--", "]]>", "\x00\x01\x7f", "&lt;b&gt; &amp; &#60;", "javascript:alert(1)", "a\r\nSet-Cookie: x=y", "\xff\xfe",
	"Trusted \u202egro.live\u202c App", "zero\u200bwidth\ufeffjoin\u200d", "\u2066isolate\u2069 \u061cmark", "Zalgo" + strings.Repeat("\u0301", 200),
	"two\u2028lines\u2029here", strings.Repeat("long name ", 24), strings.Repeat("W", 250), "שלום", "你好", "\U0001F511 keys", "\u3164\u115f",
}

// isInert fails for a page in which anything but our own markup is markup, or
// with characters that are not seen.
func (a *answer) isInert(what string) {
	a.t.Helper()
	if i := strings.IndexFunc(a.body, func(r rune) bool {
		return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar || r == '\u2028' || r == '\u2029')
	}); i >= 0 {
		a.t.Errorf("UI-04: the page with %q has a character that nobody sees: %q", what, a.body[i:min(len(a.body), i+20)])
	}
	for _, tag := range anyTag.FindAllString(styleText.ReplaceAllString(a.body, "<style></style>"), -1) {
		if !ourTag.MatchString(tag) {
			a.t.Errorf("UI-04: the page with %q has the tag %s", what, tag)
		}
	}
	for _, attribute := range []string{"onerror", "onmouseover", "javascript:"} {
		for _, tag := range anyTag.FindAllString(a.body, -1) {
			if strings.Contains(tag, attribute) {
				a.t.Errorf("UI-04: the page with %q has the tag %s", what, tag)
			}
		}
	}
}

var (
	anyTag = regexp.MustCompile(`<[a-zA-Z/!][^>]*>`)
	ourTag = regexp.MustCompile(`^<(!doctype html|/?(html|head|body|title|style|header|main|footer|section|h1|h2|p|ul|li|dl|dt|dd|div|span|strong|bdi|code|details|summary|form|svg)|` +
		`(html|main|header|span|p|ul|dl|dd|div|details|footer) [a-z="\- ]+|details open|svg viewBox="0 0 24 24" focusable="false"|/svg|(circle|path) [a-zA-Z0-9="\-. ]+/|` +
		`meta (charset="utf-8"|name="viewport" content="[^"<>]*"|name="robots" content="noindex"|http-equiv="refresh" content="0;url=[^"<>]*")|` +
		`link rel="icon" href="data:image/svg[^"<>]*"|form method="post" action="/oauth/authorize"|input type="hidden" name="ticket" value="[A-Za-z0-9._-]+"|` +
		`button class="button( primary)?" name="decision" value="(allow|deny)"|/button|a class="button primary" href="((https?|com\.example\.app):|/login\?)[^"<>]*" rel="noreferrer"|/a)>$`)
)

// Whatever clients, accounts and scopes are called, it is text (RFC 9700 §4.1;
// doorkeeper CVE-2018-1000088).
func TestAuthorize_UI_04_NeverRepeat_B8_HostileNames(t *testing.T) {
	for _, name := range hostile {
		s := newServer(t, func(c *passport.Config) {
			c.Scopes = []passport.Scope{{ID: "read", Description: name}, {ID: `<b>'&{{.}}`, Description: "plain"}}
		})
		s.users.byID["alice"].Name = name
		c := s.web()
		made := *c.Client
		made.ID, made.Name = "hostile", name
		if err := s.store.CreateClient(t.Context(), &made, nil); err != nil { // past the checks of CreateClient
			t.Fatal(err)
		}
		b := s.browser().signIn("alice")
		page := b.authorize(c, "client_id", "hostile", "scope", `read <b>'&{{.}}`)
		page.ticket()
		page.isInert(name)
		page.deny().isInert(name)
		again := b.authorize(c, "client_id", "hostile", "scope", "read")
		again.allow().isInert(name)
		// The page says something in place of a name that has nothing to see.
		if shown := first(headingElement, page.body); strings.TrimSpace(shown) == "" || len([]rune(shown)) > 80 {
			t.Errorf("the page calls the client %q %q", name, shown)
		}
	}
}

var headingElement = regexp.MustCompile(`<h1><bdi>(.*?)</bdi> wants to use your account</h1>`)

// What CreateClient refuses never gets that far.
func TestCreateClient_UI_04_Names(t *testing.T) {
	s := newServer(t)
	for name, ok := range map[string]bool{
		"My App": true, "  trimmed  ": true, "日本語": true, "<script>": true, strings.Repeat("a", 255): true,
		"": false, "   ": false, "a\x00b": false, "a\nb": false, "\xff": false, strings.Repeat("a", 256): false, strings.Repeat("é", 128): false,
	} {
		_, err := s.CreateClient(t.Context(), passport.Registration{Name: name, RedirectURIs: []string{"https://app.example.com/"}})
		if (err == nil) != ok {
			t.Errorf("CreateClient with the name %q = %v, want it to work: %v", name, err, ok)
		}
	}
}

// Nothing of a request is repeated on a page but what the user has to see, and
// that escaped (hydra CVE-2019-8400, authelia CVE-2026-33525).
func TestAuthorize_NeverRepeat_B9_NothingIsReflected(t *testing.T) {
	s := newServer(t)
	c := s.web()
	untrusted := s.register(passport.Registration{Owner: ref("bob")})
	const canary = `canary<x y="z">'&`
	for _, name := range []string{
		"client_id", "redirect_uri", "response_type", "scope", "state", "code_challenge", "code_challenge_method", "prompt", "request", "request_uri",
		"response_mode", "resource", "passport_sign_in", "error", "error_description", "error_hint", "ticket", "decision", "unknown",
		"scope[" + canary + "]", canary,
	} {
		for _, c := range []*client{c, untrusted} {
			for _, b := range []*browser{s.browser(), s.browser().signIn("alice")} {
				a := b.get("/oauth/authorize?" + set(c.request(), name, canary).Encode())
				if a.isInert(name); strings.Contains(a.body, `<x y=`) || a.target() == "" && !strings.HasPrefix(name, "scope[") && strings.Contains(html.UnescapeString(a.body), "canary") {
					t.Errorf("the page repeats the parameter %s: %s", name, a)
				}
			}
		}
	}
	page := s.browser().signIn("alice").authorize(c)
	for _, form := range []url.Values{{"ticket": {canary}, "decision": {"allow"}}, {"ticket": {page.ticket()}, "decision": {canary}}} {
		if a := page.from.post("/oauth/authorize", form); strings.Contains(html.UnescapeString(a.body), "canary") {
			t.Errorf("the page repeats what the form held: %s", a)
		}
	}
}

// The page says who asks, who is asked, for what, and where the answer goes. It
// works without a script; the first button is the one that does nothing.
func TestAuthorize_UI_04_WhatTheConsentPageSays(t *testing.T) {
	s := newServer(t, func(c *passport.Config) { c.Resources = []string{"https://api.example.com/v1"} })
	c := s.register(passport.Registration{Name: "Order Tracker", RedirectURIs: []string{"https://tracker.example:8443/cb"}})
	b := s.browser().signIn("alice")
	page := b.authorize(c, "scope", "write read", "resource", "https://api.example.com/v1")
	text := page.String()
	for _, want := range []string{
		"Order Tracker wants to use your account", "auth.example.com", "Read your orders", "Place orders for you", "Name of alice",
		"tracker.example:8443", "https://api.example.com/v1", "Until you take it back", "365 days",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q: %s", want, text)
		}
	}
	if strings.Index(text, "Read your orders") > strings.Index(text, "Place orders for you") {
		t.Error("the scopes do not stand in the order of the configuration")
	}
	if strings.Contains(text, "Administer") || strings.Contains(text, "app on this device") || strings.Contains(page.body, "<a ") {
		t.Errorf("the page says or links more than is asked: %s", text)
	}
	if cancel, allow := strings.Index(page.body, `value="deny"`), strings.Index(page.body, `value="allow"`); cancel < 0 || allow < cancel {
		t.Error("the first button is not Cancel, which the Enter key would press")
	}
	s.users.byID["bob"].Name = ""
	if text := s.browser().signIn("bob").authorize(c).String(); !strings.Contains(text, "The one you are signed in with") {
		t.Errorf("the page of an account without a name: %s", text)
	}
	for uri, host := range map[string]string{"http://127.0.0.1:7000/cb": "127.0.0.1:7000", "com.example.app:/cb": "com.example.app", "http://[::1]:70/cb": "[::1]:70"} {
		device := s.register(passport.Registration{AuthMethod: oauth.AuthNone, RedirectURIs: []string{uri}})
		if text := b.authorize(device).String(); !strings.Contains(text, host+" – an app on this device") {
			t.Errorf("the page before %s: %s", uri, text)
		}
	}
}

// A request that can be answered by nothing but a page has one of a status that
// says so, and none claims success (libraz: a page that said "done").
func TestAuthorize_NeverRepeat_B19_ErrorPages(t *testing.T) {
	s := newServer(t)
	c, b := s.web(), s.browser().signIn("alice")
	page := b.authorize(c)
	clicks := page.clicks(2, "deny", "allow")
	s.do(clicks[0])
	for what, tt := range map[string]struct {
		a      *answer
		status int
		says   string
	}{
		"unknown client":  {b.authorize(c, "client_id", "nobody"), 400, "This app is not known here"},
		"bad URI":         {b.authorize(c, "redirect_uri", "https://evil.example"), 400, "This request cannot be completed"},
		"stale":           {page.answerWith("x", "allow"), 400, "This page has expired"},
		"decided":         {s.do(clicks[1]), 409, "You have already decided"},
		"a foreign form":  {b.send(b.newRequest("POST", "/oauth/authorize", "ticket=x&decision=allow", map[string][]string{"Origin": {"https://evil.example"}})), 403, "This answer was not accepted"},
		"another method":  {b.send(b.newRequest("PUT", "/oauth/authorize", "", nil)), 405, "This request cannot be completed"},
		"a long request":  {b.get("/oauth/authorize?" + strings.Repeat("a", 20<<10)), 414, "longer than 8192 bytes"},
		"a large body":    {b.send(b.newRequest("POST", "/oauth/authorize", strings.Repeat("a", 1<<20), nil)), 413, "larger than 65536 bytes"},
		"a bad encoding":  {b.get("/oauth/authorize?client_id=%zz"), 400, "not properly encoded"},
		"a bad separator": {b.get("/oauth/authorize?client_id=a;b"), 400, "not properly encoded"},
	} {
		tt.a.wantPage(tt.status, tt.says)
		tt.a.checkPolicy()
		tt.a.isInert(what)
	}
}
