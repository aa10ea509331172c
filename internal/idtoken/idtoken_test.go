package idtoken_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/idtoken"
	"github.com/go-passport/passport/internal/keyring"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/openid"
)

const issuer = "https://auth.example.com"

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

var (
	alice  = oauth.UserRef{Provider: "users", ID: "alice"}
	client = &oauth.Client{ID: "web"}
)

func ecKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func edKey(t *testing.T) crypto.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newService returns a service with keys for ES256, RS256 and EdDSA, and the keys.
func newService(t *testing.T, settings feature.OpenID, signers ...crypto.Signer) (*idtoken.Service, *keyring.Live) {
	t.Helper()
	if signers == nil {
		signers = []crypto.Signer{ecKey(t), rsaKey(), edKey(t)}
	}
	ring, err := keyring.New(signers...)
	if err != nil {
		t.Fatal(err)
	}
	keys := keyring.NewLive(ring, nil)
	return idtoken.New(idtoken.Config{Issuer: issuer, Keys: keys, OpenID: &settings}), keys
}

// request returns a request for an ID token of alice at the client.
func request(c *oauth.Client) idtoken.Request {
	now := time.Now()
	return idtoken.Request{
		Client: c, User: &oauth.User{ID: "alice"}, Scopes: []string{"openid"}, AccessToken: "an access token", Time: now,
		Family: &oauth.Family{ID: "family", User: alice, ClientID: c.ID, AuthTime: now.Add(-time.Minute), CreatedAt: now, ExpiresAt: now.Add(24 * time.Hour)},
	}
}

func sign(t *testing.T, s *idtoken.Service, r idtoken.Request) string {
	t.Helper()
	token, err := s.Sign(context.Background(), r)
	if err != nil {
		t.Fatalf("Sign: %v", err)
	}
	return token
}

// read verifies a token with go-jose and the public JWK set, as a client does, and
// returns its header and claims.
func read(t *testing.T, keys *keyring.Live, token, alg string) (jose.Header, map[string]any) {
	t.Helper()
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
	if err != nil {
		t.Fatalf("go-jose doesn't read the token as %s: %v", alg, err)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(keys.JWKS(), &set); err != nil {
		t.Fatal(err)
	}
	header := parsed.Signatures[0].Protected
	found := set.Key(header.KeyID)
	if len(found) != 1 {
		t.Fatalf("the JWK set has %d keys %q, want one", len(found), header.KeyID)
	}
	payload, err := parsed.Verify(found[0])
	if err != nil {
		t.Fatalf("the signature of the token doesn't verify: %v", err)
	}
	claims := map[string]any{}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	return header, claims
}

func claimsOf(f func(openid.Claims) openid.Claims) feature.OpenID {
	return feature.OpenID{UserClaims: func(context.Context, *oauth.User, *oauth.Client, []string) (openid.Claims, error) {
		return f(openid.Claims{}), nil
	}}
}

func wantError(t *testing.T, what string, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("%s = %v, want an error with %q", what, err, text)
	}
}
