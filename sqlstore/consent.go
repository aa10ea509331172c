package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

const (
	insertConsent  = `INSERT INTO oauth_consents (provider, user_id, client_id, scope, granted_at, consent_version) VALUES (?, ?, ?, ?, ?, ?)`
	insertDeclined = `INSERT INTO oauth_consents (provider, user_id, client_id, scope, granted_at, consent_version, declined) VALUES (?, ?, ?, ?, ?, ?, ?)`

	// deleteReplaced deletes what a declined scope replaces. So the number of rows is
	// bounded, and a node of a version without declined scopes finds no consent.
	deleteReplaced = `DELETE FROM oauth_consents WHERE provider = ? AND user_id = ? AND client_id = ? AND scope IN (?, ?) AND granted_at < ?`
)

// consentTo are the scopes that a user granted and declined, for the rows of a family.
type consentTo struct {
	granted, declined []string
	version           int64
}

// save stores consents. The key of each row includes the time of the request.
// Otherwise an old request that is stored after a withdrawal would leave a row that
// blocks the insert of a new consent.
func (c consentTo) save(ctx context.Context, tx *sqldb.Tx, f *oauth.Family) error {
	user, at := f.User, sqldb.At(f.CreatedAt)
	for _, scope := range c.granted {
		if _, err := tx.Insert(ctx, insertConsent, user.Provider, user.ID, f.ClientID, scope, at, c.version); err != nil {
			return fmt.Errorf("save consent: %w", err)
		}
	}
	for _, scope := range c.declined {
		name := declinedName(scope)
		if _, err := tx.Exec(ctx, deleteReplaced, user.Provider, user.ID, f.ClientID, scope, name, at); err != nil {
			return fmt.Errorf("replace consent: %w", err)
		}
		if _, err := tx.Insert(ctx, insertDeclined, user.Provider, user.ID, f.ClientID, name, at, c.version, scope); err != nil {
			return fmt.Errorf("save declined scope: %w", err)
		}
	}
	return nil
}

// declinedName returns the column scope of a row that declines a scope; the column
// declined has the scope itself. The name contains a space, so it never equals a scope: a
// node of a version without declined scopes grants nothing because of the row, and
// deletes it with the others.
func declinedName(scope string) string { return "declined " + string(oauth.DigestOf(scope)) }

// The version of a consent without a number: 0, or a version that no client has.
const (
	firstVersion = 0
	noVersion    = -1
)

// selectConsents returns the newest time of each scope, granted and declined.
const selectConsents = `SELECT n.scope, n.declined, MAX(n.granted_at) FROM oauth_consents n WHERE n.provider = ? AND n.user_id = ? AND n.client_id = ?
AND COALESCE(n.consent_version, ?) = ?
AND NOT EXISTS (SELECT 1 FROM oauth_cut_offs x WHERE x.provider = n.provider AND x.user_id = n.user_id AND x.cut_at >= n.granted_at
AND x.client_id = n.client_id AND x.consents = 1) GROUP BY n.scope, n.declined ORDER BY n.scope`

// Consented implements [oauth.ConsentStore].
func (s *Store) Consented(ctx context.Context, user oauth.UserRef, c *oauth.Client) (granted, declined []string, err error) {
	if !storable(user.Provider, user.ID, c.ID) {
		return nil, nil, nil
	}
	unnumbered := firstVersion
	if c.Owner != (oauth.UserRef{}) {
		unnumbered = noVersion
	}
	grantedAt, declinedAt := map[string]int64{}, map[string]int64{}
	err = s.db.Each(ctx, selectConsents, func(row sqldb.Row) error {
		var scope string
		var declines sql.NullString
		var at int64
		err := row.Scan(&scope, &declines, &at)
		if declines.Valid {
			declinedAt[declines.String] = at
		} else {
			grantedAt[scope] = at
		}
		return err
	}, user.Provider, user.ID, c.ID, unnumbered, c.ConsentVersion)
	if err != nil {
		return nil, nil, fmt.Errorf("read consents: %w", err)
	}
	granted, declined = newest(grantedAt, declinedAt)
	return granted, declined, nil
}

// newest returns the scopes whose newest consent grants them, and those whose newest
// consent declines them. Of two at the same time, the one that declines counts.
func newest(grantedAt, declinedAt map[string]int64) (granted, declined []string) {
	for scope, at := range grantedAt {
		if end, ok := declinedAt[scope]; !ok || end < at {
			granted = append(granted, scope)
		}
	}
	for scope, at := range declinedAt {
		if begin, ok := grantedAt[scope]; !ok || begin <= at {
			declined = append(declined, scope)
		}
	}
	slices.Sort(granted)
	slices.Sort(declined)
	return granted, declined
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
		if err := s.endSessions(ctx, tx, c, c); err != nil {
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
