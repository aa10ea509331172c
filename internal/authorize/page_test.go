package authorize_test

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// hostile has names and texts that an attacker might give to clients, accounts and
// scopes.
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `</title></head><body>`, `{{.Ticket}}{{define "x"}}`,
	"</style><style>*{}", "<!--", "]]>", "\x00\x01\x7f", "&lt;b&gt; &amp; &#60;", "javascript:alert(1)", "a\r\nSet-Cookie: x=y", "\xff\xfe",
	"Trusted \u202egro.live\u202c App", "zero\u200bwidth\ufeffjoin\u200d", "\u2066isolate\u2069 \u061cmark", "Zalgo" + strings.Repeat("\u0301", 200),
	"two\u2028lines\u2029here", strings.Repeat("long name ", 24), strings.Repeat("W", 250), "שלום", "你好", "\U0001F511 keys", "\u3164\u115f",
}

// Names of clients, accounts and scopes are always shown as text (RFC 9700 §4.1;
// doorkeeper CVE-2018-1000088).
func TestAuthorize_UI_04_NeverRepeat_B8_HostileNames(t *testing.T) {
	for _, name := range hostile {
		s := testkit.NewServer(t, func(c *passport.Config) {
			c.Scopes = []passport.Scope{{ID: "read", Description: name, Group: name}, {ID: `<b>'&{{.}}`, Description: "plain"}}
		})
		s.Users.ByID["alice"].Name, s.Users.ByID["alice"].Email = name, name+"@example.com"
		c := s.Web()
		attack := *c.Client
		attack.ID, attack.Name = "hostile", name
		if err := s.Store.CreateClient(t.Context(), &attack, nil); err != nil { // bypasses the checks of CreateClient
			t.Fatal(err)
		}
		b := s.Browser().SignIn("alice")
		page := b.Authorize(c, "client_id", "hostile", "scope", `read <b>'&{{.}}`)
		page.Ticket()
		page.IsInert(name)
		page.Deny().IsInert(name)
		again := b.Authorize(c, "client_id", "hostile", "scope", "read")
		again.Allow().IsInert(name)
		// A name without visible characters is replaced.
		if shown := testkit.First(headingElement, page.Body); strings.TrimSpace(shown) == "" || len([]rune(shown)) > 80 {
			t.Errorf("the page shows the client name %q as %q", name, shown)
		}
	}
}

var headingElement = regexp.MustCompile(`<h1>Allow <bdi>(.*?)</bdi> to use your account\?</h1>`)

// A page shows only the parameters that the user must see, and escapes them (hydra
// CVE-2019-8400, authelia CVE-2026-33525).
func TestAuthorize_NeverRepeat_B9_NothingIsReflected(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	untrusted := s.Register(passport.Registration{Owner: testkit.Ref("bob")})
	const canary = `canary<x y="z">'&`
	for _, name := range []string{
		"client_id", "redirect_uri", "response_type", "scope", "state", "code_challenge", "code_challenge_method", "prompt", "request", "request_uri",
		"response_mode", "resource", "passport_sign_in", "error", "error_description", "error_hint", "ticket", "decision", "unknown",
		"scope[" + canary + "]", canary,
	} {
		for _, c := range []*testkit.Client{c, untrusted} {
			for _, b := range []*testkit.Browser{s.Browser(), s.Browser().SignIn("alice")} {
				a := b.Get("/oauth/authorize?" + testkit.Set(c.Request(), name, canary).Encode())
				if a.IsInert(name); strings.Contains(a.Body, `<x y=`) || a.Target() == "" && !strings.HasPrefix(name, "scope[") && strings.Contains(html.UnescapeString(a.Body), "canary") {
					t.Errorf("the page contains the parameter %s: %s", name, a)
				}
			}
		}
	}
	page := s.Browser().SignIn("alice").Authorize(c)
	for _, form := range []url.Values{{"ticket": {canary}, "decision": {"allow"}}, {"ticket": {page.Ticket()}, "decision": {canary}}} {
		if a := page.From.Post("/oauth/authorize", form); strings.Contains(html.UnescapeString(a.Body), "canary") {
			t.Errorf("the page contains a field of the form: %s", a)
		}
	}
}

// The page names the client, the user, the scopes and the target of the redirect. It
// works without scripts, and its first button is Cancel.
func TestAuthorize_UI_04_ConsentPageContent(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) { c.Resources = []string{"https://api.example.com/v1"} })
	c := s.Register(passport.Registration{Name: "Order Tracker", RedirectURIs: []string{"https://tracker.example:8443/cb"}})
	b := s.Browser().SignIn("alice")
	page := b.Authorize(c, "scope", "write read", "resource", "https://api.example.com/v1")
	text := page.String()
	for _, want := range []string{
		"Allow Order Tracker to use your account?", "auth.example.com", "Read your orders", "Place orders for you", "Name of alice alice@example.com Switch account",
		"tracker.example:8443", "https://api.example.com/v1", "Access lasts until you remove it, or for one year.",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not contain %q: %s", want, text)
		}
	}
	if strings.Index(text, "Read your orders") > strings.Index(text, "Place orders for you") {
		t.Error("the scopes are not in the order of the configuration")
	}
	if strings.Contains(text, "Administer") || strings.Contains(text, "app on this device") || strings.Count(page.Body, "<a ") != 1 {
		t.Errorf("the page has more than the request needs: %s", text)
	}
	if cancel, allow := strings.Index(page.Body, `value="deny"`), strings.Index(page.Body, `value="allow"`); cancel < 0 || allow < cancel {
		t.Error("the first button, which Enter activates, is not Cancel")
	}
	s.Users.ByID["bob"].Name, s.Users.ByID["bob"].Email = "", ""
	if text := s.Browser().SignIn("bob").Authorize(c).String(); !strings.Contains(text, "The account you are signed in with") {
		t.Errorf("the page for an account without a name: %s", text)
	}
	for uri, host := range map[string]string{"http://127.0.0.1:7000/cb": "127.0.0.1:7000", "com.example.app:/cb": "com.example.app", "http://[::1]:70/cb": "[::1]:70"} {
		device := s.Register(passport.Registration{AuthMethod: oauth.AuthNone, RedirectURIs: []string{uri}})
		if text := b.Authorize(device).String(); !strings.Contains(text, host+" (an app on this device)") {
			t.Errorf("the page for %s: %s", uri, text)
		}
	}
}

// If the response can only be a page, its status and text say that the request failed
// (libraz showed a page that said "done").
func TestAuthorize_NeverRepeat_B19_ErrorPages(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	page := b.Authorize(c)
	clicks := page.Clicks(2, "deny", "allow")
	s.Do(clicks[0])
	for what, tt := range map[string]struct {
		a      *testkit.Response
		status int
		says   string
	}{
		"unknown client":  {b.Authorize(c, "client_id", "unknown"), 400, "Unknown app"},
		"bad URI":         {b.Authorize(c, "redirect_uri", "https://evil.example"), 400, "Something is wrong with this request"},
		"stale":           {page.DecideWith("x", "allow"), 400, "This page has expired"},
		"decided":         {s.Do(clicks[1]), 409, "already answered this"},
		"a foreign form":  {b.Send(b.NewRequest("POST", "/oauth/authorize", "ticket=x&decision=allow", map[string][]string{"Origin": {"https://evil.example"}})), 403, "We weren’t expecting this response"},
		"another method":  {b.Send(b.NewRequest("PUT", "/oauth/authorize", "", nil)), 405, "Something is wrong with this request"},
		"a long request":  {b.Get("/oauth/authorize?" + strings.Repeat("a", 20<<10)), 414, "longer than 8192 bytes"},
		"a large body":    {b.Send(b.NewRequest("POST", "/oauth/authorize", strings.Repeat("a", 1<<20), nil)), 413, "larger than 65536 bytes"},
		"a bad encoding":  {b.Get("/oauth/authorize?client_id=%zz"), 400, "not properly encoded"},
		"a bad separator": {b.Get("/oauth/authorize?client_id=a;b"), 400, "not properly encoded"},
	} {
		tt.a.WantPage(tt.status, tt.says)
		tt.a.CheckPolicy()
		tt.a.IsInert(what)
	}
}
