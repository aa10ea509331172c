package e2e_test

import (
	"regexp"
	"strings"
	"testing"
)

// The tour works from beginning to end: it is the first thing that a new user
// sees.
func TestE2E_DemoInBrowser(t *testing.T) {
	s := startDemo(t)
	b := newPerson(t, s).tab()

	b.open(s.URL + "/")
	b.picture("0-welcome")
	b.open(s.URL + "/demo")
	b.see("Connect your account", demoEmail)
	b.screenshot("tour")
	b.press("Connect your account")

	b.see("Sign in to The Shop", "to continue to Order Tracker", "Email") // PG-03, PG-05
	b.wellMade("the sign-in page")
	b.screenshot("sign-in")
	b.signIn(demoEmail, demoPassword)

	b.see("Order Tracker", "Check order status", "Place orders", "127.0.0.1", "Demo User", "The Shop")
	b.screenshot("consent")
	b.press("Allow")

	b.see("Order Tracker is connected", "Demo User", demoEmail)        // from /api/user
	b.see("at+jwt", "demo-web", "check-status place-orders", "users:") // the token, decoded
	s.seeTokens(b)
	b.screenshot("tour-connected")
	for _, step := range []struct{ press, see string }{
		{"Call /api/orders", "Your orders"},
		{"Call /api/service", "The API refuses this token, as it should"},
		{"Refresh the tokens", "A new pair of tokens"},
		{"Use the stolen code", "The stolen code is worth nothing"},
		{"Call /api/orders", "The access token is refused"},
	} {
		b.press(step.press)
		b.see(step.see)
		s.seeTokens(b)
	}
	b.picture("6-thief")
	b.clean()

	b.open(authorize(s, "unknown", s.URL+"/demo/callback"))
	b.see("Unknown app", "Go to the home page", "If you ask for help, quote this ID")
	b.wellMade("an error page")
	b.screenshot("error")
}

// A browser at localhost is redirected to the issuer, where its cookies are.
func TestE2E_LocalhostRedirectsToIssuer(t *testing.T) {
	s := startDemo(t)
	b := newPerson(t, s).tab()
	b.open(strings.Replace(s.URL, "127.0.0.1", "localhost", 1) + "/demo")
	b.press("Connect your account")
	b.signIn(demoEmail, demoPassword)
	b.press("Allow")
	b.see("Order Tracker is connected")
	if !strings.HasPrefix(b.url(), s.URL+"/") {
		t.Errorf("the tour ends at %s, want %s", b.url(), s.URL)
	}
}

// A user can try again after a mistyped password.
func TestE2E_WrongPasswordInBrowser(t *testing.T) {
	s := startDemo(t)
	b := newPerson(t, s).tab()
	b.open(s.URL + "/demo/connect")
	b.signIn(demoEmail, "not the password")
	b.see("do not match")
	b.picture("3-wrong-password")
	b.signIn(demoEmail, demoPassword)
	b.see("Allow Order Tracker to use your account?")
}

func TestE2E_AZ_21_DenyInBrowser(t *testing.T) {
	s := startDemo(t)
	b := newPerson(t, s).tab()
	b.open(s.URL + "/demo/connect")
	b.signIn(demoEmail, demoPassword)
	b.press("Cancel")
	b.see("You declined", "access_denied")
	b.picture("7-denied")
	b.clean()
	responses := b.been(s.URL + "/demo/callback?")
	if len(responses) != 1 || !regexp.MustCompile(`[?&]error=access_denied(&|$)`).MatchString(responses[0]) {
		t.Errorf("the client got %q, want one response with error=access_denied", responses)
	}
}

// Two tabs are two requests with independent decisions, in any order.
func TestE2E_AZ_28_TwoTabsAtOnce(t *testing.T) {
	s := startDemo(t)
	p := newPerson(t, s)
	first, second := p.tab(), p.tab()
	first.open(s.URL + "/demo/connect")
	first.signIn(demoEmail, demoPassword)
	first.see("Check order status")
	second.open(s.URL + "/demo/connect")
	second.see("Check order status")

	first.press("Allow")
	first.see("Order Tracker is connected")
	second.press("Allow")
	second.see("Order Tracker is connected")
	for _, b := range []*tab{first, second} {
		s.seeTokens(b)
		b.clean()
	}
}

// A user who goes back after allowing gets a working page, or a page that says
// what to do.
func TestE2E_BackAfterAllow(t *testing.T) {
	s := startDemo(t)
	b := newPerson(t, s).tab()
	b.open(s.URL + "/demo")
	b.press("Connect your account")
	b.signIn(demoEmail, demoPassword)
	b.see("Check order status")
	consent := b.url()
	b.press("Allow")
	b.see("Order Tracker is connected")

	b.backTo(consent)
	b.see("Check order status") // a new page with a new ticket
	b.press("Allow")
	// The application has used up the state of that request.
	b.see("We weren’t expecting this response")
	b.press("Back to the start")
	b.see("You are connected.")
}

// A double click on Allow issues one code.
func TestE2E_DoubleClickOnAllow(t *testing.T) {
	s := startDemo(t)
	b := newPerson(t, s).tab()
	b.open(s.URL + "/demo/connect")
	b.signIn(demoEmail, demoPassword)
	b.click("Allow", 2)
	b.see("Order Tracker is connected")
	if responses := b.been(s.URL + "/demo/callback?"); len(responses) != 1 {
		t.Errorf("the client got %d responses, want one: %q", len(responses), responses)
	}
	s.seeTokens(b)
}

var jwt = regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.[\w-]+`)

// seeTokens adds the tokens that the tour shows to the canaries.
func (s *server) seeTokens(b *tab) {
	for _, token := range jwt.FindAllString(b.html(), -1) {
		s.canaries.tokens([]byte(`{"access_token":"` + token + `"}`))
	}
}
