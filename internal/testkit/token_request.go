package testkit

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// Published returns the server's public keys as a client parses them.
func (s *Server) Published() *jose.JSONWebKeySet {
	s.T.Helper()
	return JwksOf(s.T, s.Get("/oauth/jwks").Body)
}

// Verified verifies a token with go-jose and the published keys. It returns the
// token's header.
func (s *Server) Verified(token string) jose.Header {
	s.T.Helper()
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256, jose.RS256, jose.PS256, jose.EdDSA})
	if err != nil {
		s.T.Fatalf("the access token is not a JWS: %v", err)
	}
	header := parsed.Signatures[0].Protected
	keys := s.Published().Key(header.KeyID)
	if len(keys) != 1 {
		s.T.Fatalf("%d published keys have the kid %q of the access token, want one", len(keys), header.KeyID)
	}
	if _, err := parsed.Verify(keys[0]); err != nil {
		s.T.Fatalf("the access token does not verify with the published key: %v", err)
	}
	if keys[0].Algorithm != header.Algorithm {
		s.T.Errorf("the token is signed with %s, its key is published for %s", header.Algorithm, keys[0].Algorithm)
	}
	return header
}

// MachineNamed registers a client with this ID, and with secret as a further
// secret.
func (s *Server) MachineNamed(id, secret string) *Client {
	s.T.Helper()
	c := s.Register(passport.Registration{ID: id, GrantTypes: []string{"client_credentials"}})
	s.AddSecret(id, secret, time.Time{})
	return c
}

// AddSecret adds a secret to a client, even one that the server's RotateSecret
// would refuse. A zero expiresAt means that it never expires.
func (s *Server) AddSecret(id, secret string, expiresAt time.Time) {
	s.T.Helper()
	added := oauth.Secret{Digest: oauth.DigestOf(secret), CreatedAt: time.Now(), ExpiresAt: expiresAt}
	if err := s.Store.RotateSecret(s.T.Context(), id, added, time.Now().Add(24*time.Hour), nil); err != nil {
		s.T.Fatal(err)
	}
}

// ExpireSecrets expires the secrets of a client, which must have at least one.
func (s *Server) ExpireSecrets(c *Client) {
	s.T.Helper()
	past := time.Now().Add(-time.Second)
	expired := oauth.Secret{Digest: oauth.DigestOf("expired"), CreatedAt: past, ExpiresAt: past}
	if err := s.Store.RotateSecret(s.T.Context(), c.ID, expired, past, nil); err != nil {
		s.T.Fatal(err)
	}
}

// Preflight sends a CORS preflight request to the token endpoint.
func (s *Server) Preflight(origin string) *Response {
	r := httptest.NewRequest("OPTIONS", s.TokenURL(), nil)
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	r.Header.Set("Access-Control-Request-Method", "POST")
	r.Header.Set("Access-Control-Request-Headers", "authorization,content-type")
	return s.Do(r)
}

// Basic returns the Authorization header of a client (RFC 6749 §2.3.1).
func Basic(id, secret string) string {
	return RawBasic(url.QueryEscape(id) + ":" + url.QueryEscape(secret))
}

// RawBasic returns an Authorization header with credentials as they are.
func RawBasic(credentials string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))
}

// VoucherType is the grant type of the tests' custom grant.
const VoucherType = "urn:example:voucher"

// Kiosk registers a client for the custom grant and more grant types.
func (s *Server) Kiosk(more ...string) *Client {
	return s.Register(passport.Registration{GrantTypes: append([]string{VoucherType}, more...)})
}

// Get sends a GET to a path of the server.
func (s *Server) Get(path string, header ...string) *Response {
	r := NewGet(s.Config.Issuer + path)
	setHeader(r, header)
	return s.Do(r)
}

// JwksOf parses a JWK set.
func JwksOf(t testing.TB, body string) *jose.JSONWebKeySet {
	t.Helper()
	set := new(jose.JSONWebKeySet)
	if err := json.Unmarshal([]byte(body), set); err != nil {
		t.Fatalf("jwks: %v in %s", err, body)
	}
	return set
}

// Check reports err as a test error.
func Check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// WantTryLater fails the test unless the response is 503 with a Retry-After within
// the grace period of a refresh token.
func (a *Response) WantTryLater() {
	a.T.Helper()
	after, err := strconv.Atoi(a.Header.Get("Retry-After"))
	if a.Status != http.StatusServiceUnavailable || a.JSON()["error"] != "temporarily_unavailable" || err != nil || time.Duration(after)*time.Second >= 10*time.Second || after < 1 {
		a.T.Errorf("%s with Retry-After %q; want 503 temporarily_unavailable, and a wait shorter than the grace of 10 seconds", a, a.Header.Get("Retry-After"))
	}
	if strings.Contains(a.Body, "10.0.0.1") {
		a.T.Errorf("the client is told where the store is: %s", a.Body)
	}
}
