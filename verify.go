package passport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

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
	claims, err := s.keys.Verify(bearer, s.config.Issuer, now)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(claims.Audience, s.config.Audience) {
		return nil, oauth.InvalidToken.Errorf("the token is for another resource")
	}
	t, err := s.config.Store.AccessToken(ctx, claims.ID)
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
