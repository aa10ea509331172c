package testkit

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"regexp"
	"strings"
	"unicode"
)

// StyleText matches the style sheet in a page.
var StyleText = regexp.MustCompile(`(?s)<style>(.*?)</style>`)

// CheckHeaders fails the test if a response of the authorization endpoint lacks
// a required header. [Browser.Send] calls it for every response, so that no
// page can lack one:
//
//   - AZ-24: no CORS header (RFC 9700 §2.6)
//   - AZ-25, UI-03: no frames, no scripts, forms to our own origin (OAuth 2.1
//     §7.10)
//   - AZ-26: no caching, no referrer (RFC 9700 §4.2.4)
func (a *Response) CheckHeaders() {
	a.T.Helper()
	h := a.Header
	for name := range h {
		if strings.HasPrefix(name, "Access-Control-") {
			a.T.Errorf("AZ-24: the response has the CORS header %s: %s", name, a)
		}
	}
	if h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" {
		a.T.Errorf("AZ-26: want no-store and nosniff, got %v", h)
	}
	if strings.HasPrefix(h.Get("Content-Type"), "application/json") {
		return
	}
	referrer := "no-referrer"
	if a.PostsForm() { // the client sees the origin of the form
		referrer = "origin"
	}
	if h.Get("Referrer-Policy") != referrer {
		a.T.Errorf("AZ-26: want Referrer-Policy: %s, got %v", referrer, h)
	}
	if a.Status != http.StatusSeeOther {
		a.CheckPolicy()
	}
}

// CheckPolicy checks the security policy of a page, and that the page complies
// with it.
func (a *Response) CheckPolicy() {
	a.T.Helper()
	if a.Header.Get("Content-Type") != "text/html; charset=utf-8" || a.Header.Get("X-Frame-Options") != "DENY" {
		a.T.Errorf("AZ-25: the page has the headers %v", a.Header)
	}
	policy := map[string]string{}
	for part := range strings.SplitSeq(a.Header.Get("Content-Security-Policy"), "; ") {
		name, value, _ := strings.Cut(part, " ")
		policy[name] = value
	}
	style := sha256.Sum256([]byte(First(StyleText, a.Body)))
	for name, want := range map[string]string{
		"default-src": "'none'", "frame-ancestors": "'none'", "base-uri": "'none'",
		"style-src": "'sha256-" + base64.StdEncoding.EncodeToString(style[:]) + "'",
	} {
		if policy[name] != want {
			a.T.Errorf("UI-03: the page's policy has %s %s, want %s", name, policy[name], want)
		}
	}
	script := ""
	if a.PostsForm() {
		script = "'self'"
	}
	if policy["script-src"] != script || !strings.HasPrefix(policy["form-action"]+" ", "'self' ") {
		a.T.Errorf("UI-03: want a policy without scripts, except of the form for a client, and with forms to 'self', got %v", policy)
	}
	if !strings.HasPrefix(a.Body, "<!doctype html>") || strings.Count(a.Body, "</html>") != 1 {
		a.T.Errorf("want one complete page, got %s", a)
	}
}

// IsInert fails the test if a page has markup other than our own, or invisible
// characters.
func (a *Response) IsInert(what string) {
	a.T.Helper()
	if i := strings.IndexFunc(a.Body, func(r rune) bool {
		return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar || r == '\u2028' || r == '\u2029')
	}); i >= 0 {
		a.T.Errorf("UI-04: the page with %q has an invisible character: %q", what, a.Body[i:min(len(a.Body), i+20)])
	}
	for _, tag := range anyTag.FindAllString(StyleText.ReplaceAllString(a.Body, "<style></style>"), -1) {
		if !ourTag.MatchString(tag) {
			a.T.Errorf("UI-04: the page with %q has the tag %s", what, tag)
		}
	}
	for _, attribute := range []string{"onerror", "onmouseover", "javascript:"} {
		for _, tag := range anyTag.FindAllString(a.Body, -1) {
			if strings.Contains(tag, attribute) {
				a.T.Errorf("UI-04: the page with %q has the tag %s", what, tag)
			}
		}
	}
}

var (
	anyTag = regexp.MustCompile(`<[a-zA-Z/!][^>]*>`)
	ourTag = regexp.MustCompile(`^<(!doctype html|/?(html|head|body|title|style|header|main|footer|section|h1|h2|h3|p|ul|li|dl|dt|dd|div|span|strong|bdi|code|details|summary|form|svg)|` +
		`(html|main|header|span|p|ul|dl|dd|div|details|footer) [a-z="\- ]+|details open|svg viewBox="0 0 24 24" focusable="false"|/svg|(circle|path) [a-zA-Z0-9="\-. ]+/|` +
		`meta (charset="utf-8"|name="viewport" content="[^"<>]*"|name="robots" content="noindex"|http-equiv="refresh" content="0;url=[^"<>]*")|` +
		`link rel="icon" href="data:image/svg[^"<>]*"|form method="post" action="/oauth/authorize"|input type="hidden" name="ticket" value="[A-Za-z0-9._-]+"|` +
		`button class="button( primary)?" name="decision" value="(allow|deny)"|/button|a class="button primary" href="((https?|com\.example\.app):|/login\?)[^"<>]*" rel="noreferrer"|` +
		`a class="button( primary)?" href="(https://auth\.example\.com/|/oauth/authorize\?[^"<>]*)"|` +
		`a class="switch" href="/oauth/authorize\?passport_sign_in=[A-Za-z0-9._-]+"|/a)>$`)
)
