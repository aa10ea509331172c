package tokens

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-passport/passport/event"
	"github.com/go-passport/passport/internal/audit"
	"github.com/go-passport/passport/internal/clock"
	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/oauth"
)

// RevokeToken ends an access token, and with a user's everything that came of
// the same consent, refresh tokens included. One that is missing is
// [oauth.ErrNotFound].
func (s *Service) RevokeToken(ctx context.Context, id string) error {
	return s.revokeByID(ctx, id, "token")
}

// RevokeRefreshTokensOf ends the refresh tokens that were issued with an access
// token, those that have replaced them since, and the access token itself: an
// application that was to lose the one would otherwise keep the other until it
// expires.
func (s *Service) RevokeRefreshTokensOf(ctx context.Context, accessTokenID string) error {
	return s.revokeByID(ctx, accessTokenID, "refresh tokens")
}

func (s *Service) revokeByID(ctx context.Context, id, reason string) error {
	token, err := s.store.AccessToken(ctx, id) // for log and event to say whose it was
	if err != nil {
		return fmt.Errorf("revoke token: %w", err)
	}
	return s.Revoke(ctx, token, reason)
}

// Revoke ends an access token that was read before.
func (s *Service) Revoke(ctx context.Context, token *oauth.AccessToken, reason string) error {
	at := clock.Now()
	record := auditRevoked(token, at)
	err := s.audit.Change(ctx, record, func(record *oauth.AuditRecord) error {
		return s.store.RevokeToken(ctx, token.ID, at, record)
	}, event.Revoked{Meta: audit.Meta(ctx), User: record.User, ClientID: token.Client.ID, TokenID: token.ID, Reason: reason})
	if err != nil {
		return fmt.Errorf("revoke token: %w", err)
	}
	return nil
}

func auditRevoked(token *oauth.AccessToken, at time.Time) oauth.AuditRecord {
	user, _ := token.Subject().User()
	return oauth.AuditRecord{Action: "token.revoked", User: user, ClientID: token.Client.ID, Reason: "token " + token.ID, Time: at}
}

// Disconnect ends everything of a token's consent for its user, and withdraws the
// remembered consent with the last connection. Both are one write: a request that
// is given up leaves nothing half done.
func (s *Service) Disconnect(ctx context.Context, token *oauth.AccessToken) error {
	at, user, clientID := clock.Now(), token.Family.User, token.Family.ClientID
	records := []oauth.AuditRecord{auditRevoked(token, at), auditWithdrawn(user, clientID, at)}
	err := s.audit.Changes(ctx, records, func(records []*oauth.AuditRecord) (events []event.Event, err error) {
		revoked, withdrawn, err := s.store.Disconnect(ctx, &oauth.Disconnection{
			User: user, TokenID: token.ID, Time: at, Revoked: records[0], Withdrawn: records[1],
		})
		if revoked {
			events = append(events, event.Revoked{Meta: audit.Meta(ctx), User: user, ClientID: token.Client.ID, TokenID: token.ID, Reason: "token"})
		}
		if withdrawn {
			events = append(events, event.ConsentWithdrawn{Meta: audit.Meta(ctx), User: user, ClientID: clientID})
		}
		return events, err
	})
	if err != nil {
		return fmt.Errorf("remove a connection: %w", err)
	}
	return nil
}

// RevokeUser ends every token of a user, also those that are being issued for a
// request that has come in before. Consents stay; see [Service.Withdraw].
func (s *Service) RevokeUser(ctx context.Context, user oauth.UserRef) error {
	return s.revoke(ctx, oauth.FamilyFilter{User: user}, "user")
}

// RevokeUserAtClient ends every token of a user at one client.
func (s *Service) RevokeUserAtClient(ctx context.Context, user oauth.UserRef, clientID string) error {
	if clientID == "" {
		return errors.New("revoke: a client ID is missing; to revoke everything of a user call RevokeUser")
	}
	return s.revoke(ctx, oauth.FamilyFilter{User: user, ClientID: clientID}, "user at client")
}

// PasswordChanged ends what a changed password has to end: codes and tokens that
// came of the user's other browser sessions. exceptSessionID is the session in
// which it was changed, empty to spare none. Personal access tokens stay.
func (s *Service) PasswordChanged(ctx context.Context, user oauth.UserRef, exceptSessionID string) error {
	return s.revoke(ctx, oauth.FamilyFilter{User: user, ExceptSession: users.SessionDigest(exceptSessionID), KeepPersonal: true}, "password changed")
}

// EndSession ends what has to end with a browser session: codes that were not
// redeemed yet, and under Config.FamiliesEndWithSession, or that field of a
// client, the tokens too. Without a session ID it is an error, never "all".
func (s *Service) EndSession(ctx context.Context, user oauth.UserRef, sessionID string) error {
	if sessionID == "" {
		return errors.New("end session: the session ID is empty")
	}
	const reason = "session ended"
	at := clock.Now()
	record := oauth.AuditRecord{Action: "tokens.revoked", User: user, Reason: reason, Time: at}
	err := s.audit.Change(ctx, record, func(record *oauth.AuditRecord) error {
		return s.store.EndSession(ctx, user, users.SessionDigest(sessionID), at, record)
	}, event.Revoked{Meta: audit.Meta(ctx), User: user, Reason: reason})
	if err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

// revoke ends families and publishes one event for them.
func (s *Service) revoke(ctx context.Context, which oauth.FamilyFilter, reason string) error {
	at := clock.Now()
	record := oauth.AuditRecord{Action: "tokens.revoked", User: which.User, ClientID: which.ClientID, Reason: reason, Time: at}
	err := s.audit.Change(ctx, record, func(record *oauth.AuditRecord) error {
		return s.store.RevokeFamilies(ctx, which, at, record)
	}, event.Revoked{Meta: audit.Meta(ctx), User: which.User, ClientID: which.ClientID, Reason: reason})
	if err != nil {
		return fmt.Errorf("revoke tokens: %w", err)
	}
	return nil
}

// Withdraw takes back a user's consent to a client and ends every token of the
// user at it. Personal access tokens stay.
func (s *Service) Withdraw(ctx context.Context, user oauth.UserRef, clientID string) error {
	at := clock.Now()
	err := s.audit.Change(ctx, auditWithdrawn(user, clientID, at), func(record *oauth.AuditRecord) error {
		return s.store.Withdraw(ctx, user, clientID, at, record)
	}, event.ConsentWithdrawn{Meta: audit.Meta(ctx), User: user, ClientID: clientID})
	if err != nil {
		return fmt.Errorf("withdraw consent: %w", err)
	}
	return nil
}

func auditWithdrawn(user oauth.UserRef, clientID string, at time.Time) oauth.AuditRecord {
	return oauth.AuditRecord{
		Action: "consent.withdrawn", Actor: oauth.ForUser(user).Claim(""), User: user, ClientID: clientID, Time: at,
	}
}

// EndFamily revokes all that came of a value which was used twice, and returns
// what the client is told (RFC 9700 §4.14.2).
func (s *Service) EndFamily(ctx context.Context, replay *oauth.ReplayError, at time.Time) error {
	f := replay.Family
	if f == nil { // of a grant for clients alone: nothing descends from it
		return oauth.InvalidGrant.Errorf("%s", replay)
	}
	record := oauth.AuditRecord{Action: "token.replayed", User: f.User, ClientID: f.ClientID, Reason: replay.Error(), Time: at}
	err := s.audit.Change(ctx, record, func(record *oauth.AuditRecord) error {
		err := s.store.RevokeFamily(ctx, f.ID, at, record)
		if errors.Is(err, oauth.ErrNotFound) { // purged by now: it has ended too
			return nil
		}
		return err
	}, event.Replayed{Meta: audit.Meta(ctx), What: replay.What, Family: f})
	if err != nil {
		return fmt.Errorf("revoke family: %w", err)
	}
	return oauth.InvalidGrant.Errorf("%s; everything issued for it has been revoked", replay)
}
