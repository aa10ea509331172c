package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

const (
	// The query repeats oauth.MaxLogoutExcept. It reads more notices than a lease can have,
	// because many may be of one client.
	selectDueNotices = `SELECT n.id, n.client_id FROM oauth_logout_notices n WHERE n.next_at <= ?
AND n.client_id NOT IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ORDER BY n.next_at LIMIT 100`

	noticeColumns = `n.id, n.client_id, n.provider, n.user_id, n.sid, n.created_at, n.expires_at, n.tries, n.lease`

	deleteNotice = `DELETE FROM oauth_logout_notices WHERE id = ? AND lease = ?`
	retryNotice  = `UPDATE oauth_logout_notices SET next_at = ?, lease = NULL WHERE id = ? AND lease = ?`

	insertStatus = `INSERT INTO oauth_logout_status (client_id, last_at, last_result, succeeded_at, failures) VALUES (?, ?, ?, ?, ?)`

	// A success resets the number of failures. MySQL assigns in order, so failures comes
	// before succeeded_at.
	saveStatus = insertStatus + ` ON CONFLICT (client_id) DO UPDATE SET last_at = excluded.last_at, last_result = excluded.last_result,
failures = CASE WHEN excluded.succeeded_at IS NULL THEN oauth_logout_status.failures + 1 ELSE 0 END,
succeeded_at = COALESCE(excluded.succeeded_at, oauth_logout_status.succeeded_at)`

	saveStatusMySQL = insertStatus + ` ON DUPLICATE KEY UPDATE last_at = VALUES(last_at), last_result = VALUES(last_result),
failures = CASE WHEN VALUES(succeeded_at) IS NULL THEN failures + 1 ELSE 0 END,
succeeded_at = COALESCE(VALUES(succeeded_at), succeeded_at)`

	selectStatus = `SELECT o.last_at, o.last_result, o.succeeded_at, o.failures FROM oauth_logout_status o WHERE o.client_id = ?`

	selectTold = `SELECT c.id FROM oauth_clients c WHERE c.backchannel IS NOT NULL AND c.revoked_at IS NULL LIMIT 1`
)

// leasePage is the list of placeholders for the IDs of a lease. It repeats
// oauth.MaxLogoutLease. For a longer list PostgreSQL might read the whole table.
const leasePage = `(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

var (
	leaseNotices   = `UPDATE oauth_logout_notices SET lease = ?, next_at = ?, tries = tries + 1 WHERE next_at <= ? AND id IN ` + leasePage
	selectLeased   = `SELECT ` + noticeColumns + ` FROM oauth_logout_notices n WHERE n.lease = ? AND n.id IN ` + leasePage + ` ORDER BY n.created_at, n.id`
	dropStatuses   = `DELETE FROM oauth_logout_status WHERE client_id IN ` + page
	expiredNotices = sweep{
		find: `SELECT n.id FROM oauth_logout_notices n WHERE n.expires_at <= ? ORDER BY n.expires_at LIMIT 100`,
		drop: `DELETE FROM oauth_logout_notices WHERE id IN ` + page,
	}
)

// LeaseLogouts implements [oauth.LogoutStore]. With an empty outbox it is one statement.
// The UPDATE compares the time again, so of two nodes one gets a notice.
func (s *Store) LeaseLogouts(ctx context.Context, l *oauth.LogoutLease) ([]*oauth.LogoutNotice, error) {
	ids, err := s.dueNotices(ctx, l)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	for len(ids) < oauth.MaxLogoutLease {
		ids = append(ids, ids[0])
	}
	n, err := s.db.Exec(ctx, leaseNotices, append([]any{l.ID, sqldb.At(l.Until), sqldb.At(l.Time)}, ids...)...)
	if err != nil {
		return nil, fmt.Errorf("lease logout notices: %w", err)
	}
	if n == 0 {
		return nil, nil
	}
	var leased []*oauth.LogoutNotice
	err = s.db.Each(ctx, selectLeased, func(row sqldb.Row) error {
		n := new(oauth.LogoutNotice)
		leased = append(leased, n)
		return row.Scan(&n.ID, &n.ClientID, &n.User.Provider, &n.User.ID, &n.SID, sqldb.Micros{T: &n.CreatedAt}, sqldb.Micros{T: &n.ExpiresAt}, &n.Tries, &n.Lease)
	}, append([]any{l.ID}, ids...)...)
	if err != nil {
		return nil, fmt.Errorf("read the leased logout notices: %w", err)
	}
	return leased, nil
}

// dueNotices returns the IDs of notices that may be leased.
func (s *Store) dueNotices(ctx context.Context, l *oauth.LogoutLease) (ids []any, err error) {
	args := []any{sqldb.At(l.Time)}
	for _, client := range l.Except[:min(len(l.Except), oauth.MaxLogoutExcept)] {
		args = append(args, client)
	}
	for len(args) <= oauth.MaxLogoutExcept {
		args = append(args, "")
	}
	limit, of := min(l.Limit, oauth.MaxLogoutLease), map[string]int{}
	err = s.db.Each(ctx, selectDueNotices, func(row sqldb.Row) error {
		var id, client string
		err := row.Scan(&id, &client)
		if of[client]++; len(ids) < limit && of[client] <= l.PerClient {
			ids = append(ids, id)
		}
		return err
	}, args...)
	if err != nil {
		return nil, fmt.Errorf("find logout notices: %w", err)
	}
	return ids, nil
}

// SettleLogout implements [oauth.LogoutStore].
func (s *Store) SettleLogout(ctx context.Context, r *oauth.LogoutResult) error {
	q, args := deleteNotice, []any{r.Notice.ID, r.Notice.Lease}
	if !r.RetryAt.IsZero() {
		q, args = retryNotice, slices.Insert(args, 0, any(sqldb.At(r.RetryAt)))
	}
	status, failures, succeeded := s.form(saveStatus, saveStatusMySQL), 1, any(nil)
	if r.Done {
		failures, succeeded = 0, sqldb.At(r.Time)
	}
	err := s.db.Tx(ctx, func(ctx context.Context, tx *sqldb.Tx) error {
		n, err := tx.Exec(ctx, q, args...)
		if err != nil {
			return err
		}
		if n == 0 {
			return oauth.ErrNotFound
		}
		_, err = tx.Exec(ctx, status, r.Notice.ClientID, sqldb.At(r.Time), r.Result, succeeded, failures)
		return err
	})
	if err != nil {
		return fmt.Errorf("save the result of a logout notice: %w", err)
	}
	return nil
}

// LogoutStatus implements [oauth.LogoutStore].
func (s *Store) LogoutStatus(ctx context.Context, clientID string) (*oauth.LogoutStatus, error) {
	o := new(oauth.LogoutStatus)
	if !storable(clientID) {
		return o, nil
	}
	err := s.db.Row(ctx, selectStatus, func(row sqldb.Row) error {
		return row.Scan(sqldb.Micros{T: &o.LastAt}, &o.LastResult, sqldb.Micros{T: &o.SucceededAt}, &o.Failures)
	}, clientID)
	if err != nil && !errors.Is(err, oauth.ErrNotFound) {
		return nil, fmt.Errorf("read the results of logout notices: %w", err)
	}
	return o, nil
}

// TellsClients implements [oauth.LogoutStore].
func (s *Store) TellsClients(ctx context.Context) (bool, error) {
	err := s.db.Row(ctx, selectTold, func(sqldb.Row) error { return nil })
	if errors.Is(err, oauth.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
