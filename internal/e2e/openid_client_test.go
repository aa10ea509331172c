package e2e_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/oauth2"
)

// openidCall is one call of openid-client, a certified client for node. For each
// call it reads the server's metadata, and it checks each response.
type openidCall struct {
	Issuer string `json:"issuer"`
	ID     string `json:"id"`
	Secret string `json:"secret"`
	Auth   string `json:"auth"` // basic, post or none
	Call   string `json:"call"` // introspect or revoke
	Token  string `json:"token"`
	Hint   string `json:"hint,omitempty"`
}

// openidResult is a response, or the error that the client reports.
type openidResult struct {
	Active    bool   `json:"active"`
	Scope     string `json:"scope"`
	ClientID  string `json:"client_id"`
	Issuer    string `json:"iss"`
	TokenType string `json:"token_type"`

	Error   string `json:"error"`
	Message string `json:"message"`
	Status  int    `json:"status"`
}

// openid makes a call in a separate process.
func (s *server) openid(t *testing.T, c client, auth, call, token, hint string) (res openidResult) {
	t.Helper()
	input, err := json.Marshal(openidCall{s.URL, c.ID, c.Secret, auth, call, token, hint})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join("testdata", "openid-client.mjs"))
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("openid-client: %v\n%s", err, stderr.Bytes())
	}
	if err := json.Unmarshal(out, &res); err != nil {
		t.Fatalf("openid-client printed %q: %v", out, err)
	}
	return res
}

// wantActive fails the test unless introspection of a token returns the given
// value of active.
func (s *server) wantActive(t *testing.T, what string, c client, auth, token string, want bool) openidResult {
	t.Helper()
	res := s.openid(t, c, auth, "introspect", token, "")
	if res.Active != want || res.Error != "" || !want && res != (openidResult{}) {
		t.Errorf("introspection of %s = %+v, want active %t", what, res, want)
	}
	return res
}

func (s *server) wantRevoked(t *testing.T, what string, c client, auth, token, hint string) {
	t.Helper()
	if res := s.openid(t, c, auth, "revoke", token, hint); res != (openidResult{}) {
		t.Errorf("revocation of %s = %+v, want success", what, res)
	}
}

// An API introspects and clients revoke with openid-client, with each kind of
// client authentication.
func TestE2E_OpenIDClient_RV_01_RV_07_IN_03_RevokeAndIntrospect(t *testing.T) {
	_, err := os.Stat(filepath.Join("node_modules", "openid-client"))
	require(t, err == nil, "openid-client is not installed: npm ci --ignore-scripts, in internal/e2e")
	_, err = exec.LookPath("node")
	require(t, err == nil, "node is not installed")
	s := startShop(t, "PASSPORT_SCOPES=check-status=Check order status")
	const callback = "https://app.example.com/callback"
	api := s.client(t, "--api", "--name", "Orders API")
	web := s.client(t, "--name", "Order Tracker", "--redirect_uri", callback)
	spa := s.client(t, "--public", "--name", "Order Page", "--redirect_uri", callback)
	connect := func(c client) *oauth2.Token {
		return s.connect(t, &oauth2.Config{
			ClientID: c.ID, ClientSecret: c.Secret, RedirectURL: callback, Scopes: []string{"check-status"}, Endpoint: endpoint(s, oauth2.AuthStyleInParams),
		}, userEmail, userPassword)
	}

	byRefresh, byAccess, ofSPA := connect(web), connect(web), connect(spa)
	said := s.wantActive(t, "an access token", api, "basic", byRefresh.AccessToken, true)
	if said.Scope != "check-status" || said.ClientID != web.ID || said.Issuer != s.URL || said.TokenType != "Bearer" {
		t.Errorf("introspection of an access token = %+v, want its scope, client, issuer and type", said)
	}
	s.wantActive(t, "a refresh token by its client", web, "post", byRefresh.RefreshToken, true)
	s.wantActive(t, "a refresh token by an API", api, "post", byRefresh.RefreshToken, false)
	s.wantActive(t, "an unknown token", api, "basic", "unknown", false)
	const challenge = "OAUTH_WWW_AUTHENTICATE_CHALLENGE" // the client's name for a 401 with that header
	for _, auth := range []string{"basic", "post"} {
		if res := s.openid(t, client{ID: api.ID, Secret: "wrong"}, auth, "introspect", "unknown", ""); res.Error != challenge || res.Status != 401 {
			t.Errorf("introspection with a wrong secret (%s) = %+v, want %s with 401", auth, res, challenge)
		}
	}

	s.wantRevoked(t, "another client's token", spa, "none", byRefresh.RefreshToken, "")
	s.wantActive(t, "a token that another client named", api, "basic", byRefresh.AccessToken, true)
	s.wantRevoked(t, "a refresh token", web, "basic", byRefresh.RefreshToken, "refresh_token")
	s.wantActive(t, "the access token of a revoked refresh token", api, "basic", byRefresh.AccessToken, false)
	s.wantRevoked(t, "an access token, with a wrong hint", web, "post", byAccess.AccessToken, "refresh_token")
	s.wantActive(t, "a revoked access token", api, "basic", byAccess.AccessToken, false)
	s.wantRevoked(t, "a public client's token", spa, "none", ofSPA.RefreshToken, "")
	s.wantActive(t, "a public client's revoked token", api, "basic", ofSPA.AccessToken, false)
	s.wantRevoked(t, "an unknown token", web, "basic", "unknown", "")
}
