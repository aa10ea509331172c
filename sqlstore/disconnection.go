package sqlstore

import (
	"context"
	"fmt"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

const (
	// These fields never change, so they can be read before the transaction.
	selectConnection = `SELECT f.id, f.client_id, f.personal, f.session, f.sid FROM oauth_access_tokens t JOIN oauth_families f ON f.id = t.family_id
WHERE t.id = ? AND f.provider = ? AND f.user_id = ?`

	// lockConsents changes nothing. It makes a transaction retry if its snapshot is
	// older than a concurrent removal.
	lockConsents = `UPDATE oauth_consents SET granted_at = granted_at WHERE provider = ? AND user_id = ? AND client_id = ?`

	// forgetConsents deletes the consents that no other withdrawal has ended, unless
	// the user has another connection.
	forgetConsents = `DELETE FROM oauth_consents WHERE provider = ? AND user_id = ? AND client_id = ? AND granted_at <= ?
AND NOT EXISTS (SELECT 1 FROM oauth_cut_offs x WHERE x.provider = oauth_consents.provider AND x.user_id = oauth_consents.user_id
AND x.cut_at >= oauth_consents.granted_at AND x.client_id = oauth_consents.client_id AND x.consents = 1)
AND NOT EXISTS (SELECT 1 FROM oauth_families f WHERE f.provider = ? AND f.user_id = ? AND f.client_id = ?
AND f.personal = 0 AND f.revoked_at IS NULL AND f.expires_at > ?
AND (f.created_at > ? OR EXISTS (SELECT 1 FROM oauth_access_tokens t WHERE t.family_id = f.id))
AND NOT EXISTS (SELECT 1 FROM oauth_clients c WHERE ` + cutByClient + `)
AND NOT EXISTS (SELECT 1 FROM oauth_cut_offs x WHERE ` + cutMatches + `
AND (x.unredeemed = 0 OR EXISTS (SELECT 1 FROM oauth_auth_codes k WHERE k.family_id = f.id AND k.spent_at IS NULL))))`

	holdOnce = insertOnce + ` ON CONFLICT DO NOTHING`

	// After a wait, an INSERT of MySQL has a shared lock on the deleted row and asks for an
	// exclusive one. Two transactions that do so deadlock. The upsert asks for an exclusive
	// lock at once, so they run one after another.
	holdOnceMySQL = insertOnce + ` ON DUPLICATE KEY UPDATE keep_until = VALUES(keep_until)`

	deleteOnce = `DELETE FROM oauth_once WHERE purpose = ? AND digest = ?`
)

// Disconnect implements [oauth.TokenStore].
func (s *Store) Disconnect(ctx context.Context, d *oauth.Disconnection) (revoked, withdrawn bool, err error) {
	if !storable(d.TokenID, d.User.Provider, d.User.ID) {
		return false, false, oauth.ErrNotFound
	}
	var family, session, sid string
	var personal bool
	c := cutOff{FamilyFilter: oauth.FamilyFilter{User: d.User, KeepPersonal: true}, at: sqldb.At(d.Time), consents: true}
	err = s.db.Row(ctx, selectConnection, func(row sqldb.Row) error {
		return row.Scan(&family, &c.ClientID, sqldb.Bool{B: &personal}, &session, sqldb.Text{S: &sid})
	}, d.TokenID, d.User.Provider, d.User.ID)
	if err != nil {
		return false, false, fmt.Errorf("find connection: %w", err)
	}
	err = s.db.Tx(ctx, func(ctx context.Context, tx *sqldb.Tx) error {
		revoked, withdrawn = false, false // the transaction may be retried
		var err error
		if personal {
			revoked, err = endConnection(ctx, tx, family, d)
			return err
		}
		return s.exclusively(ctx, tx, c, func() error {
			if revoked, err = endConnection(ctx, tx, family, d); err != nil {
				return err
			}
			if withdrawn, err = c.forget(ctx, tx, d.Withdrawn); err != nil {
				return err
			}
			if withdrawn {
				return s.endSessions(ctx, tx, c, c)
			}
			if revoked && sid != "" {
				inSession := c
				inSession.Session = oauth.Digest(session)
				return s.endSessions(ctx, tx, inSession)
			}
			return nil
		})
	})
	if err != nil {
		return false, false, fmt.Errorf("disconnect: %w", err)
	}
	return revoked, withdrawn, nil
}

// endConnection revokes a family.
func endConnection(ctx context.Context, tx *sqldb.Tx, family string, d *oauth.Disconnection) (bool, error) {
	n, err := tx.Exec(ctx, revokeFamily, sqldb.At(d.Time), family)
	if err != nil || n == 0 {
		return false, err
	}
	return true, saveAudit(ctx, tx, d.Revoked)
}

// removal is the purpose of a row that exists only within a transaction.
const removal oauth.Purpose = "removal"

// exclusively runs f while no other removal for the user and client runs. Otherwise two
// concurrent removals of the last two connections would each consider the other
// connection alive. Transactions that insert the same row wait for each other, or
// conflict if they run on two nodes of a cluster. lockConsents alone would not conflict
// there, because it changes nothing.
func (s *Store) exclusively(ctx context.Context, tx *sqldb.Tx, c cutOff, f func() error) error {
	row := onceRow(removal, c.User.Provider+"\x00"+c.User.ID+"\x00"+c.ClientID, time.UnixMicro(c.at))
	if _, err := tx.Exec(ctx, s.form(holdOnce, holdOnceMySQL), row...); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, lockConsents, c.User.Provider, c.User.ID, c.ClientID); err != nil {
		return err
	}
	if err := f(); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, deleteOnce, row[0], row[1])
	return err
}

// forget deletes the consents unless there is another connection. The statement can't
// see a family that is being stored, so a cut-off ends that family if its request came
// earlier.
func (c cutOff) forget(ctx context.Context, tx *sqldb.Tx, audit *oauth.AuditRecord) (bool, error) {
	n, err := tx.Exec(ctx, forgetConsents, c.User.Provider, c.User.ID, c.ClientID, c.until(),
		c.User.Provider, c.User.ID, c.ClientID, c.at, c.until())
	if err != nil || n == 0 {
		return false, err
	}
	if _, err := c.apply(ctx, tx); err != nil {
		return false, err
	}
	if err := c.withdraw(ctx, tx, c.until()); err != nil { // rows that were stored since the first statement
		return false, err
	}
	return true, saveAudit(ctx, tx, audit)
}
