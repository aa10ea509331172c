package sqlstore

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
)

const (
	unseenPage = `SELECT o.digest, o.created_at, o.begun_at, o.revoked_at FROM oauth_imported_refresh_tokens o WHERE o.digest > ? ORDER BY o.digest LIMIT 5000`

	endUnseen = `UPDATE oauth_imported_refresh_tokens SET revoked_at = ? WHERE digest > ? AND digest <= ? AND created_at < ? AND begun_at IS NULL AND revoked_at IS NULL`
)

// EndUnseen implements [oauth.ImportStore]. It works in pages of the key, so that no
// transaction takes long.
func (s *Store) EndUnseen(ctx context.Context, at time.Time) (total int, err error) {
	for from := ""; ; {
		read, unseen, last := 0, 0, from
		err := s.db.Each(ctx, unseenPage, func(row sqldb.Row) error {
			var createdAt, begunAt, revokedAt time.Time
			err := row.Scan(&last, sqldb.Micros{T: &createdAt}, sqldb.Micros{T: &begunAt}, sqldb.Micros{T: &revokedAt})
			read++
			if createdAt.Before(at) && begunAt.IsZero() && revokedAt.IsZero() {
				unseen++
			}
			return err
		}, from)
		if err != nil {
			return total, fmt.Errorf("find imported refresh tokens: %w", err)
		}
		if unseen > 0 {
			n, err := s.db.Exec(ctx, endUnseen, sqldb.At(at), from, last, sqldb.At(at))
			if err != nil {
				return total, fmt.Errorf("end imported refresh tokens: %w", err)
			}
			total += int(n)
		}
		if read < importPage {
			return total, nil
		}
		from = last
	}
}

const usableTokenIDs = `SELECT t.id FROM oauth_access_tokens t WHERE t.id > ? AND (t.revoked_at IS NULL OR EXISTS (SELECT 1 FROM oauth_refresh_tokens r WHERE r.family_id = t.family_id AND r.access_token_id = t.id AND r.spent_at IS NULL))
AND NOT EXISTS (SELECT 1 FROM oauth_families f WHERE f.id = t.family_id AND f.revoked_at IS NOT NULL) ORDER BY t.id LIMIT 5000`

// UsableTokenIDs implements [oauth.ImportStore].
func (s *Store) UsableTokenIDs(ctx context.Context, after string) (ids []string, err error) {
	err = s.db.Each(ctx, usableTokenIDs, func(row sqldb.Row) error {
		var id string
		err := row.Scan(&id)
		ids = append(ids, id)
		return err
	}, after)
	if err != nil {
		return nil, fmt.Errorf("list access tokens: %w", err)
	}
	return ids, nil
}

// spendImported spares refresh tokens of this server: the digest of an imported one has a
// mark.
var spendImported = `UPDATE oauth_refresh_tokens SET spent_at = ? WHERE spent_at IS NULL AND digest > 'imported.' AND digest < 'imported/' AND family_id IN ` + page

// SpendImported implements [oauth.ImportStore].
func (s *Store) SpendImported(ctx context.Context, familyIDs []string, at time.Time) error {
	for some := range slices.Chunk(familyIDs, purgePage) {
		keys := make([]any, 0, purgePage)
		for _, id := range some {
			if !storable(id) {
				return errNotImportable
			}
			keys = append(keys, id)
		}
		if _, err := s.db.Exec(ctx, spendImported, append([]any{sqldb.At(at)}, padded(keys)...)...); err != nil {
			return fmt.Errorf("spend imported refresh tokens: %w", err)
		}
	}
	return nil
}
