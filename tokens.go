package passport

import (
	"context"
	"iter"

	"github.com/go-passport/passport/internal/clock"
	"github.com/go-passport/passport/oauth"
)

// Tokens yields all access tokens of a user, including ended ones; see
// [oauth.AccessToken.Live]. Tokens of one family follow each other. Their clients
// have no redirect URIs and no attributes; see [oauth.TokenStore.TokensOf].
func (s *Server) Tokens(ctx context.Context, user UserRef) iter.Seq2[*oauth.AccessToken, error] {
	return s.tokens.TokensOf(ctx, user)
}

// TokensOfClient yields the access tokens that were issued to a client in the order
// of their time of issue, including ended ones; see [oauth.AccessToken.Live]. It
// reads them page by page.
func (s *Server) TokensOfClient(ctx context.Context, clientID string) iter.Seq2[*oauth.AccessToken, error] {
	return s.tokens.TokensOfClient(ctx, clientID)
}

// Connections returns the newest access token of each live family of a user: the
// user's connected apps. Personal access tokens are not among them. It returns at
// most [oauth.MaxListed] tokens; see [oauth.TokenStore.Connections].
func (s *Server) Connections(ctx context.Context, user UserRef) ([]*oauth.AccessToken, error) {
	return s.tokens.Connections(ctx, user, clock.Now())
}

// RevokeToken revokes an access token. For a user's token it revokes the whole
// token family: all tokens of the same consent, including refresh tokens. It
// returns [oauth.ErrNotFound] if the token does not exist.
func (s *Server) RevokeToken(ctx context.Context, id string) error {
	return s.tokens.RevokeToken(ctx, id)
}

// RevokeRefreshTokensOf revokes the refresh tokens that were issued with an access
// token and their successors. It also revokes the access token itself, which would
// otherwise work until it expires.
func (s *Server) RevokeRefreshTokensOf(ctx context.Context, accessTokenID string) error {
	return s.tokens.RevokeRefreshTokensOf(ctx, accessTokenID)
}

// RevokeUser revokes every token of a user, including tokens that are being issued
// for an earlier request. Consents are kept; see [Server.Withdraw].
func (s *Server) RevokeUser(ctx context.Context, user UserRef) error {
	return s.tokens.RevokeUser(ctx, user)
}

// RevokeUserAtClient revokes every token of a user at one client. Consents are
// kept.
func (s *Server) RevokeUserAtClient(ctx context.Context, user UserRef, clientID string) error {
	return s.tokens.RevokeUserAtClient(ctx, user, clientID)
}

// RevokeTokensOfClient ends every code, access token, refresh token and personal
// access token of a client, including tokens that are being issued for an earlier
// request. The client stays and can get new tokens. Consents are kept. It returns
// [oauth.ErrNotFound] if the client does not exist. See also [Server.RevokeClient].
func (s *Server) RevokeTokensOfClient(ctx context.Context, clientID string) error {
	return s.tokens.RevokeTokensOfClient(ctx, clientID)
}

// PasswordChanged revokes the tokens and codes of the user's other browser sessions
// after a password change. exceptSessionID is the session in which the password was
// changed; empty to spare no session. Personal access tokens are kept.
func (s *Server) PasswordChanged(ctx context.Context, user UserRef, exceptSessionID string) error {
	return s.tokens.PasswordChanged(ctx, user, exceptSessionID)
}

// EndSession revokes the unredeemed codes of a browser session. It also revokes the
// session's tokens under Config.FamiliesEndWithSession, or if the client has
// EndsWithSession. Call it when a user signs out. An empty session ID is an error.
func (s *Server) EndSession(ctx context.Context, user UserRef, sessionID string) error {
	return s.tokens.EndSession(ctx, user, sessionID)
}

// Withdraw deletes a user's consent to a client and revokes all of the user's
// tokens at it. Personal access tokens are kept.
func (s *Server) Withdraw(ctx context.Context, user UserRef, clientID string) error {
	return s.tokens.Withdraw(ctx, user, clientID)
}
