package authserver

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-passport/passport/internal/jws"
	"github.com/go-passport/passport/internal/recent"
	"github.com/go-passport/passport/oauth"
)

// digest is the SHA-256 of a token with its signature.
type digest [sha256.Size]byte

// keySet are the public keys of a server. Each verifies with one algorithm.
type keySet struct {
	keys []*jws.Key

	// verified caches the tokens whose signature was verified. It ends with its keys.
	verified *recent.Map[digest, Token]
}

// equal reports whether two sets have the same keys.
func (s keySet) equal(other keySet) bool {
	return slices.EqualFunc(s.keys, other.keys, func(a, b *jws.Key) bool { return a.JWK() == b.JWK() })
}

// The limits of a key set.
const (
	mostKeys  = 100
	longestID = 1024 // bytes of an ID
)

// parseKeys reads a JWK set (RFC 7517 §5). It ignores keys that do not verify signatures
// or that this package does not support, as RFC 7517 §5 asks. Two keys with one ID are an
// error, because the ID must decide which key verifies a token.
func parseKeys(text []byte) (set keySet, err error) {
	members, err := object(text)
	if err != nil {
		return set, err
	}
	var all []json.RawMessage
	if err := members.read("keys", &all); err != nil {
		return set, err
	}
	if len(all) > mostKeys {
		return set, fmt.Errorf("the set has %d keys, want at most %d", len(all), mostKeys)
	}
	for _, text := range all {
		key := parseKey(text)
		if key == nil {
			continue
		}
		i := slices.IndexFunc(set.keys, func(other *jws.Key) bool { return other.ID == key.ID })
		switch {
		case i < 0:
			set.keys = append(set.keys, key)
		case set.keys[i].JWK() != key.JWK():
			return keySet{}, fmt.Errorf("two keys have the ID %.100q", key.ID)
		}
	}
	if len(set.keys) == 0 {
		return set, errors.New("the set has no key for ES256, EdDSA, RS256 or PS256")
	}
	set.verified = new(recent.Map[digest, Token])
	return set, nil
}

// parseKey reads a key. It returns nil for a key that does not verify the signatures of
// this package.
func parseKey(text []byte) *jws.Key {
	var k struct {
		jws.JWK
		Private    string   `json:"d"`
		Operations []string `json:"key_ops"`
	}
	switch err := json.Unmarshal(text, &k); {
	case err != nil || k.Private != "" || len(k.Kid) > longestID:
		return nil
	case k.Use != "" && k.Use != "sig" || k.Operations != nil && !slices.Contains(k.Operations, "verify"):
		return nil
	}
	key, err := jws.FromJWK(k.JWK)
	if err != nil {
		return nil
	}
	return key
}

// Verify returns the claims of an access token that the server signed and that is valid
// now (RFC 9068 §4). It does not check the audience, nor whether the token was revoked.
func (s *Server) Verify(ctx context.Context, bearer string) (Token, error) {
	k, err := s.known(ctx, false)
	if err != nil {
		return Token{}, err
	}
	id := digest(sha256.Sum256([]byte(bearer)))
	t, err := k.keys.verify(id, bearer)
	if errors.Is(err, jws.ErrUnknownKey) {
		if k, err = s.known(ctx, true); err != nil {
			return Token{}, err
		}
		t, err = k.keys.verify(id, bearer)
	}
	if err != nil {
		return Token{}, fmt.Errorf("%w: %w", err, oauth.InvalidToken.Errorf("the token is not one of ours"))
	}
	if err := t.Check(s.Issuer, time.Now()); err != nil {
		return Token{}, err
	}
	k.keys.verified.Put(id, t)
	return t, nil
}

// verify returns the claims of a token that one of the keys signed.
func (s keySet) verify(id digest, bearer string) (t Token, err error) {
	if t, ok := s.verified.Get(id); ok {
		return t, nil
	}
	_, payload, err := jws.Verify(s.keys, jws.AccessToken, bearer)
	if err != nil {
		return t, err
	}
	err = json.Unmarshal(payload, &t)
	return t, err
}
