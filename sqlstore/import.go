package sqlstore

import (
	"context"
	"fmt"
	"slices"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// Import implements [oauth.ImportStore]. The clients come first, each in a separate
// transaction. The rest is one transaction.
func (s *Store) Import(ctx context.Context, b *oauth.ImportBatch) error {
	return s.importWith(ctx, rowWriters[s.db.Dialect().Name], b)
}

func (s *Store) importWith(ctx context.Context, writers []rowWriter, b *oauth.ImportBatch) error {
	for _, c := range b.Clients {
		if err := s.importClient(ctx, c); err != nil {
			return fmt.Errorf("import client %.100q: %w", c.Client.ID, err)
		}
	}
	versions, err := s.consentVersions(ctx, b.Consents)
	if err != nil {
		return err
	}
	rows := make([][][]any, len(writers))
	total := 0
	for n, w := range writers {
		if rows[n], err = w.rows(b, versions); err != nil {
			return err
		}
		total += len(rows[n])
	}
	if total == 0 {
		return nil
	}
	err = s.db.Tx(ctx, func(ctx context.Context, tx *sqldb.Tx) error {
		for n, w := range writers {
			if err := w.write(ctx, tx, rows[n]); err != nil {
				return err
			}
		}
		return s.keepOwners(ctx, tx, b.Unowned)
	})
	for n, w := range writers {
		if err == nil && w.aside != nil {
			w.aside.Add(int64(len(rows[n])))
		}
	}
	return err
}

// consentVersions are the ConsentVersions of clients, by ID.
type consentVersions map[string]int64

var versionsOf = `SELECT c.id, c.consent_version FROM oauth_clients c WHERE c.id IN ` + page

// consentVersions returns the ConsentVersion of each client that a consent names. The
// consents count for the clients as they are now.
func (s *Store) consentVersions(ctx context.Context, consents []oauth.ImportedConsent) (consentVersions, error) {
	versions := consentVersions{}
	var ids []any
	for _, c := range consents {
		if _, known := versions[c.ClientID]; !known && storable(c.ClientID) {
			versions[c.ClientID] = firstVersion
			ids = append(ids, c.ClientID)
		}
	}
	for some := range slices.Chunk(ids, purgePage) {
		err := s.db.Each(ctx, versionsOf, func(row sqldb.Row) error {
			var id string
			var version int64
			err := row.Scan(&id, sqldb.Number{N: &version})
			versions[id] = version
			return err
		}, padded(slices.Clone(some))...)
		if err != nil {
			return nil, fmt.Errorf("find the clients of consents: %w", err)
		}
	}
	return versions, nil
}

// ownedBefore finds what an import after the purge of an access token brings without an
// owner. If the refresh token was imported before, its first row counts.
var ownedBefore = `UPDATE oauth_imported_refresh_tokens SET begun_at = created_at WHERE begun_at IS NULL AND digest IN ` + page + `
AND EXISTS (SELECT 1 FROM oauth_refresh_tokens r WHERE r.digest = oauth_imported_refresh_tokens.digest)`

// keepOwners keeps refresh tokens without an owner from beginning a second family.
func (s *Store) keepOwners(ctx context.Context, tx *sqldb.Tx, unowned []*oauth.ImportedRefreshToken) error {
	for some := range slices.Chunk(unowned, purgePage) {
		keys := make([]any, 0, purgePage)
		for _, t := range some {
			keys = append(keys, string(t.Digest))
		}
		if _, err := tx.Exec(ctx, ownedBefore, padded(keys)...); err != nil {
			return fmt.Errorf("find the owners of refresh tokens: %w", err)
		}
	}
	return nil
}
