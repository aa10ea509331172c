package testkit

import (
	"crypto/rand"
	"crypto/rsa"
	"sync"
	"testing"

	"github.com/go-passport/passport"
)

// rsaKey is the RSA key of every server with [WithOpenID]: a new one takes long.
var rsaKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// WithOpenID returns a configuration change that turns OpenID Connect on, with an ES256
// key for access tokens and an RS256 key for ID tokens.
func WithOpenID(t testing.TB, settings passport.OpenID) func(*passport.Config) {
	t.Helper()
	key, err := rsaKey()
	if err != nil {
		t.Fatal(err)
	}
	keys := WithKeys(t, NewECKey(t), key)
	return func(c *passport.Config) {
		keys(c)
		c.Features = append(c.Features, settings)
	}
}
