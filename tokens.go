package passport

import (
	"context"
	"iter"

	"github.com/go-passport/passport/oauth"
)

// Tokens yields a user's access tokens by ID, dead ones too; see
// [oauth.AccessToken.Live].
func (s *Server) Tokens(ctx context.Context, user UserRef) iter.Seq2[*oauth.AccessToken, error] {
	return s.tokens.TokensOf(ctx, user)
}

// RevokeToken ends an access token, and with a user's everything that came of
// the same consent, refresh tokens included. One that is missing is
// [oauth.ErrNotFound].
func (s *Server) RevokeToken(ctx context.Context, id string) error {
	return s.tokens.RevokeToken(ctx, id)
}

// RevokeRefreshTokensOf ends the refresh tokens that were issued with an access
// token, those that have replaced them since, and the access token itself: an
// application that was to lose the one would otherwise keep the other until it
// expires.
func (s *Server) RevokeRefreshTokensOf(ctx context.Context, accessTokenID string) error {
	return s.tokens.RevokeRefreshTokensOf(ctx, accessTokenID)
}

// RevokeUser ends every token of a user, also those that are being issued for a
// request that has come in before. Consents stay; see [Server.Withdraw].
func (s *Server) RevokeUser(ctx context.Context, user UserRef) error {
	return s.tokens.RevokeUser(ctx, user)
}

// RevokeUserAtClient ends every token of a user at one client.
func (s *Server) RevokeUserAtClient(ctx context.Context, user UserRef, clientID string) error {
	return s.tokens.RevokeUserAtClient(ctx, user, clientID)
}

// PasswordChanged ends what a changed password has to end: codes and tokens that
// came of the user's other browser sessions. exceptSessionID is the session in
// which it was changed, empty to spare none. Personal access tokens stay.
func (s *Server) PasswordChanged(ctx context.Context, user UserRef, exceptSessionID string) error {
	return s.tokens.PasswordChanged(ctx, user, exceptSessionID)
}

// EndSession ends what has to end with a browser session: codes that were not
// redeemed yet, and under Config.FamiliesEndWithSession, or that field of a
// client, the tokens too. Without a session ID it is an error, never "all".
func (s *Server) EndSession(ctx context.Context, user UserRef, sessionID string) error {
	return s.tokens.EndSession(ctx, user, sessionID)
}

// Withdraw takes back a user's consent to a client and ends every token of the
// user at it. Personal access tokens stay.
func (s *Server) Withdraw(ctx context.Context, user UserRef, clientID string) error {
	return s.tokens.Withdraw(ctx, user, clientID)
}
