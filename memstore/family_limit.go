package memstore

import (
	"context"
	"slices"

	"github.com/go-passport/passport/oauth"
)

// LimitFamilies implements [oauth.FamilyStore].
func (s *Store) LimitFamilies(_ context.Context, l *oauth.FamilyLimit) (ended int, err error) {
	err = s.change(l.Audit, func() (bool, error) {
		var live []oauth.Family
		for _, f := range s.families {
			if f.User == l.User && f.ClientID == l.ClientID && !f.Personal && f.Live(l.Time) {
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
