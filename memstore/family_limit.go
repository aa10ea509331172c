package memstore

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/go-passport/passport/oauth"
)

// LimitFamilies implements [oauth.FamilyStore].
func (s *Store) LimitFamilies(ctx context.Context, l *oauth.FamilyLimit) (ended int, err error) {
	err = s.change(ctx, l.Audit, func() (bool, error) {
		at, waiting := micros(l.Time), s.unredeemed()
		var live []oauth.Family
		for _, f := range s.families {
			if f.User == l.User && f.ClientID == l.ClientID && s.counts(f, waiting, at) {
				live = append(live, f)
			}
		}
		slices.SortFunc(live, func(a, b oauth.Family) int { return b.CreatedAt.Compare(a.CreatedAt) })
		keep := max(l.Keep, 1)
		for _, f := range live[min(keep, len(live)):] {
			if f.CreatedAt.Before(live[keep-1].CreatedAt) && s.revoke(f.ID, l.Time) {
				ended++
			}
		}
		return ended > 0, nil
	})
	return ended, err
}

// unredeemed returns the unredeemed codes by their family.
func (s *Store) unredeemed() map[string]oauth.Code {
	waiting := map[string]oauth.Code{}
	for _, k := range s.codes {
		if k.SpentAt.IsZero() {
			waiting[k.family] = k.Code
		}
	}
	return waiting
}

// counts reports whether a family counts for the limit. A family whose code expired
// unredeemed will never have a token.
func (s *Store) counts(f oauth.Family, waiting map[string]oauth.Code, at time.Time) bool {
	code, unredeemed := waiting[f.ID]
	if f.Personal || unredeemed && !code.ExpiresAt.After(at) {
		return false
	}
	return s.lives(f.ID, unredeemed, at)
}

// AboveFamilyLimit implements [oauth.FamilyLimitStore].
func (s *Store) AboveFamilyLimit(_ context.Context, keep int, since, at time.Time) iter.Seq2[*oauth.FamilyLimit, error] {
	return func(yield func(*oauth.FamilyLimit, error) bool) {
		for _, l := range s.aboveLimit(max(keep, 1), micros(since), at) {
			if !yield(&l, nil) {
				return
			}
		}
	}
}

func (s *Store) aboveLimit(keep int, since, at time.Time) (above []oauth.FamilyLimit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at = micros(at)
	waiting := s.unredeemed()
	live, began := map[oauth.FamilyLimit]int{}, map[oauth.FamilyLimit]bool{}
	for _, f := range s.families {
		if !s.counts(f, waiting, at) {
			continue
		}
		l := oauth.FamilyLimit{User: f.User, ClientID: f.ClientID, Keep: keep, Time: at}
		live[l]++
		began[l] = began[l] || f.CreatedAt.After(since)
	}
	for l, n := range live {
		if n > keep && began[l] {
			above = append(above, l)
		}
	}
	return above
}
