package sqlstore

import (
	"context"
	"database/sql"
)

const (
	selectOldAccessTokens = `SELECT t.id, CASE WHEN f.id IS NULL THEN t.family_id END,
(SELECT MAX(r.expires_at) FROM oauth_refresh_tokens r WHERE r.family_id = t.family_id AND r.access_token_id = t.id AND r.spent_at IS NULL)
FROM (SELECT t.id, t.family_id, t.keep_until FROM oauth_access_tokens t WHERE t.keep_until <= ? ORDER BY t.keep_until LIMIT 100) t
LEFT JOIN oauth_families f ON f.id = t.family_id`

	keepAccessToken = `UPDATE oauth_access_tokens SET keep_until = ? WHERE id = ?`

	selectUnkept = `SELECT t.id FROM oauth_access_tokens t WHERE t.keep_until IS NULL LIMIT 100`
)

var keepAccessTokens = `UPDATE oauth_access_tokens SET keep_until = expires_at WHERE keep_until IS NULL AND id IN ` + page

// oldAccessToken is one that has expired.
type oldAccessToken struct {
	id      string
	missing sql.NullString // its family, where that is not there
	refresh sql.NullInt64  // when the refresh token ends that was issued with it
}

// oldAccessTokens deletes access tokens by age, but for those whose refresh
// token can be used: they stand for it in the lists that users see. Such a one
// is looked at again when the refresh token has expired too. Each is looked at
// once or twice, so this is where a refresh token whose family is missing is
// found as well.
func (p *purge) oldAccessTokens(ctx context.Context) error {
	if err := p.fillIn(ctx); err != nil {
		return err
	}
	for p.left > 0 {
		var old []oldAccessToken
		err := p.store.db.Each(ctx, selectOldAccessTokens, func(rows *sql.Rows) error {
			var t oldAccessToken
			err := rows.Scan(&t.id, &t.missing, &t.refresh)
			old = append(old, t)
			return err
		}, p.expired)
		if err != nil || len(old) == 0 {
			return err
		}
		if err := p.forget(ctx, old); err != nil || len(old) < purgePage {
			return err
		}
	}
	return nil
}

func (p *purge) forget(ctx context.Context, old []oldAccessToken) error {
	var gone, missing []any
	for _, t := range old {
		switch {
		case t.missing.Valid:
			gone, missing = append(gone, t.id), append(missing, t.missing.String)
		case t.refresh.Int64 > p.expired:
			if _, err := p.store.db.Exec(ctx, keepAccessToken, t.refresh.Int64, t.id); err != nil {
				return err
			}
		default:
			gone = append(gone, t.id)
		}
	}
	if err := p.drop(ctx, dropOrphans, missing); err != nil {
		return err
	}
	return p.drop(ctx, dropAccessTokens, gone)
}

func (p *purge) drop(ctx context.Context, q string, keys []any) error {
	if len(keys) == 0 {
		return nil
	}
	n, err := p.store.db.Exec(ctx, q, padded(keys)...)
	p.left -= int(n)
	return err
}

// fillIn completes the rows of a version that did not know keep_until, which may
// still run beside this one.
func (p *purge) fillIn(ctx context.Context) error {
	for {
		keys, err := p.keys(ctx, selectUnkept)
		if err != nil || len(keys) == 0 {
			return err
		}
		if _, err := p.store.db.Exec(ctx, keepAccessTokens, padded(keys)...); err != nil {
			return err
		}
	}
}
