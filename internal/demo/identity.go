package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/go-passport/passport/internal/jws"
)

// identity is what an ID token says about the user who signed in (OpenID Connect Core §2).
type identity struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
	Expires  int64  `json:"exp"`
	Nonce    string `json:"nonce"`
	Name     string `json:"name"`
	Email    string `json:"email"`
}

// Initial replaces the user's picture.
func (i identity) Initial() string {
	for _, r := range strings.TrimSpace(i.Label()) {
		return string(unicode.ToUpper(r))
	}
	return "?"
}

// Label returns the user's name, or the subject if the token has none.
func (i identity) Label() string {
	if i.Name == "" {
		return i.Subject
	}
	return i.Name
}

// verify verifies an ID token (OpenID Connect Core §3.1.3.7).
func (c *client) verify(ctx context.Context, idToken, nonce string) (*identity, error) {
	keys, err := c.keys(ctx)
	if err != nil {
		return nil, err
	}
	_, payload, err := jws.Verify(keys, "JWT", idToken)
	if err != nil {
		return nil, fmt.Errorf("verify ID token: %w", err)
	}
	var i identity
	if err := json.Unmarshal(payload, &i); err != nil {
		return nil, fmt.Errorf("read ID token: %w", err)
	}
	switch {
	case i.Issuer != c.issuer:
		return nil, errors.New("the ID token is from another issuer")
	case i.Audience != c.id:
		return nil, errors.New("the ID token is for another client")
	case !time.Now().Before(time.Unix(i.Expires, 0)):
		return nil, errors.New("the ID token has expired")
	case i.Nonce != nonce:
		return nil, errors.New("the ID token is for another sign-in: its nonce differs")
	}
	return &i, nil
}

// keys returns the public keys of the server.
func (c *client) keys(ctx context.Context) ([]*jws.Key, error) {
	m, err := c.discover(ctx)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, m.JWKS, nil)
	if err != nil {
		return nil, fmt.Errorf("get keys: %w", err)
	}
	_, body, err := c.send(r, nil)
	if err != nil {
		return nil, fmt.Errorf("get keys: %w", err)
	}
	var set struct {
		Keys []jws.JWK `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	var keys []*jws.Key
	for _, j := range set.Keys {
		if key, err := jws.FromJWK(j); err == nil { // others are for other clients
			keys = append(keys, key)
		}
	}
	return keys, nil
}
