package passport

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/go-passport/passport/internal/audit"
	"github.com/go-passport/passport/internal/clock"
	"github.com/go-passport/passport/oauth"
)

// Tokens yields a user's access tokens by ID, dead ones too; see
// [oauth.AccessToken.Live].
func (s *Server) Tokens(ctx context.Context, user UserRef) iter.Seq2[*oauth.AccessToken, error] {
	return s.config.Store.TokensOf(ctx, user)
}

// RevokeToken ends an access token, and with a user's everything that came of
// the same consent, refresh tokens included. One that is missing is
// [oauth.ErrNotFound].
func (s *Server) RevokeToken(ctx context.Context, id string) error {
	return s.revokeByID(ctx, id, "token")
}

// RevokeRefreshTokensOf ends the refresh tokens that were issued with an access
// token, those that have replaced them since, and the access token itself: an
// application that was to lose the one would otherwise keep the other until it
// expires.
func (s *Server) RevokeRefreshTokensOf(ctx context.Context, accessTokenID string) error {
	return s.revokeByID(ctx, accessTokenID, "refresh tokens")
}

func (s *Server) revokeByID(ctx context.Context, id, reason string) error {
	token, err := s.config.Store.AccessToken(ctx, id) // for log and event to say whose it was
	if err != nil {
		return fmt.Errorf("revoke token: %w", err)
	}
	return s.revokeToken(ctx, token, reason)
}

func (s *Server) revokeToken(ctx context.Context, token *oauth.AccessToken, reason string) error {
	at := clock.Now()
	record := auditRevoked(token, at)
	err := s.audit.Change(ctx, record, func(record *oauth.AuditRecord) error {
		return s.config.Store.RevokeToken(ctx, token.ID, at, record)
	}, Revoked{Meta: audit.Meta(ctx), User: record.User, ClientID: token.Client.ID, TokenID: token.ID, Reason: reason})
	if err != nil {
		return fmt.Errorf("revoke token: %w", err)
	}
	return nil
}

func auditRevoked(token *oauth.AccessToken, at time.Time) oauth.AuditRecord {
	user, _ := token.Subject().User()
	return oauth.AuditRecord{Action: "token.revoked", User: user, ClientID: token.Client.ID, Reason: "token " + token.ID, Time: at}
}

// disconnect ends everything of a token's consent for its user, and withdraws the
// remembered consent with the last connection. Both are one write: a request that
// is given up leaves nothing half done.
func (s *Server) disconnect(ctx context.Context, token *oauth.AccessToken) error {
	at, user, clientID := clock.Now(), token.Family.User, token.Family.ClientID
	records := []oauth.AuditRecord{auditRevoked(token, at), auditWithdrawn(user, clientID, at)}
	err := s.audit.Changes(ctx, records, func(records []*oauth.AuditRecord) (events []Event, err error) {
		revoked, withdrawn, err := s.config.Store.Disconnect(ctx, &oauth.Disconnection{
			User: user, TokenID: token.ID, Time: at, Revoked: records[0], Withdrawn: records[1],
		})
		if revoked {
			events = append(events, Revoked{Meta: audit.Meta(ctx), User: user, ClientID: token.Client.ID, TokenID: token.ID, Reason: "token"})
		}
		if withdrawn {
			events = append(events, ConsentWithdrawn{Meta: audit.Meta(ctx), User: user, ClientID: clientID})
		}
		return events, err
	})
	if err != nil {
		return fmt.Errorf("remove a connection: %w", err)
	}
	return nil
}

// RevokeUser ends every token of a user, also those that are being issued for a
// request that has come in before. Consents stay; see [Server.Withdraw].
func (s *Server) RevokeUser(ctx context.Context, user UserRef) error {
	return s.revoke(ctx, oauth.FamilyFilter{User: user}, "user")
}

// RevokeUserAtClient ends every token of a user at one client.
func (s *Server) RevokeUserAtClient(ctx context.Context, user UserRef, clientID string) error {
	if clientID == "" {
		return errors.New("revoke: a client ID is missing; to revoke everything of a user call RevokeUser")
	}
	return s.revoke(ctx, oauth.FamilyFilter{User: user, ClientID: clientID}, "user at client")
}

// PasswordChanged ends what a changed password has to end: codes and tokens that
// came of the user's other browser sessions. exceptSessionID is the session in
// which it was changed, empty to spare none. Personal access tokens stay.
func (s *Server) PasswordChanged(ctx context.Context, user UserRef, exceptSessionID string) error {
	return s.revoke(ctx, oauth.FamilyFilter{User: user, ExceptSession: digestOfSession(exceptSessionID), KeepPersonal: true}, "password changed")
}

// EndSession ends what has to end with a browser session: codes that were not
// redeemed yet, and under Config.FamiliesEndWithSession, or that field of a
// client, the tokens too. Without a session ID it is an error, never "all".
func (s *Server) EndSession(ctx context.Context, user UserRef, sessionID string) error {
	if sessionID == "" {
		return errors.New("end session: the session ID is empty")
	}
	const reason = "session ended"
	at := clock.Now()
	record := oauth.AuditRecord{Action: "tokens.revoked", User: user, Reason: reason, Time: at}
	err := s.audit.Change(ctx, record, func(record *oauth.AuditRecord) error {
		return s.config.Store.EndSession(ctx, user, digestOfSession(sessionID), at, record)
	}, Revoked{Meta: audit.Meta(ctx), User: user, Reason: reason})
	if err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

func digestOfSession(id string) oauth.Digest {
	if id == "" {
		return ""
	}
	return oauth.DigestOf(id)
}

// revoke ends families and publishes one event for them.
func (s *Server) revoke(ctx context.Context, which oauth.FamilyFilter, reason string) error {
	at := clock.Now()
	record := oauth.AuditRecord{Action: "tokens.revoked", User: which.User, ClientID: which.ClientID, Reason: reason, Time: at}
	err := s.audit.Change(ctx, record, func(record *oauth.AuditRecord) error {
		return s.config.Store.RevokeFamilies(ctx, which, at, record)
	}, Revoked{Meta: audit.Meta(ctx), User: which.User, ClientID: which.ClientID, Reason: reason})
	if err != nil {
		return fmt.Errorf("revoke tokens: %w", err)
	}
	return nil
}

// Withdraw takes back a user's consent to a client and ends every token of the
// user at it. Personal access tokens stay.
func (s *Server) Withdraw(ctx context.Context, user UserRef, clientID string) error {
	at := clock.Now()
	err := s.audit.Change(ctx, auditWithdrawn(user, clientID, at), func(record *oauth.AuditRecord) error {
		return s.config.Store.Withdraw(ctx, user, clientID, at, record)
	}, ConsentWithdrawn{Meta: audit.Meta(ctx), User: user, ClientID: clientID})
	if err != nil {
		return fmt.Errorf("withdraw consent: %w", err)
	}
	return nil
}

func auditWithdrawn(user UserRef, clientID string, at time.Time) oauth.AuditRecord {
	return oauth.AuditRecord{
		Action: "consent.withdrawn", Actor: oauth.ForUser(user).Claim(""), User: user, ClientID: clientID, Time: at,
	}
}
