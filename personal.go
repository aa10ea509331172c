package passport

import (
	"context"
	"time"

	"github.com/go-passport/passport/internal/clock"
	"github.com/go-passport/passport/internal/tokens"
	"github.com/go-passport/passport/oauth"
)

// PersonalToken is what a personal access token is made from.
type PersonalToken struct {
	User   UserRef
	Name   string   // by which the user knows it; at most 191 characters
	Scopes []string // none by default: Config.DefaultScopes do not apply

	// ExpiresAt is when it ends; zero for Config.PersonalTokenTTL from now, which
	// is also the latest.
	ExpiresAt time.Time

	Attributes map[string]string // the application's own
}

// NewToken is a personal access token that was just made.
type NewToken struct {
	AccessToken string             // shown this once; an opaque one is stored as a digest only
	Token       *oauth.AccessToken // its record
}

// CreateToken makes a personal access token: one that a user makes for himself,
// without a client that asks for it. See [Server.CreatePersonalToken].
func (s *Server) CreateToken(ctx context.Context, user UserRef, name string, scopes ...string) (*NewToken, error) {
	return s.CreatePersonalToken(ctx, PersonalToken{User: user, Name: name, Scopes: scopes})
}

// CreatePersonalToken makes a personal access token. It asks nobody for consent:
// call it for the user who is signed in. The error is an [oauth.InvalidScope] for
// a scope that is not registered or that the client of personal tokens may not
// have, an [oauth.InvalidRequest] for a name or time that will not do, and
// [oauth.ErrNotFound] for a user who is gone, as [oauth.UserProvider.UserByID]
// says when the token is issued.
func (s *Server) CreatePersonalToken(ctx context.Context, p PersonalToken) (*NewToken, error) {
	raw, token, err := s.personal.Create(ctx, tokens.PersonalToken(p), clock.Now())
	if err != nil {
		return nil, err
	}
	return &NewToken{AccessToken: raw, Token: token}, nil
}
