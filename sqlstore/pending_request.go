package sqlstore

import (
	"context"
	"fmt"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

const (
	selectPendingRequest = `SELECT p.digest, p.client_id, p.sealed, p.expires_at FROM oauth_pending_requests p WHERE p.digest = ?`

	dropPendingRequestsOf = `DELETE FROM oauth_pending_requests WHERE client_id = ? AND expires_at <= ?`

	// The INSERT reads the count from a derived table, because MySQL can't read the
	// table itself there.
	insertPendingRequest = `INSERT INTO oauth_pending_requests (digest, client_id, sealed, expires_at)
SELECT ?, ?, ?, ? FROM (SELECT COUNT(*) AS n FROM oauth_pending_requests WHERE client_id = ?) x WHERE x.n < ?`
)

// expiredPendingRequests deletes requests that have expired. It is needed for clients
// that send no further requests.
var expiredPendingRequests = sweep{
	find: `SELECT p.digest FROM oauth_pending_requests p WHERE p.expires_at <= ? ORDER BY p.expires_at LIMIT 100`,
	drop: `DELETE FROM oauth_pending_requests WHERE digest IN ` + page,
}

// SavePendingRequest implements [oauth.PendingRequestStore].
func (s *Store) SavePendingRequest(ctx context.Context, r *oauth.PendingRequest, limit int, at time.Time) error {
	// Two statements without a transaction: in one, they would lock the gap that
	// concurrent calls insert into.
	if _, err := s.db.Exec(ctx, dropPendingRequestsOf, r.ClientID, sqldb.At(at)); err != nil {
		return fmt.Errorf("drop expired pending requests: %w", err)
	}
	n, err := s.db.Exec(ctx, insertPendingRequest, string(r.Digest), r.ClientID, r.Sealed, sqldb.At(r.ExpiresAt), r.ClientID, limit)
	switch {
	case err != nil:
		return fmt.Errorf("save pending request: %w", err)
	case n == 0:
		return fmt.Errorf("the client already has %d pending requests: %w", limit, oauth.ErrConflict)
	}
	return nil
}

// PendingRequest implements [oauth.PendingRequestStore].
func (s *Store) PendingRequest(ctx context.Context, d oauth.Digest) (*oauth.PendingRequest, error) {
	if !storable(string(d)) {
		return nil, oauth.ErrNotFound
	}
	r := new(oauth.PendingRequest)
	err := s.db.Row(ctx, selectPendingRequest, func(row sqldb.Row) error {
		return row.Scan(&r.Digest, &r.ClientID, &r.Sealed, sqldb.Micros{T: &r.ExpiresAt})
	}, string(d))
	if err != nil {
		return nil, err
	}
	return r, nil
}
