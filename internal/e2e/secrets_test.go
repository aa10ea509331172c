package e2e_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/oauth2"
)

// Nothing that would let a reader of the log act as somebody else is in it,
// whatever went right or wrong, at the highest level of detail. Every server of
// these tests is held to that when it stops; this test makes sure that each kind
// of secret was there to be found, in success and in refusal.
func TestE2E_NeverRepeat_C7_OP_02_NoSecretInLogOrPage(t *testing.T) {
	s := startShop(t, "PASSPORT_LOG_LEVEL=debug")
	const callback = "https://app.example.com/callback"
	c := s.client(t, "--name", "Order Tracker", "--redirect_uri", callback)
	config := &oauth2.Config{ClientID: c.ID, ClientSecret: c.Secret, RedirectURL: callback, Endpoint: endpoint(s, oauth2.AuthStyleInParams)}
	token := s.connect(t, config, userEmail, userPassword)
	checkReplay(t, s, config, token, s.refresh(t, config, token))

	a := newAgent(t, s)
	const wrong = "a-password-that-is-wrong"
	s.canaries.add("password", wrong)
	a.signIn(a.get(authorize(s, c.ID, callback)), userEmail, wrong)

	for name, values := range map[string]url.Values{
		"unknown code":     {"grant_type": {"authorization_code"}, "code": {"a-code-that-nobody-issued"}, "redirect_uri": {callback}, "code_verifier": {oauth2.GenerateVerifier()}},
		"unknown refresh":  {"grant_type": {"refresh_token"}, "refresh_token": {"a-refresh-token-of-nobody"}},
		"secret in query":  {"grant_type": {"client_credentials"}},
		"repeated":         {"grant_type": {"refresh_token"}, "refresh_token": {"one-refresh-token-of-two", "two-refresh-tokens-of-two"}},
		"wrong secret":     {"grant_type": {"client_credentials"}, "client_secret": {"a-secret-that-is-not-it"}},
		"unknown grant":    {"grant_type": {"urn:example:grant"}, "assertion": {"an-assertion-of-nothing"}},
		"line ends":        {"grant_type": {"refresh_token"}, "refresh_token": {"before\r\nafter-the-line-end"}},
		"where none is":    {"grant_type": {"authorization_code\x00"}, "code": {"another-code-of-nobody"}},
		"password in form": {"grant_type": {"password"}, "username": {userEmail}, "password": {userPassword}},
	} {
		t.Run(name, func(t *testing.T) { s.refused(t, c, name == "secret in query", values) })
	}

	kinds := s.canaries.kinds()
	for _, kind := range []string{"password", "client_secret", "code", "code_verifier", "state", "access_token", "refresh_token", "cookie", "ticket"} {
		if kinds[kind] == 0 {
			t.Errorf("no %s crossed the wire, so nothing was proved of it; there were %v", kind, kinds)
		}
	}
	s.stop(t)
	if !strings.Contains(s.log.String(), "invalid_grant") && !strings.Contains(s.log.String(), c.ID) {
		t.Errorf("the log does not tell of the refusals, so nothing was proved:\n%s", s.log)
	}
	s.checkDatabase(t)
}

// refused sends a token request that is refused, and looks whether the answer
// repeats what is secret.
func (s *server) refused(t *testing.T, c client, inQuery bool, values url.Values) {
	t.Helper()
	address := s.URL + "/oauth/token"
	if inQuery {
		address += "?client_secret=" + c.Secret
	} else if !values.Has("client_secret") {
		values.Set("client_secret", c.Secret)
	}
	values.Set("client_id", c.ID)
	r, err := http.NewRequest(http.MethodPost, address, strings.NewReader(values.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	p := newAgent(t, s).send(r)
	if p.status != http.StatusBadRequest && p.status != http.StatusUnauthorized {
		t.Errorf("status %d, want 400 or 401: %s", p.status, p.body)
	}
	s.canaries.check(t, "the answer", string(p.body))
}

// checkDatabase looks for the secrets in the files of the database (C10).
func (s *server) checkDatabase(t *testing.T) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.dir, "storage", "*.sqlite*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no database in storage: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s.canaries.check(t, "the database "+filepath.Base(file), string(data))
	}
}
