package e2e_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// authorize is the address that a client sends a browser to.
func authorize(s *server, id, redirectURI string, more ...string) string {
	q := url.Values{
		"response_type": {"code"}, "client_id": {id}, "redirect_uri": {redirectURI}, "state": {"a-state-that-comes-back"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"}, // RFC 7636 appendix B
	}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return s.URL + "/oauth/authorize?" + q.Encode()
}

const (
	userEmail = "ada@example.com"
	userName  = "Ada Lovelace"
)

// startShop starts a server with one account.
func startShop(t *testing.T, settings ...string) *server {
	t.Helper()
	s := startServer(t, settings...)
	s.user(t, userEmail, userName)
	return s
}

// A page that somebody else can frame is a button that somebody else can have
// pressed.
func TestE2E_AZ_25_FramingIsBlocked(t *testing.T) {
	s := startDemo(t)
	consent := authorize(s, "demo-web", s.URL+"/demo/callback")
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `<!doctype html><title>Framed</title><iframe src="/harmless"></iframe><iframe src=%q></iframe>`, r.URL.Query().Get("page"))
	})
	mux.HandleFunc("GET /harmless", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "harmless") })
	// The same host, so that cookies would go along: only the port differs.
	origin := "http://127.0.0.1:" + listenAndServe(t, "tcp4", "127.0.0.1:0", mux)

	b := newPerson(t, s).tab()
	try := func(what, address string) {
		t.Helper()
		b.open(origin + "/?page=" + url.QueryEscape(address))
		shown, blocked := b.frames()
		if len(shown) != 1 || !strings.HasSuffix(shown[0], "/harmless") {
			t.Errorf("%s: the frames that show something are %q, want only the harmless one", what, shown)
		}
		if len(blocked) != 1 {
			t.Errorf("%s: the blocked frames are %q, want the page", what, blocked)
		}
	}
	try("the sign-in page", consent)
	b.open(consent)
	b.signIn(demoEmail, demoPassword)
	b.see("Order Tracker wants to use your account")
	try("the consent page", consent)
	try("an error page", authorize(s, "nobody", "https://example.com/callback"))
}

// Whoever registers a client chooses its name, and the name is only a text.
func TestE2E_UI_04_B8_NameOfClientIsInert(t *testing.T) {
	const name = `<script>document.title='pwned'</script><img src=x onerror="document.title='pwned'">`
	s := startShop(t)
	party := newThirdParty(t, "tcp4", "127.0.0.1:0")
	callback := "http://127.0.0.1:" + party.port + "/callback"
	c := s.client(t, "--name", name, "--redirect_uri", callback)

	b := newPerson(t, s).tab()
	b.open(authorize(s, c.ID, callback))
	b.see("Sign in")
	b.fineTitle("the sign-in page")
	b.signIn(userEmail, userPassword)
	b.see(`<script>document.title='pwned'</script>`) // as text
	b.fineTitle("the consent page")
	b.picture("8-hostile-name")
	b.clean()
	b.press("Allow")
	b.see("You are in.")
}

func (b *tab) fineTitle(what string) {
	b.t.Helper()
	if b.title() == "pwned" {
		b.t.Errorf("%s ran the script in the client's name", what)
	}
}

// A signed-out browser whose user has consented before signs in and is at the
// client, although form-action 'self' holds for the sign-in form and the
// client's callback redirects to another site.
func TestE2E_SignInWithRememberedConsent(t *testing.T) {
	s := startShop(t)
	party := newThirdParty(t, "tcp4", "127.0.0.1:0")
	callback := "http://" + clientHost + ":" + party.port + "/callback"
	c := s.client(t, "--name", "Order Tracker", "--redirect_uri", callback)

	first := newPerson(t, s).tab()
	first.open(authorize(s, c.ID, callback))
	first.signIn(userEmail, userPassword)
	first.see(clientHost)
	first.press("Allow")
	first.see("You are in.")
	first.clean()

	second := newPerson(t, s).tab() // another browser: signed out
	second.open(authorize(s, c.ID, callback))
	second.signIn(userEmail, userPassword)
	second.see("You are in.")
	second.clean()
	checkAnswers(t, s, party, 2)

	second.open(authorize(s, c.ID, callback)) // signed in by now: no page at all
	second.see("You are in.")
	checkAnswers(t, s, party, 3)
}

// Chromium cannot name http://[::1] in form-action, and has to get there all the
// same.
func TestE2E_CallbackOnIPv6Loopback(t *testing.T) {
	s := startShop(t)
	party := newThirdParty(t, "tcp6", "[::1]:0")
	c := s.client(t, "--name", "Command line", "--public", "--redirect_uri", "http://[::1]/callback")

	b := newPerson(t, s).tab()
	b.open(authorize(s, c.ID, "http://[::1]:"+party.port+"/callback")) // any port: RFC 8252 §7.3
	b.signIn(userEmail, userPassword)
	b.press("Allow")
	b.see("You are in.")
	b.clean()
	checkAnswers(t, s, party, 1)
}

// checkAnswers looks at what the client was sent: a code each time, another one
// each time, with the state and the issuer.
func checkAnswers(t *testing.T, s *server, party *thirdParty, n int) {
	t.Helper()
	answers := party.received()
	if len(answers) != n {
		t.Fatalf("the client was sent %d answers, want %d: %v", len(answers), n, answers)
	}
	codes := map[string]bool{}
	for _, answer := range answers {
		codes[answer.Get("code")] = true
		if answer.Get("state") != "a-state-that-comes-back" || answer.Get("iss") != s.URL || answer.Get("code") == "" {
			t.Errorf("the client was sent %v, want a code, the state and iss=%s", answer, s.URL)
		}
	}
	if len(codes) != n {
		t.Errorf("the client was sent %d codes in %d answers", len(codes), n)
	}
}
