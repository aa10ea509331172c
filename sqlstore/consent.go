package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

const insertConsent = `INSERT INTO oauth_consents (provider, user_id, client_id, scope, granted_at, consent_version) VALUES (?, ?, ?, ?, ?, ?)`

// saveConsents stores consents. The key of each row includes the time of the request.
// Otherwise an old request that is stored after a withdrawal would leave a row that
// blocks the insert of a new consent.
func saveConsents(ctx context.Context, tx *sqldb.Tx, f *oauth.Family, scopes []string, version int64) error {
	for _, scope := range scopes {
		if _, err := tx.Insert(ctx, insertConsent, f.User.Provider, f.User.ID, f.ClientID, scope, sqldb.At(f.CreatedAt), version); err != nil {
			return fmt.Errorf("save consent: %w", err)
		}
	}
	return nil
}

// The version of a consent without a number: 0, or a version that no client has.
const (
	firstVersion = 0
	noVersion    = -1
)

const selectConsents = `SELECT DISTINCT n.scope FROM oauth_consents n WHERE n.provider = ? AND n.user_id = ? AND n.client_id = ?
AND COALESCE(n.consent_version, ?) = ?
AND NOT EXISTS (SELECT 1 FROM oauth_cut_offs x WHERE x.provider = n.provider AND x.user_id = n.user_id AND x.cut_at >= n.granted_at
AND x.client_id = n.client_id AND x.consents = 1) ORDER BY n.scope`

// Consented implements [oauth.ConsentStore].
func (s *Store) Consented(ctx context.Context, user oauth.UserRef, c *oauth.Client) (scopes []string, err error) {
	if !storable(user.Provider, user.ID, c.ID) {
		return nil, nil
	}
	unnumbered := firstVersion
	if c.Owner != (oauth.UserRef{}) {
		unnumbered = noVersion
	}
	err = s.db.Each(ctx, selectConsents, func(row sqldb.Row) error {
		var scope string
		err := row.Scan(&scope)
		scopes = append(scopes, scope)
		return err
	}, user.Provider, user.ID, c.ID, unnumbered, c.ConsentVersion)
	if err != nil {
		return nil, fmt.Errorf("read consents: %w", err)
	}
	return scopes, nil
}

// deleteConsents deletes all consents up to one time, and up to a later time those
// whose family is not alive. So it never separates a consent from its family, even if
// both are stored while families are being revoked.
const deleteConsents = `DELETE FROM oauth_consents WHERE provider = ? AND user_id = ? AND client_id = ? AND granted_at <= ?
AND (granted_at <= ? OR NOT EXISTS (SELECT 1 FROM oauth_families f WHERE f.provider = oauth_consents.provider AND f.user_id = oauth_consents.user_id
AND f.client_id = oauth_consents.client_id AND f.created_at = oauth_consents.granted_at AND f.personal = 0 AND f.revoked_at IS NULL))`

// Withdraw implements [oauth.ConsentStore].
func (s *Store) Withdraw(ctx context.Context, user oauth.UserRef, clientID string, at time.Time, audit *oauth.AuditRecord) error {
	c := cutOff{FamilyFilter: oauth.FamilyFilter{User: user, ClientID: clientID, KeepPersonal: true}, at: sqldb.At(at), consents: true}
	if err := c.Validate(); err != nil {
		return err
	}
	if clientID == "" {
		return errors.New("sqlstore: a withdrawal needs a client")
	}
	if !storable(user.Provider, user.ID, clientID) {
		return oauth.ErrNotFound
	}
	return s.change(ctx, audit, func(ctx context.Context, tx *sqldb.Tx) (bool, error) {
		changed, err := c.apply(ctx, tx)
		if err != nil {
			return false, err
		}
		return changed, c.withdraw(ctx, tx, c.until())
	})
}

// withdraw deletes the stored consents of requests up to the given time. If that time
// is after the cut-off, the families must be revoked first.
func (c cutOff) withdraw(ctx context.Context, tx *sqldb.Tx, until int64) error {
	if _, err := tx.Exec(ctx, deleteConsents, c.User.Provider, c.User.ID, c.ClientID, until, c.at); err != nil {
		return fmt.Errorf("withdraw consents: %w", err)
	}
	return nil
}
