package passport

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-passport/passport/internal/clock"
	"github.com/go-passport/passport/internal/tokens"
	"github.com/go-passport/passport/oauth"
)

// PersonalToken holds the fields of a new personal access token.
type PersonalToken struct {
	User   UserRef
	Name   string   // shown to the user; at most 191 characters
	Scopes []string // none by default: Config.DefaultScopes do not apply

	// ExpiresAt is when the token expires. It may be at most
	// Config.PersonalTokenTTL from now, which is also the default.
	ExpiresAt time.Time

	Attributes map[string]string // for the application's use

	// Once is a random value of the form that creates the token. A second call for the
	// same user with the same value within a day returns [oauth.ErrSpent] and creates
	// nothing, so that a form that is sent twice creates one token. A call that fails may
	// use the value up. Optional.
	Once string
}

// NewToken is the result of [Server.CreatePersonalToken].
type NewToken struct {
	AccessToken string             // returned only once; the server stores the digest of an opaque token
	Token       *oauth.AccessToken // its record
}

// Format implements [fmt.Formatter]. It prints no secret: only the ID of the token.
func (t NewToken) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "passport.NewToken(%s)", tokens.ShownID(t.Token))
}

// LogValue implements [slog.LogValuer]: only the ID of the token.
//
// encoding/json is not changed, because an application may respond with the value. So
// [slog.JSONHandler] prints the secret of a value inside a list, map or struct; log
// the value as an attribute, or its ID.
func (t NewToken) LogValue() slog.Value { return slog.StringValue(tokens.ShownID(t.Token)) }

// CreateToken creates a personal access token, which a user needs for their scripts.
// It is a short form of [Server.CreatePersonalToken].
func (s *Server) CreateToken(ctx context.Context, user UserRef, name string, scopes ...string) (*NewToken, error) {
	return s.CreatePersonalToken(ctx, PersonalToken{User: user, Name: name, Scopes: scopes})
}

// CreatePersonalToken creates a personal access token. It does not ask for consent,
// so call it only for the signed-in user. The error is
//
//   - [oauth.InvalidScope] for a scope that is not registered, or that the client
//     of personal access tokens may not have,
//   - [oauth.InvalidRequest] for an invalid name or time,
//   - [oauth.ErrSpent] if PersonalToken.Once was used before,
//   - [oauth.ErrLimit] if the user has Config.MaxPersonalTokensPerUser live tokens,
//   - [oauth.TemporarilyUnavailable] while another server alone issues to the client of
//     personal access tokens; see package laravel, and
//   - [oauth.ErrNotFound] if [oauth.UserProvider.UserByID] does not find the user.
func (s *Server) CreatePersonalToken(ctx context.Context, p PersonalToken) (*NewToken, error) {
	raw, token, err := s.personal.Create(ctx, tokens.PersonalToken(p), clock.Now())
	if err != nil {
		return nil, err
	}
	return &NewToken{AccessToken: raw, Token: token}, nil
}

// PersonalTokens returns the personal access tokens of a user that are not revoked,
// ordered by ID, which is the time of their creation. Expired tokens are among them
// until they are purged. It returns at most [oauth.MaxListed] tokens; see
// [oauth.TokenStore.PersonalTokens].
func (s *Server) PersonalTokens(ctx context.Context, user UserRef) ([]*oauth.AccessToken, error) {
	return s.tokens.PersonalTokens(ctx, user)
}

// PersonalTokenScopes returns the scopes that the personal access tokens of a provider's
// users may have, in the order of the consent page. An empty provider means
// [DefaultProvider].
func (s *Server) PersonalTokenScopes(ctx context.Context, provider string) ([]Scope, error) {
	return s.personal.Scopes(ctx, provider)
}

// PersonalTokenTTL returns how long a personal access token lasts at most:
// Config.PersonalTokenTTL.
func (s *Server) PersonalTokenTTL() time.Duration { return s.policy.PersonalTokenTTL }

// MaxPersonalTokensPerUser returns how many live personal access tokens a user may have:
// Config.MaxPersonalTokensPerUser, or zero for any number.
func (s *Server) MaxPersonalTokensPerUser() int { return s.personal.Limit }

// PersonalTokenPrefix returns the prefix of opaque personal access tokens:
// Config.PersonalTokenPrefix. With [oauth.AccessToken.Hint] users recognize a token.
func (s *Server) PersonalTokenPrefix() string { return s.tokens.OpaquePrefix() }
