package tokens

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-passport/passport/event"
	"github.com/go-passport/passport/internal/audit"
	"github.com/go-passport/passport/internal/opaque"
	"github.com/go-passport/passport/internal/resource"
	"github.com/go-passport/passport/oauth"
)

// Found is the token that a client or an API names: an access token, a refresh
// token, or neither.
type Found struct {
	Access  *oauth.AccessToken
	Refresh *oauth.RefreshToken

	Foreign bool // another server issued it
}

// Find looks a token up for a client, of any kind and any audience, including ended
// tokens. For an unknown token, or a JWT that is not valid at the given time, it returns
// an empty Found without an error.
func (s *Service) Find(ctx context.Context, token string, caller *oauth.Client, at time.Time) (*Found, error) {
	access, err := s.findAccess(ctx, token, at)
	switch {
	case err == nil:
		return &Found{Access: access, Foreign: s.isForeign(token)}, nil
	case !errors.Is(err, oauth.ErrNotFound) && !errors.Is(err, oauth.InvalidToken):
		return nil, fmt.Errorf("find access token: %w", err)
	}
	refresh, err := s.store.RefreshToken(ctx, oauth.DigestOf(token))
	switch {
	case errors.Is(err, oauth.ErrNotFound):
		return s.findForeign(ctx, caller, token, at)
	case err != nil:
		return nil, fmt.Errorf("find refresh token: %w", err)
	}
	return &Found{Refresh: refresh}, nil
}

func (s *Service) findAccess(ctx context.Context, token string, at time.Time) (*oauth.AccessToken, error) {
	if opaque.Is(s.opaquePrefix, token) {
		return s.store.OpaqueToken(ctx, oauth.DigestOf(token))
	}
	if strings.Count(token, ".") != 2 {
		return nil, oauth.InvalidToken // not a JWT
	}
	if s.isForeign(token) {
		return s.foreignToken(ctx, token, at)
	}
	claims, err := s.keys.Verify(token, s.issuer, at)
	if err != nil {
		return nil, err
	}
	return s.store.AccessToken(ctx, claims.ID)
}

// Family returns the token's family; nil for a client's own token, and for an empty
// Found.
func (f *Found) Family() *oauth.Family {
	switch {
	case f.Access != nil:
		return f.Access.Family
	case f.Refresh != nil:
		return f.Refresh.Family
	}
	return nil
}

// ClientID returns the client that the token was issued to; empty for an empty
// Found.
func (f *Found) ClientID() string {
	switch {
	case f.Access != nil:
		return f.Access.Client.ID
	case f.Refresh != nil:
		return f.Refresh.Family.ClientID
	}
	return ""
}

// ReadableBy reports whether introspection tells a client about the token (RFC 7662
// §4): the client that it was issued to, or the API that an access token is for.
// Only its own client may learn about a refresh token.
func (f *Found) ReadableBy(c *oauth.Client) bool {
	if f.ClientID() == c.ID {
		return true
	}
	if f.Access == nil || c.Audience == "" {
		return false
	}
	_, ok := resource.Find(c.Audience, f.Access.Audience)
	return ok
}

// Usable reports whether the token can be used: the token, its client and its
// family are live, and its user still exists. caller, which may read the token, must
// also be able to redeem a refresh token. If the user is missing, the error is
// users.ErrGone with the reason.
func (s *Service) Usable(ctx context.Context, f *Found, caller *oauth.Client, at time.Time) (bool, error) {
	if !f.live(at) || f.Refresh != nil && !(caller.Refreshes() && actsFor(caller, f.Refresh.Family.User)) {
		return false, nil
	}
	family := f.Family()
	if family == nil {
		return true, nil
	}
	_, err := s.users.Load(ctx, family.User)
	return err == nil, err
}

func (f *Found) live(at time.Time) bool {
	switch {
	case f.Access != nil:
		return f.Access.Live(at)
	case f.Refresh != nil:
		return f.Refresh.SpentAt.IsZero() && at.Before(f.Refresh.ExpiresAt) && f.Refresh.Family.Live(at)
	}
	return false
}

// RevokeFound revokes a token for the client that it was issued to. For a user's
// token it revokes the whole family, including refresh tokens (RFC 7009 §2.1). A
// replaced refresh token revokes its family, too: the client wants to end the
// connection. An access token that joined another client's family cannot revoke
// that family.
func (s *Service) RevokeFound(ctx context.Context, f *Found, at time.Time) error {
	family, clientID := f.Family(), f.ClientID()
	switch {
	case family == nil && !f.Access.RevokedAt.IsZero(), family != nil && (!family.Live(at) || family.ClientID != clientID):
		return nil
	}
	record := oauth.AuditRecord{Action: "token.revoked", Actor: oauth.ForClient().Claim(clientID), ClientID: clientID, Time: at}
	revoked := event.Revoked{Meta: audit.Meta(ctx), ClientID: clientID, Reason: "client"}
	if family != nil {
		record.User, revoked.User, record.Reason = family.User, family.User, "family "+family.ID
	}
	if f.Access != nil {
		record.Reason, revoked.TokenID = "token "+f.Access.ID, f.Access.ID
	}
	err := s.audit.Change(ctx, record, func(record *oauth.AuditRecord) error {
		if family == nil {
			return s.store.RevokeToken(ctx, f.Access.ID, at, record)
		}
		return s.store.RevokeFamily(ctx, family.ID, at, record)
	}, revoked)
	if err != nil && !errors.Is(err, oauth.ErrNotFound) { // purged in the meantime, so it has ended
		return fmt.Errorf("revoke token: %w", err)
	}
	return nil
}
