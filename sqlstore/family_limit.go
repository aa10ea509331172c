package sqlstore

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// withinLimit is the condition under which a family f counts for the limit. If a
// family's code expired unredeemed, it does not count: it will never have a token.
const withinLimit = `f.personal = 0 AND f.revoked_at IS NULL AND f.expires_at > ? AND ` + ofLiveClient + ` AND ` + notCut + `
AND NOT EXISTS (SELECT 1 FROM oauth_auth_codes k WHERE k.family_id = f.id AND k.spent_at IS NULL
AND (k.expires_at <= ? OR EXISTS (SELECT 1 FROM oauth_cut_offs x WHERE ` + cutMatches + ` AND x.unredeemed = 1)))`

// endOldest reads the live families of the user at the client by an index. The OFFSET
// is the number of families to keep, minus one. In an UPDATE, MySQL can read the same
// table only through a derived table.
const endOldest = `UPDATE oauth_families AS f SET revoked_at = ? WHERE f.provider = ? AND f.user_id = ? AND f.client_id = ? AND ` + withinLimit + `
AND f.created_at < (SELECT x.created_at FROM (
SELECT f.created_at FROM oauth_families f WHERE f.provider = ? AND f.user_id = ? AND f.client_id = ? AND ` + withinLimit + `
ORDER BY f.created_at DESC LIMIT 1 OFFSET ?) x)`

// LimitFamilies implements [oauth.FamilyStore].
func (s *Store) LimitFamilies(ctx context.Context, l *oauth.FamilyLimit) (ended int, err error) {
	if !storable(l.User.Provider, l.User.ID, l.ClientID) {
		return 0, nil
	}
	at := sqldb.At(l.Time)
	args := []any{at, l.User.Provider, l.User.ID, l.ClientID, at, at, l.User.Provider, l.User.ID, l.ClientID, at, at, max(l.Keep, 1) - 1}
	var n int64
	if l.Audit == nil { // a single statement is a transaction by itself
		n, err = s.db.Exec(ctx, endOldest, args...)
	} else {
		err = s.change(ctx, l.Audit, func(ctx context.Context, tx *sqldb.Tx) (_ bool, err error) {
			n, err = tx.Exec(ctx, endOldest, args...)
			return n > 0, err
		})
	}
	if err != nil {
		return 0, fmt.Errorf("end the oldest families: %w", err)
	}
	return int(n), nil
}

// aboveLimitPage is the maximum number of rows that one statement of AboveFamilyLimit
// returns. The query repeats the number.
const aboveLimitPage = 1000

const selectUnrevokedIDs = `SELECT c.id FROM oauth_clients c WHERE c.id > ? AND c.revoked_at IS NULL ORDER BY c.id LIMIT 100`

// selectAboveLimit finds the new families by an index that begins with the client,
// because no index begins with the time. MySQL reads ranges of that index only if the
// clients are constants. The OFFSET is the number of families to keep.
var selectAboveLimit = `SELECT p.provider, p.user_id, p.client_id FROM (
SELECT DISTINCT f.provider, f.user_id, f.client_id FROM oauth_families f WHERE f.client_id IN ` + page + ` AND f.created_at > ?
AND f.personal = 0 AND f.revoked_at IS NULL AND f.expires_at > ?) p
WHERE (p.provider, p.user_id, p.client_id) > (?, ?, ?) AND (
SELECT f.id FROM oauth_families f WHERE f.provider = p.provider AND f.user_id = p.user_id AND f.client_id = p.client_id
AND ` + withinLimit + ` LIMIT 1 OFFSET ?) IS NOT NULL
ORDER BY p.provider, p.user_id, p.client_id LIMIT 1000`

// AboveFamilyLimit implements [oauth.FamilyLimitStore].
func (s *Store) AboveFamilyLimit(ctx context.Context, keep int, since, at time.Time) iter.Seq2[*oauth.FamilyLimit, error] {
	above := aboveLimit{s, max(keep, 1), since, at}
	return func(yield func(*oauth.FamilyLimit, error) bool) {
		for after := ""; ; {
			clients, err := s.unrevokedIDs(ctx, after)
			if err != nil {
				yield(nil, fmt.Errorf("find families above a limit: %w", err))
				return
			}
			if len(clients) == 0 {
				return
			}
			last := len(clients) < pageSize
			after = clients[len(clients)-1].(string)
			if !above.at(ctx, padded(clients), yield) || last {
				return
			}
		}
	}
}

func (s *Store) unrevokedIDs(ctx context.Context, after string) (ids []any, err error) {
	err = s.db.Each(ctx, selectUnrevokedIDs, func(row sqldb.Row) error {
		var id string
		err := row.Scan(&id)
		ids = append(ids, id)
		return err
	}, after)
	return ids, err
}

// aboveLimit is one call of AboveFamilyLimit.
type aboveLimit struct {
	store     *Store
	keep      int
	since, to time.Time
}

// at yields the users above the limit for a page of clients, and reports whether the
// loop continues.
func (a aboveLimit) at(ctx context.Context, clients []any, yield func(*oauth.FamilyLimit, error) bool) bool {
	since, at := sqldb.At(a.since), sqldb.At(a.to)
	var after oauth.FamilyLimit
	for {
		var found []*oauth.FamilyLimit
		err := a.store.db.Each(ctx, selectAboveLimit, func(row sqldb.Row) error {
			l := &oauth.FamilyLimit{Keep: a.keep, Time: a.to}
			found = append(found, l)
			return row.Scan(&l.User.Provider, &l.User.ID, &l.ClientID)
		}, append(clients[:pageSize:pageSize], since, at, after.User.Provider, after.User.ID, after.ClientID, at, at, a.keep)...)
		if err != nil {
			yield(nil, fmt.Errorf("find families above a limit: %w", err))
			return false
		}
		for _, l := range found {
			if !yield(l, nil) {
				return false
			}
		}
		if len(found) < aboveLimitPage {
			return true
		}
		after = *found[len(found)-1]
	}
}
