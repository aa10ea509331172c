package memstore

import (
	"context"

	"github.com/go-passport/passport/oauth"
)

// KeyRing implements [oauth.KeyStore].
func (s *Store) KeyRing(context.Context) (sealed string, version int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keyRingVersion == 0 {
		return "", 0, oauth.ErrNotFound
	}
	return s.keyRing, s.keyRingVersion, nil
}

// SaveKeyRing implements [oauth.KeyStore].
func (s *Store) SaveKeyRing(ctx context.Context, sealed string, version int64) error {
	return s.change(ctx, nil, func() (bool, error) {
		if version != s.keyRingVersion {
			return false, oauth.ErrConflict
		}
		s.keyRing, s.keyRingVersion = sealed, version+1
		return true, nil
	})
}
