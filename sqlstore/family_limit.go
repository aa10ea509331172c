package sqlstore

import (
	"context"
	"fmt"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// endOldest reads the live families of the user at the client, by an index. The
// OFFSET is one less than what stays. MySQL reads its own table in an UPDATE only
// through a derived table.
const endOldest = `UPDATE oauth_families SET revoked_at = ? WHERE provider = ? AND user_id = ? AND client_id = ? AND personal = 0
AND revoked_at IS NULL AND expires_at > ? AND created_at < (SELECT x.created_at FROM (
SELECT f.created_at FROM oauth_families f WHERE f.provider = ? AND f.user_id = ? AND f.client_id = ? AND f.personal = 0
AND f.revoked_at IS NULL AND f.expires_at > ? ORDER BY f.created_at DESC LIMIT 1 OFFSET ?) x)`

// LimitFamilies implements [oauth.FamilyStore].
func (s *Store) LimitFamilies(ctx context.Context, l *oauth.FamilyLimit) (ended int, err error) {
	if !storable(l.User.Provider, l.User.ID, l.ClientID) {
		return 0, nil
	}
	at := sqldb.At(l.Time)
	args := []any{at, l.User.Provider, l.User.ID, l.ClientID, at, l.User.Provider, l.User.ID, l.ClientID, at, max(l.Keep, 1) - 1}
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
