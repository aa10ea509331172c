package memstore

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/go-passport/passport/oauth"
)

func cloneCode(c oauth.Code) *oauth.Code {
	c.Family, c.Scopes, c.Attributes = nil, slices.Clone(c.Scopes), maps.Clone(c.Attributes)
	c.ExpiresAt, c.SpentAt = micros(c.ExpiresAt), micros(c.SpentAt)
	return &c
}

func cloneAccess(t oauth.AccessToken) *oauth.AccessToken {
	t.Client, t.Family, t.InheritScopes = nil, nil, false
	t.Scopes, t.Audience, t.Attributes = slices.Clone(t.Scopes), slices.Clone(t.Audience), maps.Clone(t.Attributes)
	t.IssuedAt, t.ExpiresAt, t.RevokedAt = micros(t.IssuedAt), micros(t.ExpiresAt), micros(t.RevokedAt)
	return &t
}

func cloneRefresh(t oauth.RefreshToken) *oauth.RefreshToken {
	t.Family, t.Successor, t.Scopes, t.Attributes = nil, nil, slices.Clone(t.Scopes), maps.Clone(t.Attributes)
	t.ExpiresAt, t.SpentAt = micros(t.ExpiresAt), micros(t.SpentAt)
	return &t
}

// Code implements [oauth.TokenStore].
func (s *Store) Code(_ context.Context, d oauth.Digest) (_ *oauth.Code, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	row, ok := s.codes[d]
	if !ok {
		return nil, oauth.ErrNotFound
	}
	c := cloneCode(row.Code)
	if c.Family, err = s.family(row.family, c.SpentAt.IsZero()); err != nil {
		return nil, err
	}
	return c, nil
}

// AccessToken implements [oauth.TokenStore].
func (s *Store) AccessToken(_ context.Context, id string) (*oauth.AccessToken, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	row, ok := s.access[id]
	if !ok || !storable(id) {
		return nil, oauth.ErrNotFound
	}
	return s.joined(row)
}

// OpaqueToken implements [oauth.TokenStore].
func (s *Store) OpaqueToken(_ context.Context, d oauth.Digest) (*oauth.AccessToken, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	row, ok := s.access[s.opaque[d]]
	if !ok || d == "" {
		return nil, oauth.ErrNotFound
	}
	return s.joined(row)
}

// joined returns a token with its client and family. A token that names a missing
// family is invalid. It must not be treated as a client's own token.
func (s *Store) joined(row accessRow) (_ *oauth.AccessToken, err error) {
	t := cloneAccess(row.AccessToken)
	client, ok := s.clients[row.client]
	if !ok {
		return nil, oauth.ErrNotFound
	}
	client.Secrets, client.OpenID = nil, nil
	t.Client = cloneClient(client)
	if row.family != "" {
		if t.Family, err = s.family(row.family, false); err != nil {
			return nil, err
		}
	}
	if at := client.TokensNotBefore; t.RevokedAt.IsZero() && (t.Family == nil || t.Family.ClientID != t.Client.ID) && !at.Before(t.IssuedAt) {
		t.RevokedAt = at
	}
	return t, nil
}

// RefreshToken implements [oauth.TokenStore].
func (s *Store) RefreshToken(_ context.Context, d oauth.Digest) (_ *oauth.RefreshToken, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	row, ok := s.refresh[d]
	if !ok {
		return nil, oauth.ErrNotFound
	}
	t := cloneRefresh(row.RefreshToken)
	if t.Family, err = s.family(row.family, false); err != nil {
		return nil, err
	}
	if next, ok := s.refresh[row.successor]; ok {
		t.Successor = cloneRefresh(next.RefreshToken)
		t.Successor.Family = t.Family
	}
	return t, nil
}

// Issue implements [oauth.TokenStore].
func (s *Store) Issue(ctx context.Context, i *oauth.Issuance) error {
	if i.Spends.Purpose == oauth.SpendRefreshToken && i.RefreshToken == nil {
		return errors.New("memstore: a refresh token is spent without a successor")
	}
	return s.change(ctx, i.Audit, func() (bool, error) {
		if err := s.spendable(i); err != nil {
			return false, err
		}
		switch {
		case i.NewFamily != nil && s.families.has(i.NewFamily.ID):
			return false, taken("family", i.NewFamily.ID)
		case s.access.has(i.AccessToken.ID), s.opaque.has(i.AccessToken.Digest):
			return false, taken("access token", i.AccessToken.ID)
		case i.RefreshToken != nil && s.refresh.has(i.RefreshToken.Digest):
			return false, taken("refresh token", i.RefreshToken.Digest)
		}
		if i.NewFamily != nil && i.PersonalLimit > 0 && i.NewFamily.Personal && s.livePersonal(i.NewFamily.User, i.Time) >= i.PersonalLimit {
			return false, oauth.ErrLimit
		}
		s.issue(i)
		return true, nil
	})
}

// livePersonal returns how many live personal access tokens a user has.
func (s *Store) livePersonal(user oauth.UserRef, at time.Time) (n int) {
	for _, f := range s.families {
		if f.User == user && f.Personal && s.lives(f.ID, false, at) {
			n++
		}
	}
	return n
}

// lives reports whether a family is live and its client not revoked, with the
// cut-offs applied. unredeemed says whether the family's code is unredeemed.
func (s *Store) lives(id string, unredeemed bool, at time.Time) bool {
	f, err := s.family(id, unredeemed)
	if err != nil || !f.Live(at) {
		return false
	}
	c, ok := s.clients[f.ClientID]
	return ok && c.RevokedAt.IsZero()
}

// spendable returns [oauth.ErrSpent] for a used value, and for a code whose session
// ended after the code was read.
func (s *Store) spendable(i *oauth.Issuance) error {
	id, spent := i.Spends.ID, false
	switch i.Spends.Purpose {
	case "":
	case oauth.SpendCode, oauth.SpendDeviceCode:
		c, ok := s.codes[oauth.Digest(id)]
		spent = !ok || !c.SpentAt.IsZero() || s.cutUnredeemed(c.family)
	case oauth.SpendRefreshToken:
		r, ok := s.refresh[oauth.Digest(id)]
		spent = !ok || !r.SpentAt.IsZero()
	default:
		spent = s.once.has(onceKey{i.Spends.Purpose, id})
	}
	if spent {
		return oauth.ErrSpent
	}
	return nil
}

func (s *Store) cutUnredeemed(family string) bool {
	f, ok := s.families[family]
	return ok && slices.ContainsFunc(s.cutOffs[f.User], func(c cutOff) bool { return c.Unredeemed && c.ends(&f, true) })
}

// issue writes the records that Issue has checked.
func (s *Store) issue(i *oauth.Issuance) {
	switch id := i.Spends.ID; i.Spends.Purpose {
	case "":
	case oauth.SpendCode, oauth.SpendDeviceCode:
		c := s.codes[oauth.Digest(id)]
		c.SpentAt = micros(i.Time)
		s.codes.put(c.Digest, c)
	case oauth.SpendRefreshToken:
		r := s.refresh[oauth.Digest(id)]
		r.SpentAt, r.successor = micros(i.Time), i.RefreshToken.Digest
		s.refresh.put(r.Digest, r)
		if old, ok := s.access[r.AccessTokenID]; ok && r.Digest.Imported() && old.family == r.family && old.RevokedAt.IsZero() {
			old.RevokedAt = micros(i.Time)
			s.access.put(old.ID, old)
		}
	default:
		s.once.put(onceKey{i.Spends.Purpose, id}, i.Spends.Until)
	}
	if i.NewFamily != nil {
		s.putFamily(i.NewFamily)
		s.consent(i.NewFamily, i.ConsentVersion, i.Consents, i.Declined)
	}
	row := accessRow{AccessToken: *cloneAccess(*i.AccessToken), client: i.AccessToken.Client.ID}
	row.RevokedAt, row.LastUsedAt, row.LastUsedAddress, row.LastUsedAgent = time.Time{}, time.Time{}, "", ""
	if i.AccessToken.Family != nil {
		row.family = i.AccessToken.Family.ID
	}
	s.access.put(row.ID, row)
	if row.Digest != "" {
		s.opaque.put(row.Digest, row.ID)
	}
	if r := i.RefreshToken; r != nil {
		row := refreshRow{RefreshToken: *cloneRefresh(*r), family: r.Family.ID}
		row.SpentAt = time.Time{}
		s.refresh.put(r.Digest, row)
	}
}

// UseOnce implements [oauth.TokenStore].
func (s *Store) UseOnce(ctx context.Context, purpose oauth.Purpose, id string, until time.Time) error {
	return s.change(ctx, nil, func() (bool, error) {
		if s.once.has(onceKey{purpose, id}) {
			return false, oauth.ErrSpent
		}
		s.once.put(onceKey{purpose, id}, until)
		return true, nil
	})
}

// RevokeToken implements [oauth.TokenStore].
func (s *Store) RevokeToken(ctx context.Context, id string, at time.Time, audit *oauth.AuditRecord) error {
	return s.change(ctx, audit, func() (bool, error) {
		row, ok := s.access[id]
		switch {
		case !ok || !storable(id):
			return false, oauth.ErrNotFound
		case row.family != "":
			return s.revoke(row.family, at), nil
		case !row.RevokedAt.IsZero():
			return false, nil
		}
		row.RevokedAt = micros(at)
		s.access.put(id, row)
		return true, nil
	})
}
