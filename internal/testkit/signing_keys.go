package testkit

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-passport/passport"
)

// Kids returns the IDs of the server's public keys, the signing key's first.
func (s *Server) Kids() (kids []string) {
	s.T.Helper()
	var set struct {
		Keys []struct{ Kid string }
	}
	if err := json.Unmarshal([]byte(s.Get("/oauth/jwks").Body), &set); err != nil {
		s.T.Fatal(err)
	}
	for _, key := range set.Keys {
		kids = append(kids, key.Kid)
	}
	return kids
}

// EveryKey returns a configuration change for each signing algorithm.
func EveryKey(t testing.TB) map[string]func(*passport.Config) {
	t.Helper()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]func(*passport.Config){
		"ES256": WithKeys(t, NewECKey(t)), "EdDSA": WithKeys(t, ed), "RS256": WithKeys(t, rs), "PS256": WithKeys(t, passport.PS256(rs)),
	}
}

// NewECKey returns a new P-256 key.
func NewECKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// WithKeys returns a configuration change that sets these keys. The first key
// signs.
func WithKeys(t testing.TB, signers ...crypto.Signer) func(*passport.Config) {
	t.Helper()
	keys, err := passport.NewKeys(signers...)
	if err != nil {
		t.Fatal(err)
	}
	return func(c *passport.Config) { c.Keys = keys }
}

// NewKeys returns new signing keys.
func NewKeys(t *testing.T) *passport.Keys {
	t.Helper()
	keys, err := passport.GenerateKeys()
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// NewSigner returns a new P-256 key as a signer.
func NewSigner(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// KeysOf returns keys with these signers.
func KeysOf(t *testing.T, signers ...crypto.Signer) *passport.Keys {
	t.Helper()
	keys, err := passport.NewKeys(signers...)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

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
		s.T.Errorf("the token is signed with %s, but its key is published for %s", header.Algorithm, keys[0].Algorithm)
	}
	return header
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
