package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// shopScopes are a required scope and two optional ones.
const shopScopes = `[brand]
name = "The Shop"

[[scopes]]
id = "check-status"
description = "Check order status"
group = "Orders"

[[scopes]]
id = "place-orders"
description = "Place orders"
group = "Orders"
can_change = true
optional = true

[[scopes]]
id = "cards"
description = "See your payment cards"
group = "Payment"
sensitive = true
optional = true
`

// optionalShop is a server with optional scopes, and a client.
type optionalShop struct {
	*server
	party    *thirdParty
	client   client
	callback string
}

func startOptionalShop(t *testing.T) *optionalShop {
	t.Helper()
	s := &optionalShop{server: newServer(t), party: newThirdParty(t, "tcp4", "127.0.0.1:0")}
	if err := os.WriteFile(filepath.Join(s.dir, "passport.toml"), []byte(shopScopes), 0o600); err != nil {
		t.Fatal(err)
	}
	s.start(t, "serve", "--listen", freeAddress(t))
	s.user(t, userEmail, userName)
	s.callback = "http://127.0.0.1:" + s.party.port + "/callback"
	s.client = s.server.client(t, "--name", "Order Tracker", "--redirect_uri", s.callback)
	return s
}

// request returns the URL of a request for all scopes.
func (s *optionalShop) request(more ...string) string {
	return authorize(s.server, s.client.ID, s.callback, append([]string{"scope", "check-status place-orders cards"}, more...)...)
}

// granted exchanges the last code, and fails the test unless the token has the scope.
func (s *optionalShop) granted(t *testing.T, want string) {
	t.Helper()
	received := s.party.received()
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {received[len(received)-1].Get("code")}, "redirect_uri": {s.callback},
		"code_verifier": {"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"}, "client_id": {s.client.ID}, "client_secret": {s.client.Secret},
	}
	res, err := http.PostForm(s.URL+"/oauth/token", form)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var got struct{ Scope, Error string }
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil || got.Scope != want || got.Error != "" {
		t.Errorf("the token response has scope %q and error %q, %v; want scope %q", got.Scope, got.Error, err, want)
	}
}

// ticked returns the IDs of the ticked scopes.
func (b *tab) ticked() string {
	b.t.Helper()
	return ask(b, chromedp.Evaluate[string](`[...document.querySelectorAll("input[name=scope_granted]:checked")].map(e => e.value).join(" ")`))
}

// tickScope clicks the text beside a checkbox.
func (b *tab) tickScope(id string) {
	b.t.Helper()
	b.do("tick "+id, chromedp.Click(chromedp.CSS(fmt.Sprintf("input[name=scope_granted][value=%q] + span", id))))
}

// tabTo presses the tab key until a checkbox or button with a value has the focus.
func (b *tab) tabTo(id string) {
	b.t.Helper()
	for range 20 {
		b.do("press tab", chromedp.KeyEvent(kb.Tab))
		if ask(b, chromedp.Evaluate[string](`document.activeElement.value ?? ""`)) == id {
			return
		}
	}
	b.t.Fatalf("the tab key does not reach %s. The tab is at %s and shows:\n%s", id, b.url(), b.text())
}

// A user ticks and unticks optional scopes, with the mouse and with the keyboard.
func TestE2E_PA_1_OptionalScopes(t *testing.T) {
	chooseScopes(t, func(*tab) {}, (*tab).wellMade)
}

// The same without JavaScript.
func TestE2E_PA_1_OptionalScopesWithoutScripts(t *testing.T) {
	chooseScopes(t, (*tab).withoutScripts, func(*tab, string) {})
}

func chooseScopes(t *testing.T, prepare func(*tab), wellMade func(b *tab, name string)) {
	t.Helper()
	s := startOptionalShop(t)
	b := newPerson(t, s.server).tab()
	prepare(b)
	wants := func(when, want string) {
		t.Helper()
		b.see("Allow Order Tracker to use your account?")
		if got := b.ticked(); got != want {
			t.Errorf("%s: the ticked scopes are %q, want %q", when, got, want)
		}
	}
	b.open(s.request())
	b.signIn(userEmail, userPassword)
	wants("at first", "")
	b.see("It will be able to", "Check order status", "You can also allow", "Place orders", "See your payment cards")
	wellMade(b, "the consent page with optional scopes")
	if os.Getenv("PASSPORT_SCREENSHOTS") != "" {
		shown := s.server.client(t, "--name", "Order Tracker", "--redirect_uri", "https://tracker.example/callback")
		b.open(s.request("client_id", shown.ID, "redirect_uri", "https://tracker.example/callback"))
		b.see("tracker.example")
		b.screenshot("consent-optional")
		b.open(s.request())
		b.see("Allow Order Tracker to use your account?")
	}
	b.tickScope("place-orders")
	b.tickScope("cards")
	b.tickScope("cards")
	wants("after three clicks", "place-orders")
	b.press("Allow")
	b.see("You are in.")
	s.granted(t, "check-status place-orders")

	b.open(s.request()) // remembered
	b.see("You are in.")
	s.granted(t, "check-status place-orders")

	b.open(s.request("prompt", "consent"))
	wants("asked again", "place-orders")
	b.tabTo("place-orders")
	b.do("press the space bar", chromedp.KeyEvent(" "))
	b.tabTo("cards")
	b.do("press the space bar", chromedp.KeyEvent(" "))
	wants("by keyboard", "cards")
	b.do("press enter", chromedp.KeyEvent(kb.Enter))
	wants("after Enter in a checkbox, which decides nothing", "cards")
	b.tabTo("allow")
	b.do("press enter", chromedp.KeyEvent(kb.Enter))
	b.see("You are in.")
	s.granted(t, "check-status cards")

	b.open(s.request("prompt", "consent"))
	b.tickScope("place-orders")
	b.press("Cancel")
	b.see("You are in.")
	b.open(s.request())
	b.see("You are in.")
	s.granted(t, "check-status cards")
	b.clean()
}

// With three scopes, of which two or all are optional, both buttons are in view.
func TestE2E_PA_1_PG_01_OptionalScopesFit(t *testing.T) {
	s := startOptionalShop(t)
	b := newPerson(t, s.server).tab()
	b.open(s.request())
	b.signIn(userEmail, userPassword)
	b.see("Allow Order Tracker to use your account?")
	for _, scopes := range []string{"check-status place-orders cards", "place-orders cards", "cards"} {
		b.open(s.request("scope", scopes))
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
