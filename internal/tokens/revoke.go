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

// RevokeToken revokes an access token. For a user's token it revokes the whole
// token family, including refresh tokens. It returns [oauth.ErrNotFound] if the
// token does not exist.
func (s *Service) RevokeToken(ctx context.Context, id string) error {
	return s.revokeByID(ctx, id, "token")
}

// RevokeRefreshTokensOf revokes the refresh tokens that were issued with an access
// token and their successors. It also revokes the access token itself, which would
// otherwise work until it expires.
func (s *Service) RevokeRefreshTokensOf(ctx context.Context, accessTokenID string) error {
	return s.revokeByID(ctx, accessTokenID, "refresh tokens")
}

func (s *Service) revokeByID(ctx context.Context, id, reason string) error {
	token, err := s.store.AccessToken(ctx, id) // log and event name its owner
	if err != nil {
		return fmt.Errorf("revoke token: %w", err)
	}
	return s.Revoke(ctx, token, reason)
}

// Revoke revokes an access token that has been read.
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

// Disconnect revokes all tokens of a token's consent for its user. With the last
// connection it also deletes the stored consent. Both are one atomic write.
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
	s.ended(ctx)
	return nil
}

// RevokeUser revokes every token of a user, including tokens that are being issued
// for an earlier request. Consents are kept; see [Service.Withdraw].
func (s *Service) RevokeUser(ctx context.Context, user oauth.UserRef) error {
	return s.revoke(ctx, oauth.FamilyFilter{User: user}, "user")
}

// RevokeUserAtClient revokes every token of a user at one client.
func (s *Service) RevokeUserAtClient(ctx context.Context, user oauth.UserRef, clientID string) error {
	if clientID == "" {
		return errors.New("revoke: the client ID is empty; to revoke all tokens of a user, call RevokeUser")
	}
	return s.revoke(ctx, oauth.FamilyFilter{User: user, ClientID: clientID}, "user at client")
}

// RevokeTokensOfClient ends every code and token of a client, including tokens that
// are being issued for an earlier request, and keeps the client. It returns
// [oauth.ErrNotFound] if the client does not exist.
func (s *Service) RevokeTokensOfClient(ctx context.Context, clientID string) error {
	const reason = "tokens of the client"
	at := clock.Now()
	record := oauth.AuditRecord{Action: "tokens.revoked", ClientID: clientID, Reason: reason, Time: at}
	err := s.audit.Change(ctx, record, func(record *oauth.AuditRecord) error {
		return s.store.RevokeTokensOfClient(ctx, clientID, at, record)
	}, event.Revoked{Meta: audit.Meta(ctx), ClientID: clientID, Reason: reason})
	if err != nil {
		return fmt.Errorf("revoke the tokens of client %q: %w", clientID, err)
	}
	return nil
}

// PasswordChanged revokes the tokens and codes of the user's other browser sessions
// after a password change. exceptSessionID is the session in which the password was
// changed; if it is empty, all sessions lose their tokens. Personal access tokens are
// kept.
func (s *Service) PasswordChanged(ctx context.Context, user oauth.UserRef, exceptSessionID string) error {
	return s.revoke(ctx, oauth.FamilyFilter{User: user, ExceptSession: users.SessionDigest(exceptSessionID), KeepPersonal: true}, "password changed")
}

// EndSession revokes the unredeemed codes of a browser session. It also revokes the
// session's tokens under Config.FamiliesEndWithSession, or if the client has
// EndsWithSession. An empty session ID is an error.
func (s *Service) EndSession(ctx context.Context, user oauth.UserRef, sessionID string) error {
	if sessionID == "" {
		return errors.New("end session: the session ID is empty")
	}
	if endedWith(ctx).has(user, sessionID) {
		return nil
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
	endedWith(ctx).add(user, sessionID)
	s.ended(ctx)
	return nil
}

// revoke revokes families and publishes one event for them.
func (s *Service) revoke(ctx context.Context, which oauth.FamilyFilter, reason string) error {
	at := clock.Now()
	record := oauth.AuditRecord{Action: "tokens.revoked", User: which.User, ClientID: which.ClientID, Reason: reason, Time: at}
	err := s.audit.Change(ctx, record, func(record *oauth.AuditRecord) error {
		return s.store.RevokeFamilies(ctx, which, at, record)
	}, event.Revoked{Meta: audit.Meta(ctx), User: which.User, ClientID: which.ClientID, Reason: reason})
	if err != nil {
		return fmt.Errorf("revoke tokens: %w", err)
	}
	s.ended(ctx)
	return nil
}

// Withdraw deletes a user's consent to a client and revokes all of the user's
// tokens at it. Personal access tokens are kept.
func (s *Service) Withdraw(ctx context.Context, user oauth.UserRef, clientID string) error {
	at := clock.Now()
	err := s.audit.Change(ctx, auditWithdrawn(user, clientID, at), func(record *oauth.AuditRecord) error {
		return s.store.Withdraw(ctx, user, clientID, at, record)
	}, event.ConsentWithdrawn{Meta: audit.Meta(ctx), User: user, ClientID: clientID})
	if err != nil {
		return fmt.Errorf("withdraw consent: %w", err)
	}
	s.ended(ctx)
	return nil
}

func auditWithdrawn(user oauth.UserRef, clientID string, at time.Time) oauth.AuditRecord {
	return oauth.AuditRecord{
		Action: "consent.withdrawn", Actor: oauth.ForUser(user).Claim(""), User: user, ClientID: clientID, Time: at,
	}
}

// EndFamily revokes the family of a value that was used twice, and returns the
// error for the client (RFC 9700 §4.14.2).
func (s *Service) EndFamily(ctx context.Context, replay *oauth.ReplayError, at time.Time) error {
	f := replay.Family
	if f == nil { // of a grant for clients only: there are no tokens to revoke
		return oauth.InvalidGrant.Errorf("%s", replay)
	}
	record := oauth.AuditRecord{Action: "token.replayed", User: f.User, ClientID: f.ClientID, Reason: replay.Error(), Time: at}
	err := s.audit.Change(ctx, record, func(record *oauth.AuditRecord) error {
		err := s.store.RevokeFamily(ctx, f.ID, at, record)
		if errors.Is(err, oauth.ErrNotFound) { // purged in the meantime, so it has ended
			return nil
		}
		return err
	}, event.Replayed{Meta: audit.Meta(ctx), What: replay.What, Family: f})
	if err != nil {
		return fmt.Errorf("revoke family: %w", err)
	}
	return oauth.InvalidGrant.Errorf("%s; everything issued for it has been revoked", replay)
}

// LimitNewFamilies calls [Service.LimitFamilies] for each user and client with a
// family that began after since, and returns the number of calls. It does nothing if
// the store does not implement [oauth.FamilyLimitStore].
func (s *Service) LimitNewFamilies(ctx context.Context, since time.Time) (n int, err error) {
	store, ok := oauth.StoreAs[oauth.FamilyLimitStore](s.store)
	if s.familyLimit == 0 || !ok {
		return 0, nil
	}
	at := clock.Now()
	for l, err := range store.AboveFamilyLimit(ctx, s.familyLimit, since, at) {
		if err != nil {
			return n, err
		}
		if err := s.LimitFamilies(ctx, l.User, l.ClientID, at); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// LimitFamilies revokes the oldest live families of a user at a client that exceed
// the limit.
func (s *Service) LimitFamilies(ctx context.Context, user oauth.UserRef, clientID string, at time.Time) error {
	if s.familyLimit == 0 {
		return nil
	}
	const reason = "too many at one client"
	records := []oauth.AuditRecord{{Action: "tokens.revoked", User: user, ClientID: clientID, Reason: reason, Time: at}}
	return s.audit.Changes(ctx, records, func(records []*oauth.AuditRecord) (events []event.Event, err error) {
		ended, err := s.store.LimitFamilies(ctx, &oauth.FamilyLimit{User: user, ClientID: clientID, Keep: s.familyLimit, Time: at, Audit: records[0]})
		if ended > 0 {
			events = append(events, event.Revoked{Meta: audit.Meta(ctx), User: user, ClientID: clientID, Reason: reason, Families: ended})
		}
		return events, err
	})
}
