package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
)

// startDemo starts the tour and returns it with the secret that it prints.
func startDemo(t *testing.T) (s *server, secret string) {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	s = start(t, nil, "serve", "--demo")
	found := regexp.MustCompile(`export SECRET=(\S+)`).FindStringSubmatch(s.out.String())
	if found == nil {
		t.Fatalf("the tour does not print the secret of demo-service:\n%s", s.out)
	}
	if log := s.log.String(); strings.Contains(log, "level=WARN") {
		t.Errorf("the log of the tour has a warning, but its settings are fixed:\n%s", log)
	}
	return s, found[1]
}

// signIn takes a browser from the demo's first page to the consent page.
func signIn(t *testing.T, s *server) *browser {
	t.Helper()
	b := newBrowser(t)
	b.get(s.url + "/demo")
	b.shows("Connect your account", "demo@example.com", "passport")
	b.get("/demo/connect")
	b.submit("Sign in", "email", "demo@example.com", "password", "passport")
	b.shows("Order Tracker", "Check order status", "Place orders")
	return b
}

func TestDemo_Tour(t *testing.T) {
	s, _ := startDemo(t)
	b := signIn(t, s)
	b.submit("Allow")
	if b.url.Path != "/demo/connected" {
		t.Fatalf("after allowing, the browser is at %s:\n%s", b.url, b.text())
	}
	b.shows("Order Tracker is connected", "Demo User", "demo@example.com", "at+jwt", "users:", "check-status place-orders", s.url)
	b.submit("Call /api/orders")
	b.shows("200 OK", "Espresso machine")
	b.submit("Call /api/service")
	b.shows("403 Forbidden", "insufficient_scope")
	b.submit("Refresh the tokens")
	b.shows("A new pair of tokens", "200 OK")
	b.submit("Call /api/orders")
	b.shows("200 OK", "Espresso machine")
	b.submit("Use the stolen code")
	b.shows("The stolen code is worth nothing", "invalid_grant", "The connection has ended")
	b.submit("Call /api/orders")
	b.shows("401 Unauthorized", "invalid_token")
	b.submit("Refresh the tokens")
	b.shows("The refresh token is refused", "invalid_grant")
}

func TestDemo_Denied(t *testing.T) {
	s, _ := startDemo(t)
	b := signIn(t, s)
	b.submit("Cancel")
	b.shows("You declined", "access_denied")
}

// Loopback redirects always ask (RFC 8252 §8.6).
func TestDemo_AsksEachTime(t *testing.T) {
	s, _ := startDemo(t)
	b := signIn(t, s)
	b.submit("Allow")
	b.get("/demo/connect")
	b.submit("Allow")
	b.shows("Order Tracker is connected")
}

func TestDemo_Overview(t *testing.T) {
	s, secret := startDemo(t)
	b := newBrowser(t)
	b.get(s.url)
	b.shows("The tour of Passport", "demo@example.com", "/api/orders", s.url+"/oauth/token")
	if strings.Contains(b.body, secret) {
		t.Error("the page shows the client's secret; the terminal does")
	}
	for _, link := range regexp.MustCompile(`href="(/[^"]*)"`).FindAllStringSubmatch(b.body, -1) {
		if b.get(link[1]); b.status != http.StatusOK {
			t.Errorf("the link to %s leads to a %d", link[1], b.status)
		}
	}
}

// call returns the response of an API route to a token.
func call(t *testing.T, address, token string) (status int, body, challenge string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text), answer.Header.Get("WWW-Authenticate")
}

// clientToken gets a token for demo-service.
func clientToken(t *testing.T, s *server, secret string) string {
	t.Helper()
	answer, err := http.PostForm(s.url+"/oauth/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {"demo-service"}, "client_secret": {secret}, "scope": {"check-status"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var token struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&token); err != nil || token.AccessToken == "" {
		t.Fatalf("client_credentials = %d, %v", answer.StatusCode, err)
	}
	return token.AccessToken
}

func TestDemo_E10_ClientsAreNoUsers(t *testing.T) {
	s, secret := startDemo(t)
	token := clientToken(t, s, secret)
	for _, test := range []struct {
		path, token string
		status      int
		challenge   string
	}{
		{"/api/service", token, http.StatusOK, ""},
		{"/api/user", token, http.StatusForbidden, "insufficient_scope"},
		{"/api/orders", token, http.StatusForbidden, "insufficient_scope"},
		{"/api/service", "", http.StatusUnauthorized, "Bearer"},
		{"/api/user", "", http.StatusUnauthorized, "Bearer"},
		{"/api/user", "x", http.StatusUnauthorized, "invalid_token"},
	} {
		status, body, challenge := call(t, s.url+test.path, test.token)
		if status != test.status || !strings.Contains(challenge, test.challenge) {
			t.Errorf("GET %s with token %.8q = %d, challenge %q, body %s; want %d, %q", test.path, test.token, status, challenge, body, test.status, test.challenge)
		}
	}
}

func TestDemo_LocalhostGoesToTheIssuer(t *testing.T) {
	s, _ := startDemo(t)
	b := newBrowser(t)
	b.get(strings.Replace(s.url, "127.0.0.1", "localhost", 1) + "/demo")
	if !strings.HasPrefix(b.url.String(), s.url+"/demo") {
		t.Errorf("the browser is at %s, want %s", b.url, s.url)
	}
}

func TestDemo_SaysFirstThatItStarts(t *testing.T) {
	s, _ := startDemo(t)
	first, _, _ := strings.Cut(s.out.String(), "\n")
	if first != "Starting the tour of Passport ..." {
		t.Errorf("the first line is %q", first)
	}
}

// A script that waits for the URL then has the secret too, and a line of the log never
// splits the text.
func TestDemo_DescribesItselfInOneWrite(t *testing.T) {
	s, _ := startDemo(t)
	s.stop(t)
	if n := len(s.out.writes); n != 2 {
		t.Fatalf("the tour printed in %d writes, want one line that it starts and one text with everything:\n%q", n, s.out.writes)
	}
	for _, want := range []string{s.url, "export SECRET=", "Press Ctrl-C to stop."} {
		if !strings.Contains(s.out.writes[1], want) {
			t.Errorf("the text about the tour lacks %q:\n%s", want, s.out.writes[1])
		}
	}
}

func TestDemo_LeavesNothing(t *testing.T) {
	s, _ := startDemo(t)
	folder := os.Getenv("TMPDIR")
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 1 {
		t.Fatalf("the tour keeps %v in its folder, %v; want one folder", entries, err)
	}
	s.stop(t)
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 0 {
		t.Errorf("the tour left %v behind, %v", entries, err)
	}
}

func TestDemo_PortInUse(t *testing.T) {
	s, _ := startDemo(t)
	address := strings.TrimPrefix(s.url, "http://")
	var out, log output
	status := passport(t.Context(), strings.NewReader(""), &out, &log, nil, "serve", "--demo", "--listen", address)
	want := fmt.Sprintf("passport: %s is in use by another program: stop it, or choose another address, such as --listen ", address)
	if status != 1 || !strings.HasPrefix(log.String(), want) || strings.Count(log.String(), "\n") != 1 {
		t.Errorf("status %d, stderr %q; want 1 and one line %q…", status, log.String(), want)
	}
}

// The log of a whole tour has no secret, also where a request is refused.
func TestDemo_C7_OP_02_NoSecretInTheLog(t *testing.T) {
	s, secret := startDemo(t)
	b := signIn(t, s)
	b.submit("Allow")
	secrets := []string{secret, clientToken(t, s, secret)}
	secrets = append(secrets, regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.[\w-]+`).FindAllString(b.text(), -1)...)
	secrets = append(secrets, regexp.MustCompile(`(?:code|code_verifier|state)=([\w-]{20,})`).FindAllString(b.text(), -1)...)
	for _, address := range b.seen {
		if u, err := url.Parse(address); err == nil {
			secrets = append(secrets, u.Query().Get("code"), u.Query().Get("state"))
		}
	}
	b.submit("Refresh the tokens")
	b.submit("Use the stolen code")
	call(t, s.url+"/api/user", "canary-bearer")
	if _, err := http.PostForm(s.url+"/oauth/token", url.Values{"grant_type": {"authorization_code"}, "client_id": {"demo-service"}, "client_secret": {"canary-secret"}, "code": {"canary-code"}}); err != nil {
		t.Fatal(err)
	}
	s.stop(t)
	checked := 0
	for _, secret := range append(secrets, "canary-", "password=") {
		_, value, found := strings.Cut(secret, "=")
		if !found || value == "" {
			value = secret
		}
		if value == "" {
			continue
		}
		checked++
		if strings.Contains(s.log.String(), value) {
			t.Errorf("the log has %q", value)
		}
	}
	if checked < 8 || !strings.Contains(s.log.String(), "path=/demo/callback") {
		t.Errorf("the test looked for only %d secrets, in\n%s", checked, s.log)
	}
}

// The documentation shows what the tour prints, with port 8000 and some secret.
func TestDemo_DocumentationShowsTheOutput(t *testing.T) {
	s, secret := startDemo(t)
	const name, sample = "../../docs/command-line.md", "QYDOXNT5G333G2S4LPPWKQFW7K4QMGSCJSXFFZO674C6SGQXWQFY"
	page, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(page), "```\nStarting the tour of Passport ...\n")
	shown, after, closed := strings.Cut(rest, "```\n")
	if !found || !closed {
		t.Fatal("the page shows no output of the tour")
	}
	_, printed, _ := strings.Cut(s.out.String(), "\n")
	printed = strings.ReplaceAll(strings.ReplaceAll(strings.TrimRight(printed, "\n")+"\n", secret, sample), s.url, "http://127.0.0.1:8000")
	switch {
	case *update:
		write(t, name, before+"```\nStarting the tour of Passport ...\n"+printed+"```\n"+after)
	case shown != printed:
		t.Errorf("the page shows another output of the tour (go test -update rewrites it):\n%s\nwant\n%s", shown, printed)
	}
}

// A terminal of 80 columns breaks no line of the tour, so each command can be copied.
func TestDemo_LinesFit(t *testing.T) {
	s, _ := startDemo(t)
	for line := range strings.Lines(s.out.String()) {
		if len(strings.TrimRight(line, "\n")) > 80 {
			t.Errorf("a line of the tour is longer than 80 characters: %q", line)
		}
	}
	if log := s.log.String(); log != "" {
		t.Errorf("the tour logs before a request came:\n%s", log)
	}
}
