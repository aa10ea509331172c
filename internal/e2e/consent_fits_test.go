package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// fold is the height above which the buttons of a small request must end: it is what a
// phone or a small laptop shows of a page between the bars of its browser.
const fold = 600

const manyScopes = 60

// scopeID returns the ID of a scope, in one of three groups.
func scopeID(i int) string { return fmt.Sprintf("%c:s%d", 'a'+i%3, i) }

// startWithScopes starts a server with [manyScopes] scopes, all with a mark, and an account.
func startWithScopes(t *testing.T) *server {
	t.Helper()
	var config strings.Builder
	for i := range manyScopes {
		fmt.Fprintf(&config, "[[scopes]]\nid = %q\ndescription = \"See and change list %d\"\ncan_change = true\n", scopeID(i), i)
	}
	s := newServer(t)
	if err := os.WriteFile(filepath.Join(s.dir, "passport.toml"), []byte(config.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	s.start(t, "serve", "--listen", freeAddress(t))
	s.user(t, userEmail, userName)
	return s
}

// bottoms returns where the buttons of the consent page end, in a window of a size.
func (b *tab) bottoms(width, height int64) []float64 {
	b.t.Helper()
	b.do("change the size", chromedp.EmulateViewport(width, height))
	ends := ask(b, chromedp.Evaluate[[]float64](`[...document.querySelectorAll("button[name=decision]")].map(e => e.getBoundingClientRect().bottom)`))
	if len(ends) != 2 {
		b.t.Fatalf("the page has %d buttons, want Cancel and Allow:\n%s", len(ends), b.text())
	}
	return ends
}

var windows = [][2]int64{{390, 664}, {1280, 660}}

// With at most three scopes, both buttons of the consent page are in view without
// scrolling, also if each scope is in a group and a mark is beside it.
func TestE2E_PG_01_ConsentFits(t *testing.T) {
	s := startWithScopes(t)
	party := newThirdParty(t, "tcp4", "127.0.0.1:0")
	callback := "http://127.0.0.1:" + party.port + "/callback"
	c := s.client(t, "--name", "Order Tracker", "--redirect_uri", callback)
	b := newPerson(t, s).tab()
	b.open(authorize(s, c.ID, callback))
	b.signIn(userEmail, userPassword)
	b.see("Allow Order Tracker to use your account?")
	for _, scopes := range []string{"", "a:s0", "a:s0 a:s3 a:s6", "a:s0 b:s1 c:s2"} {
		b.open(authorize(s, c.ID, callback, "scope", scopes))
		b.see("Allow Order Tracker to use your account?")
		for _, w := range windows {
			for _, end := range b.bottoms(w[0], w[1]) {
				if end > fold {
					t.Errorf("scopes %q in a window of %d×%d: a button ends at %.0f, want at most %d", scopes, w[0], w[1], end, fold)
				}
			}
		}
	}
}

// With 60 scopes the buttons stay at the bottom of the window, wherever the page is
// scrolled to, and cover nothing that has the focus.
func TestE2E_PG_01_ButtonsStick(t *testing.T) {
	s := startWithScopes(t)
	party := newThirdParty(t, "tcp4", "127.0.0.1:0")
	callback := "http://127.0.0.1:" + party.port + "/callback"
	c := s.client(t, "--name", "Order Tracker", "--redirect_uri", callback)
	b := newPerson(t, s).tab()
	var all []string
	for i := range manyScopes {
		all = append(all, scopeID(i))
	}
	b.open(authorize(s, c.ID, callback, "scope", strings.Join(all, " ")))
	b.signIn(userEmail, userPassword)
	b.see("Allow Order Tracker to use your account?")
	if got := b.style(".consent > form", "position"); got != "sticky" {
		t.Errorf("the bar of the buttons has position %q, want sticky", got)
	}
	for _, w := range windows {
		for _, share := range []float64{0, 0.3, 0.6} {
			b.bottoms(w[0], w[1]) // sets the size
			b.do("scroll", chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`void scrollTo(0, document.documentElement.scrollHeight * %g)`, share)))
			for _, end := range b.bottoms(w[0], w[1]) {
				if end > float64(w[1]) || end < float64(w[1])-40 {
					t.Errorf("%d×%d, scrolled to %.0f%%: a button ends at %.0f, want it at the bottom of the window", w[0], w[1], share*100, end)
				}
			}
		}
	}
	b.do("scroll up", chromedp.Evaluate[chromedp.Void](`void scrollTo(0, 0)`))
	b.wellMade("the consent page with 60 scopes")
	b.do("zoom in to 400%", chromedp.EmulateViewport(320, 256))
	if got := b.style(".consent > form", "position"); got != "static" {
		t.Errorf("in a window of 256 px, the bar has position %q, so that it covers the page; want static", got)
	}
	b.press("Allow")
	b.see("You are in.")
}
