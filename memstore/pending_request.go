package memstore

import (
	"context"
	"time"

	"github.com/go-passport/passport/oauth"
)

// SavePendingRequest implements [oauth.PendingRequestStore].
func (s *Store) SavePendingRequest(ctx context.Context, r *oauth.PendingRequest, limit int, at time.Time) error {
	return s.change(ctx, nil, func() (bool, error) {
		n := 0
		for digest, other := range s.pending {
			switch {
			case other.ClientID != r.ClientID:
			case !other.ExpiresAt.After(micros(at)):
				delete(s.pending, digest)
			default:
				n++
			}
		}
		if n >= limit {
			return false, oauth.ErrConflict
		}
		saved := *r
		saved.ExpiresAt = micros(r.ExpiresAt)
		s.pending.put(r.Digest, saved)
		return true, nil
	})
}

// PendingRequest implements [oauth.PendingRequestStore].
func (s *Store) PendingRequest(_ context.Context, d oauth.Digest) (*oauth.PendingRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.pending[d]
	if !ok {
		return nil, oauth.ErrNotFound
	}
	return &r, nil
}
