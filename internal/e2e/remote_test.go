package e2e_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	accesstoken "github.com/lestrrat-go/jwx/v3/jwt"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/go-passport/passport/guard"
)

// withRemoteAPI starts a server with a resource, and an API with guard.Remote in the
// process of the test: GET /orders requires the scope read, GET /stock the scope write.
func withRemoteAPI(t *testing.T, settings ...string) (s *server, api *guard.Remote) {
	t.Helper()
	address := freeAddress(t)
	s = startServer(t, append([]string{"PASSPORT_SCOPES=read=Read your orders,write=Place orders", "PASSPORT_RESOURCES=http://" + address}, settings...)...)
	own := s.client(t, "--api", "--name", "Orders API", "--audience", "http://"+address)
	api = &guard.Remote{
		Issuer: s.URL, Audience: "http://" + address, Name: "Orders API", Scopes: []string{"read", "write"},
		ClientID: own.ID, ClientSecret: own.Secret, Introspect: time.Second,
		HTTPClient: &http.Client{Transport: transport{s.canaries, http.DefaultTransport}},
		Logger:     slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	mux := http.NewServeMux()
	api.Mount(mux)
	ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	mux.Handle("GET /orders", api.GuardAny(guard.Scopes("read"))(ok))
	mux.Handle("GET /stock", api.GuardAny(guard.Scopes("write"))(ok))
	listenAndServe(t, "tcp", address, mux)
	return s, api
}

// apiToken returns a client's own token for the API, with the scope read.
func (s *server) apiToken(t *testing.T, api *guard.Remote) (token, clientID string) {
	t.Helper()
	c := s.client(t, "--client", "--name", "Stock robot")
	config := clientcredentials.Config{
		ClientID: c.ID, ClientSecret: c.Secret, TokenURL: s.URL + "/oauth/token", Scopes: []string{"read"},
		EndpointParams: map[string][]string{"resource": {api.Audience}},
	}
	got, err := config.Token(s.context(t))
	if err != nil {
		t.Fatal(err)
	}
	return got.AccessToken, c.ID
}

// callAPI returns the status of a call of the API with a token.
func callAPI(t *testing.T, api *guard.Remote, path, token string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, api.Audience+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

// An API in another process than the binary sees a revocation after the time that it set.
func TestE2E_RemoteAPI(t *testing.T) {
	s, api := withRemoteAPI(t)
	token, id := s.apiToken(t, api)
	for path, want := range map[string]int{"/orders": 200, "/stock": 403} {
		if got := callAPI(t, api, path, token); got != want {
			t.Errorf("GET %s = %d, want %d", path, got, want)
		}
	}
	s.command(t, "", "client", "revoke", id, "--yes")
	deadline := time.Now().Add(10 * time.Second)
	for callAPI(t, api, "/orders", token) != 401 {
		if time.Now().After(deadline) {
			t.Fatal("the API still admits the token ten seconds after its client was revoked, want 401 after one")
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// lestrrat-go/jwx verifies the tokens with the published keys, for each algorithm.
func TestE2E_JWX_AT_01_AT_02_AT_03_JK_01_VerifiesAccessTokens(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	two, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for alg, private := range map[string]crypto.Signer{"ES256": ec, "EdDSA": ed, "RS256": two} {
		t.Run(alg, func(t *testing.T) {
			der, err := x509.MarshalPKCS8PrivateKey(private)
			if err != nil {
				t.Fatal(err)
			}
			s, api := withRemoteAPI(t, "PASSPORT_PRIVATE_KEY="+string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
			token, id := s.apiToken(t, api)
			set, err := jwk.Fetch(s.context(t), s.URL+"/oauth/jwks", jwk.WithFetchWhitelist(jwk.InsecureWhitelist{}))
			if err != nil {
				t.Fatal(err)
			}
			parsed, err := accesstoken.ParseString(token, accesstoken.WithKeySet(set), accesstoken.WithIssuer(s.URL), accesstoken.WithAudience(api.Audience), accesstoken.WithSubject("client:"+id),
				accesstoken.WithClaimValue("client_id", id), accesstoken.WithClaimValue("scope", "read"), accesstoken.WithRequiredClaim("exp"), accesstoken.WithRequiredClaim("iat"), accesstoken.WithRequiredClaim("jti"))
			if err != nil {
				t.Fatalf("jwx refuses the token: %v", err)
			}
			if audience, _ := parsed.Audience(); !slices.Equal(audience, []string{api.Audience}) {
				t.Errorf("aud = %q, want %q", audience, api.Audience)
			}
			message, err := jws.ParseString(token)
			if err != nil {
				t.Fatal(err)
			}
			header := message.Signatures()[0].ProtectedHeaders()
			if typ, _ := header.Type(); typ != "at+jwt" {
				t.Errorf("typ = %q, want at+jwt", typ)
			}
			if got, _ := header.Algorithm(); got.String() != alg {
				t.Errorf("alg = %v, want %s", got, alg)
			}
			for _, wrong := range []accesstoken.ParseOption{accesstoken.WithAudience(s.URL), accesstoken.WithIssuer(api.Audience)} {
				if _, err := accesstoken.ParseString(token, accesstoken.WithKeySet(set), wrong.(accesstoken.ValidateOption)); err == nil {
					t.Error("jwx accepts the token for another audience or issuer: this test checks nothing")
				}
			}
			if got := callAPI(t, api, "/orders", token); got != 200 {
				t.Errorf("guard.Remote responds to a token with %s with %d, want 200", alg, got)
			}
		})
	}
}

// oauth4webapi, which is strict, reads the challenges and the metadata of an API, finds the
// server, and verifies the token.
func TestE2E_OAuth4WebAPI_PR_01_PR_02_PR_03_AT_02(t *testing.T) {
	_, err := os.Stat(filepath.Join("node_modules", "oauth4webapi"))
	require(t, err == nil, "oauth4webapi is not installed: npm ci --ignore-scripts, in internal/e2e")
	_, err = exec.LookPath("node")
	require(t, err == nil, "node is not installed")
	s, api := withRemoteAPI(t)
	token, id := s.apiToken(t, api)
	type refusal struct {
		Status   int
		Scheme   string
		Count    int
		Realm    string
		Error    string
		Scope    string
		Metadata string `json:"resource_metadata"`
	}
	var got struct {
		Invalid, Scope, Admitted refusal
		Resource                 struct {
			Resource string   `json:"resource"`
			Name     string   `json:"resource_name"`
			Servers  []string `json:"authorization_servers"`
			Scopes   []string `json:"scopes_supported"`
			Methods  []string `json:"bearer_methods_supported"`
		}
		Claims struct{ Sub, Aud, Scope string }
	}
	input, err := json.Marshal(map[string]string{"api": api.Audience, "token": token, "path": "/orders", "scoped": "/stock"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", filepath.Join("testdata", "oauth4webapi.mjs"))
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("oauth4webapi: %v\n%s", err, stderr.Bytes())
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("oauth4webapi printed %q: %v", out, err)
	}
	at := api.Audience + "/.well-known/oauth-protected-resource"
	if want := (refusal{401, "bearer", 1, "api", "invalid_token", "", at}); got.Invalid != want {
		t.Errorf("challenge for an unknown token = %+v, want %+v", got.Invalid, want)
	}
	if want := (refusal{403, "bearer", 1, "api", "insufficient_scope", "write", at}); got.Scope != want {
		t.Errorf("challenge for a missing scope = %+v, want %+v", got.Scope, want)
	}
	if got.Admitted.Status != 200 {
		t.Errorf("GET /orders with a token = %+v, want 200", got.Admitted)
	}
	r := got.Resource
	if r.Resource != api.Audience || r.Name != api.Name || strings.Join(r.Servers, " ") != s.URL || !slices.Equal(r.Scopes, api.Scopes) || strings.Join(r.Methods, " ") != "header" {
		t.Errorf("metadata = %+v, want that of the API", r)
	}
	if got.Claims.Sub != "client:"+id || got.Claims.Aud != api.Audience || got.Claims.Scope != "read" {
		t.Errorf("claims = %+v, want those of the client %s", got.Claims, id)
	}
}
