package memstore

import (
	"context"
	"slices"
	"strings"
	"time"
)

// EndUnseen implements [oauth.ImportStore].
func (s *Store) EndUnseen(ctx context.Context, at time.Time) (n int, err error) {
	err = s.change(ctx, nil, func() (bool, error) {
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

// SpendImported implements [oauth.ImportStore].
func (s *Store) SpendImported(ctx context.Context, familyIDs []string, at time.Time) error {
	return s.change(ctx, nil, func() (changed bool, err error) {
		for digest, t := range s.refresh {
			if strings.HasPrefix(string(digest), "imported.") && t.SpentAt.IsZero() && slices.Contains(familyIDs, t.family) {
				t.SpentAt = micros(at)
				s.refresh.put(digest, t)
				changed = true
			}
		}
		return changed, nil
	})
}

// mostTokenIDs is how many IDs UsableTokenIDs returns at most.
const mostTokenIDs = 5000

// UsableTokenIDs implements [oauth.ImportStore].
func (s *Store) UsableTokenIDs(_ context.Context, after string) (ids []string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	refreshable := map[string]bool{} // access tokens
	for _, t := range s.refresh {
		if t.SpentAt.IsZero() && s.access[t.AccessTokenID].family == t.family {
			refreshable[t.AccessTokenID] = true
		}
	}
	for id, t := range s.access {
		usable := (t.RevokedAt.IsZero() || refreshable[id]) && s.families[t.family].RevokedAt.IsZero()
		if id > after && usable {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids[:min(len(ids), mostTokenIDs)], nil
}
