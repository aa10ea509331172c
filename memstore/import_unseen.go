package memstore

import (
	"context"
	"time"
)

// EndUnseen implements [oauth.ImportStore].
func (s *Store) EndUnseen(_ context.Context, at time.Time) (n int, err error) {
	err = s.change(nil, func() (bool, error) {
		for digest, t := range s.imports.unowned {
			if t.CreatedAt.Before(at) && t.BegunAt.IsZero() && t.RevokedAt.IsZero() {
				t.RevokedAt = micros(at)
				s.imports.unowned.put(digest, t)
				n++
			}
		}
		return n > 0, nil
	})
	return n, err
}
