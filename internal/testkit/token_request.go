package testkit

import (
	"encoding/base64"
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// Published returns the server's keys as a client reads them.
func (s *Server) Published() *jose.JSONWebKeySet {
	s.T.Helper()
	return JwksOf(s.T, s.Get("/oauth/jwks").Body)
}

// Verified returns a token's header, read and verified by somebody else's code
// with the published keys.
func (s *Server) Verified(token string) jose.Header {
	s.T.Helper()
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256, jose.RS256, jose.PS256, jose.EdDSA})
	if err != nil {
		s.T.Fatalf("the access token is no JWS: %v", err)
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

// MachineNamed makes a client with an ID and a further secret of its own.
func (s *Server) MachineNamed(id, secret string) *Client {
	s.T.Helper()
	c := s.Register(passport.Registration{ID: id, GrantTypes: []string{"client_credentials"}})
	s.AddSecret(id, secret, time.Time{})
	return c
}

// AddSecret gives a client a further secret, also one that RotateSecret of the
// server would not. The zero time is no end.
func (s *Server) AddSecret(id, secret string, expiresAt time.Time) {
	s.T.Helper()
	added := oauth.Secret{Digest: oauth.DigestOf(secret), CreatedAt: time.Now(), ExpiresAt: expiresAt}
	if err := s.Store.RotateSecret(s.T.Context(), id, added, time.Now().Add(24*time.Hour), nil); err != nil {
		s.T.Fatal(err)
	}
}

// ExpireSecrets ends the secrets of a client, which has to have one.
func (s *Server) ExpireSecrets(c *Client) {
	s.T.Helper()
	past := time.Now().Add(-time.Second)
	expired := oauth.Secret{Digest: oauth.DigestOf("expired"), CreatedAt: past, ExpiresAt: past}
	if err := s.Store.RotateSecret(s.T.Context(), c.ID, expired, past, nil); err != nil {
		s.T.Fatal(err)
	}
}

func (s *Server) Preflight(origin string) *Answer {
	r := httptest.NewRequest("OPTIONS", s.TokenURL(), nil)
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	r.Header.Set("Access-Control-Request-Method", "POST")
	r.Header.Set("Access-Control-Request-Headers", "authorization,content-type")
	return s.Do(r)
}

func Basic(id, secret string) string {
	return RawBasic(url.QueryEscape(id) + ":" + url.QueryEscape(secret))
}

func RawBasic(credentials string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))
}

const VoucherType = "urn:example:voucher"

func (s *Server) Kiosk(more ...string) *Client {
	return s.Register(passport.Registration{GrantTypes: append([]string{VoucherType}, more...)})
}

func (s *Server) Get(path string, header ...string) *Answer {
	r := NewGet(s.Config.Issuer + path)
	setHeader(r, header)
	return s.Do(r)
}

func JwksOf(t testing.TB, body string) *jose.JSONWebKeySet {
	t.Helper()
	set := new(jose.JSONWebKeySet)
	if err := json.Unmarshal([]byte(body), set); err != nil {
		t.Fatalf("jwks: %v in %s", err, body)
	}
	return set
}

func Check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}
