package e2e_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// authorize returns the URL of an authorization request.
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

// Other sites cannot frame the server's pages (clickjacking).
func TestE2E_AZ_25_FramingIsBlocked(t *testing.T) {
	s := startDemo(t)
	consent := authorize(s, "demo-web", s.URL+"/demo/callback")
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `<!doctype html><title>Framed</title><iframe src="/harmless"></iframe><iframe src=%q></iframe>`, r.URL.Query().Get("page"))
	})
	mux.HandleFunc("GET /harmless", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "harmless") })
	// The host is the same, so that the browser sends cookies; only the port differs.
	origin := "http://127.0.0.1:" + listenAndServe(t, "tcp4", "127.0.0.1:0", mux)

	b := newPerson(t, s).tab()
	try := func(what, address string) {
		t.Helper()
		b.open(origin + "/?page=" + url.QueryEscape(address))
		shown, blocked := b.frames()
		if len(shown) != 1 || !strings.HasSuffix(shown[0], "/harmless") {
			t.Errorf("%s: the frames with content are %q, want only the harmless one", what, shown)
		}
		if len(blocked) != 1 {
			t.Errorf("%s: the blocked frames are %q, want the page", what, blocked)
		}
	}
	try("the sign-in page", consent)
	b.open(consent)
	b.signIn(demoEmail, demoPassword)
	b.see("Allow Order Tracker to use your account?")
	try("the consent page", consent)
	try("an error page", authorize(s, "unknown", "https://example.com/callback"))
}

// A user who registers a client chooses its name. Pages show it as text.
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

// A signed-out user with a remembered consent signs in and reaches the client,
// although the sign-in form has form-action 'self' and the client's callback
// redirects to another site.
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
	checkResponses(t, s, party, 2)

	second.open(authorize(s, c.ID, callback)) // now signed in: no page
	second.see("You are in.")
	checkResponses(t, s, party, 3)
}

// Chromium does not support http://[::1] in form-action, and must reach it
// anyway.
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
	checkResponses(t, s, party, 1)
}

// checkResponses checks the client's responses: each has a different code, the
// state and the issuer.
func checkResponses(t *testing.T, s *server, party *thirdParty, n int) {
	t.Helper()
	responses := party.received()
	if len(responses) != n {
		t.Fatalf("the client got %d responses, want %d: %v", len(responses), n, responses)
	}
	codes := map[string]bool{}
	for _, res := range responses {
		codes[res.Get("code")] = true
		if res.Get("state") != "a-state-that-comes-back" || res.Get("iss") != s.URL || res.Get("code") == "" {
			t.Errorf("the client got %v, want a code, the state and iss=%s", res, s.URL)
		}
	}
	if len(codes) != n {
		t.Errorf("the client got %d different codes in %d responses", len(codes), n)
	}
}
