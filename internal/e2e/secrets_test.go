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

// The log has no secret, in success and in refusal, at the highest level of
// detail. Every server in these tests is checked when it stops. This test makes
// sure that each kind of secret occurs.
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
		"unknown code":     {"grant_type": {"authorization_code"}, "code": {"a-code-that-was-never-issued"}, "redirect_uri": {callback}, "code_verifier": {oauth2.GenerateVerifier()}},
		"unknown refresh":  {"grant_type": {"refresh_token"}, "refresh_token": {"an-unknown-refresh-token"}},
		"secret in query":  {"grant_type": {"client_credentials"}},
		"repeated":         {"grant_type": {"refresh_token"}, "refresh_token": {"one-refresh-token-of-two", "two-refresh-tokens-of-two"}},
		"wrong secret":     {"grant_type": {"client_credentials"}, "client_secret": {"a-secret-that-is-wrong"}},
		"unknown grant":    {"grant_type": {"urn:example:grant"}, "assertion": {"an-assertion-of-nothing"}},
		"line ends":        {"grant_type": {"refresh_token"}, "refresh_token": {"before\r\nafter-the-line-end"}},
		"NUL in grant":     {"grant_type": {"authorization_code\x00"}, "code": {"another-unknown-code"}},
		"password in form": {"grant_type": {"password"}, "username": {userEmail}, "password": {userPassword}},
	} {
		t.Run(name, func(t *testing.T) { s.refused(t, c, name == "secret in query", values) })
	}

	kinds := s.canaries.kinds()
	for _, kind := range []string{"password", "client_secret", "code", "code_verifier", "state", "access_token", "refresh_token", "cookie", "ticket"} {
		if kinds[kind] == 0 {
			t.Errorf("the test saw no %s, only %v", kind, kinds)
		}
	}
	s.stop(t)
	if !strings.Contains(s.log.String(), "invalid_grant") && !strings.Contains(s.log.String(), c.ID) {
		t.Errorf("the log has no refusals:\n%s", s.log)
	}
	s.checkDatabase(t)
}

// refused sends a token request that the server refuses, and checks that the
// response repeats no secret.
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
	s.canaries.check(t, "the response", string(p.body))
}

// checkDatabase checks that the database files have no secrets (C10).
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
