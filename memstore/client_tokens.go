package memstore

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"time"

	"github.com/go-passport/passport/oauth"
)

// RevokeTokensOfClient implements [oauth.TokenStore].
func (s *Store) RevokeTokensOfClient(ctx context.Context, clientID string, at time.Time, audit *oauth.AuditRecord) error {
	at = micros(at)
	return s.changeClient(ctx, clientID, audit, func(c *oauth.Client) (bool, error) {
		changed := c.TokensNotBefore.Before(at)
		if changed {
			c.TokensNotBefore = at
		}
		return s.endAhead(clientID, at, c.TokensNotBefore) || changed, nil
	})
}

// endAhead ends the stored records of nodes whose clocks are ahead. Records up to
// notBefore have ended already. It reports whether it ended any.
func (s *Store) endAhead(clientID string, at, notBefore time.Time) (changed bool) {
	ahead := func(t time.Time) bool { return t.After(notBefore) && !t.After(at.Add(oauth.ClockSkew)) }
	for id, f := range s.families {
		if f.ClientID == clientID && ahead(f.CreatedAt) && s.revoke(id, at) {
			changed = true
		}
	}
	for id, t := range s.access {
		if t.client == clientID && ahead(t.IssuedAt) && t.RevokedAt.IsZero() {
			t.RevokedAt = at
			s.access.put(id, t)
			changed = true
		}
	}
	return changed
}

// TokensOfClient implements [oauth.TokenStore].
func (s *Store) TokensOfClient(_ context.Context, clientID string) iter.Seq2[*oauth.AccessToken, error] {
	return list(func() (found []*oauth.AccessToken) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, row := range s.access {
			if row.client != clientID {
				continue
			}
			if t, err := s.joined(row); err == nil {
				found = append(found, t)
			}
		}
		slices.SortFunc(found, func(a, b *oauth.AccessToken) int { return cmp.Or(a.IssuedAt.Compare(b.IssuedAt), byTokenID(a, b)) })
		return found
	})
}
