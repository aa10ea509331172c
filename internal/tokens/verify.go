package passport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/go-passport/passport/internal/opaque"
	"github.com/go-passport/passport/internal/users"
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
	user, err := s.userOf(r.Context(), ref)
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
func (s *Server) userOf(ctx context.Context, ref UserRef) (*User, error) {
	user, err := s.users.Load(ctx, ref)
	return user, goneAs(oauth.InvalidToken, err)
}

// goneAs gives [users.ErrGone] the error code that an endpoint has for it, and
// returns every other error as it is.
func goneAs(code oauth.ErrorCode, err error) error {
	if !errors.Is(err, users.ErrGone) {
		return err
	}
	return fmt.Errorf("%w: %w", err, code.Errorf("the account may no longer act"))
}
