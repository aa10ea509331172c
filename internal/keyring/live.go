package keyring

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/go-passport/passport/internal/claims"
	"github.com/go-passport/passport/internal/jws"
	"github.com/go-passport/passport/oauth"
)

// Live holds the current keys of a server and Config.Secrets. [Live.Reload]
// replaces the keys. If there are secrets, other secrets are derived from them
// and not from the keys. Live is safe for concurrent use.
type Live struct {
	ring     atomic.Pointer[Ring]
	secrets  Roots
	required []string
}

// tokenDigest is the SHA-256 of a token with its signature.
type tokenDigest [sha256.Size]byte

// NewLive returns a Live that starts with ring. secrets may be empty. A later ring must
// have private keys of the required algorithms, too.
func NewLive(ring *Ring, secrets [][]byte, required ...string) *Live {
	l := &Live{secrets: NewRoots(secrets), required: required}
	l.ring.Store(ring)
	return l
}

// Roots returns the roots of Config.Secrets. Without secrets it returns the
// roots of the readable private keys, the signing key's first.
func (l *Live) Roots() Roots {
	if len(l.secrets) > 0 {
		return l.secrets
	}
	return l.ring.Load().now().roots
}

// Sign returns the compact form of claims, signed by the signing key.
func (l *Live) Sign(typ string, claims any) (string, error) { return l.ring.Load().Sign(typ, claims) }

// SignAs is like [Live.Sign], with the current key of an algorithm. Without a key of the
// algorithm, the error names the command that adds it.
func (l *Live) SignAs(alg, typ string, claims any) (string, error) {
	key := l.ring.Load().now().current[alg]
	if key == nil {
		return "", NoKey(alg)
	}
	return key.Sign(typ, claims)
}

// NoKey returns the error for an algorithm that none of the private keys has.
func NoKey(alg string) error {
	return fmt.Errorf("no private key signs %[1]s: add one with `passport keys add --alg %[1]s`", alg)
}

// Algorithms returns the algorithms of the private keys, that of access tokens first.
func (l *Live) Algorithms() []string { return l.ring.Load().Algorithms() }

// VerifyAs returns the payload of a token of another type than access tokens, which one
// of the keys signed. It does not check the claims.
func (l *Live) VerifyAs(typ, token string) ([]byte, error) { return l.ring.Load().Verify(typ, token) }

// JWKS returns the public keys (RFC 7517 §5).
func (l *Live) JWKS() []byte { return l.ring.Load().JWKS() }

// Verify returns the claims of an access token that one of the keys signed and
// that is valid at the given time (RFC 9068 §4). It checks the signature first,
// so that errors say nothing about the content of a foreign token. Verify does
// not check the audience. The token's row decides whether it may still be used.
func (l *Live) Verify(bearer, issuer string, at time.Time) (claims.Claims, error) {
	digest := tokenDigest(sha256.Sum256([]byte(bearer)))
	keys := l.ring.Load().now()
	if c, ok := keys.verified.Get(digest); ok {
		return c, c.Check(issuer, at)
	}
	c, err := verify(keys.keys, bearer)
	if err != nil {
		return c, fmt.Errorf("%w: %w", err, oauth.InvalidToken.Errorf("the token is not one of ours"))
	}
	if err := c.Check(issuer, at); err != nil {
		return c, err
	}
	keys.verified.Put(digest, c)
	return c, nil
}

// verify returns the claims of an access token that one of keys has signed.
func verify(keys []*jws.Key, bearer string) (claims.Claims, error) {
	_, payload, err := jws.Verify(keys, "at+jwt", bearer)
	if err != nil {
		return claims.Claims{}, err
	}
	var c claims.Claims
	err = json.Unmarshal(payload, &c)
	return c, err
}

// Reload reads the keys again from their source. It returns the new ring, or
// nil if nothing has changed. On an error the current keys remain in use.
func (l *Live) Reload(ctx context.Context) (*Ring, error) {
	old := l.ring.Load()
	if old.reload == nil {
		return nil, nil
	}
	fresh, err := old.reload(ctx)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read: %w", err)
	case fresh.String() == old.String():
		return nil, nil
	case len(l.secrets) == 0 && !fresh.Derivable():
		return nil, errors.New("the signing key does not expose its private key, and Config.Secrets is empty")
	}
	if err := fresh.Validate(); err != nil {
		return nil, err
	}
	for _, alg := range l.required {
		if fresh.now().current[alg] == nil {
			return nil, NoKey(alg)
		}
	}
	fresh.reload = old.reload
	l.ring.Store(fresh)
	return fresh, nil
}
