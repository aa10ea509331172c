package testkit

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"testing"

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
