package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// expiredImports deletes refresh tokens without an owner that no request can use.
var expiredImports = sweep{
	find: `SELECT o.digest FROM oauth_imported_refresh_tokens o WHERE o.expires_at <= ? ORDER BY o.expires_at LIMIT 100`,
	drop: `DELETE FROM oauth_imported_refresh_tokens WHERE digest IN ` + page,
}

const (
	selectImported = `SELECT o.digest, o.access_token_id, o.created_at, o.expires_at, o.revoked_at, o.begun_at FROM oauth_imported_refresh_tokens o WHERE o.digest = ?`

	beginImported = `UPDATE oauth_imported_refresh_tokens SET begun_at = ? WHERE digest = ? AND begun_at IS NULL AND revoked_at IS NULL AND expires_at > ?`
)

// ImportedRefreshToken implements [oauth.ImportStore].
func (s *Store) ImportedRefreshToken(ctx context.Context, d oauth.Digest) (*oauth.ImportedRefreshToken, error) {
	if !storable(string(d)) {
		return nil, oauth.ErrNotFound
	}
	t := new(oauth.ImportedRefreshToken)
	err := s.db.Row(ctx, selectImported, func(row sqldb.Row) error {
		return row.Scan(&t.Digest, &t.AccessTokenID, sqldb.Micros{T: &t.CreatedAt}, sqldb.Micros{T: &t.ExpiresAt}, sqldb.Micros{T: &t.RevokedAt}, sqldb.Micros{T: &t.BegunAt})
	}, string(d))
	if err != nil {
		return nil, err
	}
	return t, nil
}

// BeginImported implements [oauth.ImportStore].
func (s *Store) BeginImported(ctx context.Context, d oauth.Digest, f *oauth.Family, scopes []string, at time.Time) error {
	if !storable(string(d), f.ID) {
		return oauth.ErrNotFound
	}
	err := s.db.Tx(ctx, func(ctx context.Context, tx *sqldb.Tx) error {
		n, err := tx.Exec(ctx, beginImported, sqldb.At(at), string(d), sqldb.At(at))
		if err != nil || n == 0 {
			return err
		}
		var t oauth.RefreshToken
		err = tx.Row(ctx, selectImported, func(row sqldb.Row) error {
			var unused time.Time
			return row.Scan(&t.Digest, &t.AccessTokenID, sqldb.Micros{T: &unused}, sqldb.Micros{T: &t.ExpiresAt}, sqldb.Micros{T: &unused}, sqldb.Micros{T: &unused})
		}, string(d))
		if err != nil {
			return err
		}
		t.Family, t.Scopes = f, scopes
		if err := s.saveFamily(ctx, tx, f); err != nil {
			return err
		}
		return saveRefreshToken(ctx, tx, &t)
	})
	if err != nil {
		return fmt.Errorf("begin an imported refresh token: %w", err)
	}
	return nil
}

const replaceSecret = `UPDATE oauth_client_secrets SET digest = ? WHERE client_id = ? AND digest = ?`

// ReplaceSecret implements [oauth.ImportStore].
func (s *Store) ReplaceSecret(ctx context.Context, clientID string, old, replacement oauth.Digest) error {
	if !storable(clientID, string(old), string(replacement)) {
		return oauth.ErrNotFound
	}
	if _, err := s.db.Exec(ctx, replaceSecret, string(replacement), clientID, string(old)); err != nil {
		return fmt.Errorf("replace secret: %w", err)
	}
	return nil
}

// importPage is how many rows one query of a status counts.
const importPage = 5000

const (
	countRefreshTokens = `SELECT COUNT(*), MAX(x.digest), COUNT(CASE WHEN x.spent_at IS NULL AND x.expires_at > ? AND f.revoked_at IS NULL AND f.expires_at > ? THEN 1 END)
FROM (SELECT r.digest, r.family_id, r.spent_at, r.expires_at FROM oauth_refresh_tokens r WHERE r.digest > ? AND r.digest < ? ORDER BY r.digest LIMIT 5000) x
LEFT JOIN oauth_families f ON f.id = x.family_id`

	countAccessTokens = `SELECT COUNT(*), MAX(x.id), COUNT(CASE WHEN x.revoked_at IS NULL AND x.expires_at > ? AND EXISTS (SELECT 1 FROM oauth_access_tokens t
WHERE t.family_id = x.id AND t.audience IS NULL AND t.revoked_at IS NULL AND t.expires_at > ?) THEN 1 END)
FROM (SELECT f.id, f.expires_at, f.revoked_at FROM oauth_families f WHERE f.id > ? AND f.id < ? ORDER BY f.id LIMIT 5000) x`

	countUnowned = `SELECT COUNT(*), MAX(x.digest), COUNT(CASE WHEN x.begun_at IS NULL AND x.revoked_at IS NULL AND x.expires_at > ? AND x.expires_at > ? THEN 1 END)
FROM (SELECT o.digest, o.expires_at, o.revoked_at, o.begun_at FROM oauth_imported_refresh_tokens o WHERE o.digest > ? AND o.digest < ? ORDER BY o.digest LIMIT 5000) x`

	countCodes = `SELECT COUNT(*), MAX(x.digest), COUNT(CASE WHEN x.spent_at IS NULL AND x.expires_at > ? AND x.expires_at > ? THEN 1 END)
FROM (SELECT k.digest, k.expires_at, k.spent_at FROM oauth_auth_codes k WHERE k.digest > ? AND k.digest < ? ORDER BY k.digest LIMIT 5000) x`

	countImportedClients = `SELECT COUNT(*), COUNT(CASE WHEN m.secret <> '' AND EXISTS (SELECT 1 FROM oauth_client_secrets s
WHERE s.client_id = m.client_id AND s.digest = m.secret AND s.digest LIKE '$%') THEN 1 END) FROM oauth_imported_clients m`
)

// ImportStatus implements [oauth.ImportStore]. It reads in pages, so that no query takes
// long.
func (s *Store) ImportStatus(ctx context.Context, at time.Time) (*oauth.ImportStatus, error) {
	status := new(oauth.ImportStatus)
	err := s.db.Row(ctx, countImportedClients, func(row sqldb.Row) error { return row.Scan(&status.Clients, &status.HashedSecrets) })
	for _, c := range []struct {
		q, from, to string
		n           *int
	}{
		{countRefreshTokens, "imported.", "imported/", &status.RefreshTokens},
		{countAccessTokens, "imported-", "imported.", &status.AccessTokens},
		{countUnowned, "imported.", "imported/", &status.Unowned},
		{countCodes, "imported.", "imported/", &status.Codes},
	} {
		if err == nil {
			*c.n, err = s.countPages(ctx, c.q, c.from, c.to, sqldb.At(at))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("count imported records: %w", err)
	}
	return status, nil
}

func (s *Store) countPages(ctx context.Context, q, from, to string, at int64) (total int, err error) {
	for {
		var read, counted int
		var last string
		err := s.db.Row(ctx, q, func(row sqldb.Row) error { return row.Scan(&read, sqldb.Text{S: &last}, &counted) }, at, at, from, to)
		if err != nil {
			return 0, err
		}
		total, from = total+counted, cmp.Or(last, from)
		if read < importPage {
			return total, nil
		}
	}
}
