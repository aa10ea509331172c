package passport

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/go-passport/passport/internal/jws"
	"github.com/go-passport/passport/internal/opaque"
	"github.com/go-passport/passport/oauth"
)

// verify is the verifier of the server's own guards: signature and claims, then
// the row, which decides; then whether the user still may.
func (s *Server) verify(r *http.Request, bearer string) (*oauth.AccessToken, *oauth.User, error) {
	now := time.Now()
	t, err := s.findToken(r.Context(), bearer, now)
	if errors.Is(err, oauth.ErrNotFound) {
		return nil, nil, oauth.InvalidToken.Errorf("the token is unknown")
	}
	if err != nil {
		return nil, nil, err
	}
	t.InheritScopes = s.config.InheritScopes
	if !t.Live(now) {
		return nil, nil, oauth.InvalidToken.Errorf("the token has expired or was revoked")
	}
	if !slices.Contains(t.Audience, s.config.Audience) {
		return nil, nil, oauth.InvalidToken.Errorf("the token is for another resource")
	}
	ref, ok := t.Subject().User()
	if !ok {
		return t, nil, nil
	}
	user, err := s.userOf(r, ref)
	return t, user, err
}

// findToken returns the row of a token, which decides whether it may be used. A
// JWT is verified first.
func (s *Server) findToken(ctx context.Context, bearer string, now time.Time) (*oauth.AccessToken, error) {
	if opaque.Is(s.config.PersonalTokenPrefix, bearer) {
		t, err := s.config.Store.OpaqueToken(ctx, oauth.DigestOf(bearer))
		if err != nil {
			return nil, fmt.Errorf("find opaque access token: %w", err)
		}
		return t, nil
	}
	id, err := s.tokenID(bearer, now)
	if err != nil {
		return nil, err
	}
	t, err := s.config.Store.AccessToken(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("find access token: %w", err)
	}
	return t, nil
}

// userOf loads the user that a token speaks for.
func (s *Server) userOf(r *http.Request, ref UserRef) (*User, error) {
	gone := oauth.InvalidToken.Errorf("the account may no longer act")
	provider := s.provider(ref.Provider)
	if provider == nil {
		return nil, fmt.Errorf("the user provider %q is not configured any more: %w", ref.Provider, gone)
	}
	user, err := provider.UserByID(r.Context(), ref.ID)
	switch {
	case errors.Is(err, oauth.ErrNotFound):
		return nil, gone
	case err != nil:
		return nil, fmt.Errorf("find user: %w", err)
	case user == nil || user.ID != ref.ID:
		return nil, fmt.Errorf("UserByID of provider %q returned another user than it was asked for: %w", ref.Provider, oauth.ServerError)
	}
	return user, nil
}

// tokenClaims are the claims of an access token that the server checks.
type tokenClaims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	ClientID string   `json:"client_id"`
	ID       string   `json:"jti"`
	Audience audience `json:"aud"`
	IssuedAt int64    `json:"iat"`
	Expires  int64    `json:"exp"`
	Before   int64    `json:"nbf"`
}

// tokenID verifies a token's signature and claims (RFC 9068 §4) and returns its
// ID. The signature comes first: of a token that is not ours nothing else is
// said.
func (s *Server) tokenID(bearer string, now time.Time) (string, error) {
	digest := tokenDigest(sha256.Sum256([]byte(bearer)))
	keys := s.keys.Load().now()
	if c, ok := keys.remembered.claims(digest); ok {
		return c.ID, s.checkClaims(c, now)
	}
	_, payload, err := jws.Verify(keys.keys, "at+jwt", bearer)
	if err != nil {
		return "", fmt.Errorf("%w: %w", err, oauth.InvalidToken.Errorf("the token is not one of ours"))
	}
	var c tokenClaims
	if err := json.Unmarshal(payload, &c); err != nil {
		return "", fmt.Errorf("%w: %w", err, oauth.InvalidToken.Errorf("the token is not one of ours"))
	}
	if err := s.checkClaims(c, now); err != nil {
		return "", err
	}
	keys.remembered.add(digest, c)
	return c.ID, nil
}

func (s *Server) checkClaims(c tokenClaims, now time.Time) error {
	switch {
	case c.Issuer != s.config.Issuer:
		return oauth.InvalidToken.Errorf("the token is of another issuer")
	case c.ID == "" || c.Subject == "" || c.ClientID == "" || c.IssuedAt == 0 || c.Expires == 0:
		return oauth.InvalidToken.Errorf("the token lacks a required claim")
	case !slices.Contains(c.Audience, s.config.Audience):
		return oauth.InvalidToken.Errorf("the token is for another resource")
	case now.Unix() >= c.Expires:
		return oauth.InvalidToken.Errorf("the token has expired or was revoked")
	case c.IssuedAt > now.Unix()+60 || c.Before > now.Unix()+60:
		return oauth.InvalidToken.Errorf("the token is not valid yet")
	}
	return nil
}

// audience is one string or a list of them (RFC 7519 §4.1.3).
type audience []string

// UnmarshalJSON implements [json.Unmarshaler].
func (a *audience) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(a))
}
