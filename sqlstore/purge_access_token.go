package sqlstore

import (
	"context"
	"database/sql"
	"strings"

	"github.com/go-passport/passport/internal/sqldb"
)

// Expired access tokens, and access tokens that were kept after they expired.
var (
	selectExpiredTokens = oldAccessTokens(`t.keep_until IS NULL AND t.expires_at <= ? ORDER BY t.expires_at`)
	selectKeptTokens    = oldAccessTokens(`t.keep_until <= ? ORDER BY t.keep_until`)

	keepAccessTokens = `UPDATE oauth_access_tokens SET keep_until = CASE id` + strings.Repeat(` WHEN ? THEN ?`, purgePage) +
		` ELSE keep_until END WHERE id IN ` + page

	dropOrphans = `DELETE FROM oauth_refresh_tokens WHERE family_id IN ` + page
)

func oldAccessTokens(which string) string {
	return `SELECT t.id, CASE WHEN f.id IS NULL THEN t.family_id END,
(SELECT MAX(r.expires_at) FROM oauth_refresh_tokens r WHERE r.family_id = t.family_id AND r.access_token_id = t.id AND r.spent_at IS NULL)
FROM (SELECT t.id, t.family_id FROM oauth_access_tokens t WHERE ` + which + ` LIMIT 100) t
LEFT JOIN oauth_families f ON f.id = t.family_id`
}

// oldAccessTokens deletes expired access tokens, except those whose refresh token still
// works: these represent the refresh token in the lists that users see. They are
// examined again after the refresh token has expired, whether it was used or not. Each
// token is examined once or twice, so this step also finds refresh tokens without a
// family. It waits for the first import, which stores access tokens before refresh tokens.
func (p *purge) oldAccessTokens(ctx context.Context) error {
	if p.filling {
		return nil
	}
	for _, q := range []string{selectExpiredTokens, selectKeptTokens} {
		err := p.repeat(func() (int, int, error) {
			var old oldTokens
			if err := p.store.db.Each(ctx, q, func(row sqldb.Row) error { return old.scan(row, p.expired) }, p.expired); err != nil {
				return 0, 0, err
			}
			n, err := p.forget(ctx, old)
			return old.found, n, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// oldTokens is a page of access tokens to examine.
type oldTokens struct {
	found   int
	gone    []any // IDs to delete
	missing []any // families that some of them name but that don't exist
	kept    []any // IDs to keep
	until   []any // for each of kept, when its refresh token expires
}

func (o *oldTokens) scan(row sqldb.Row, expired int64) error {
	var id string
	var family sql.NullString
	var refresh sql.NullInt64
	if err := row.Scan(&id, &family, &refresh); err != nil {
		return err
	}
	o.found++
	if !family.Valid && refresh.Int64 > expired {
		o.kept, o.until = append(o.kept, id), append(o.until, refresh.Int64)
		return nil
	}
	if o.gone = append(o.gone, id); family.Valid {
		o.missing = append(o.missing, family.String)
	}
	return nil
}

// forget deletes or postpones the tokens of a page. It returns the number of tokens
// that it has handled.
func (p *purge) forget(ctx context.Context, old oldTokens) (int, error) {
	if _, err := p.drop(ctx, dropOrphans, old.missing); err != nil {
		return 0, err
	}
	n, err := p.drop(ctx, dropAccessTokens+page, old.gone)
	if err != nil || len(old.kept) == 0 {
		return n, err
	}
	var args []any
	kept, until := padded(old.kept), padded(old.until)
	for i := range kept {
		args = append(args, kept[i], until[i])
	}
	postponed, err := p.store.db.Exec(ctx, keepAccessTokens, append(args, kept...)...)
	return n + int(postponed), err
}
