package sqlstore

import "context"

// familySweep is one way in which families end.
type familySweep struct {
	long   string  // a query for a page of those that ended so long ago that nothing is added to them
	lately []sweep // for what is under those that ended after that
}

var (
	revokedFamilies = familiesBy("f.revoked_at")
	expiredFamilies = familiesBy("f.expires_at")
)

// familiesBy has queries whose text is made of constants.
func familiesBy(ended string) familySweep {
	under := func(key, table, drop string) sweep {
		return sweep{
			find: `SELECT ` + key + ` FROM oauth_families f JOIN ` + table + `.family_id = f.id WHERE ` + ended + ` > ? AND ` + ended + ` <= ? LIMIT 100`,
			drop: drop + page,
		}
	}
	return familySweep{
		long: `SELECT f.id FROM oauth_families f WHERE ` + ended + ` <= ? ORDER BY ` + ended + ` LIMIT 100`,
		lately: []sweep{
			under("r.digest", "oauth_refresh_tokens r ON r", dropRefreshTokens),
			under("t.id", "oauth_access_tokens t ON t", dropAccessTokens),
			under("k.digest", "oauth_auth_codes k ON k", dropCodes),
		},
	}
}

// underFamilies is what belongs to a page of families.
var underFamilies = []sweep{
	{find: `SELECT r.digest FROM oauth_refresh_tokens r WHERE r.family_id IN ` + page + ` LIMIT 100`, drop: dropRefreshTokens + page},
	{find: `SELECT t.id FROM oauth_access_tokens t WHERE t.family_id IN ` + page + ` LIMIT 100`, drop: dropAccessTokens + page},
	{find: `SELECT k.digest FROM oauth_auth_codes k WHERE k.family_id IN ` + page + ` LIMIT 100`, drop: dropCodes + page},
}

// emptyFamilies are those of a page that have nothing left under them. Another
// node may be deleting that at this moment, and may stop before its end.
var emptyFamilies = `SELECT f.id FROM oauth_families f WHERE f.id IN ` + page + `
AND NOT EXISTS (SELECT 1 FROM oauth_refresh_tokens r WHERE r.family_id = f.id)
AND NOT EXISTS (SELECT 1 FROM oauth_access_tokens t WHERE t.family_id = f.id)
AND NOT EXISTS (SELECT 1 FROM oauth_auth_codes k WHERE k.family_id = f.id)`

var dropFamilies = `DELETE FROM oauth_families WHERE id IN ` + page

// families deletes what is under families that have ended, and the families
// themselves when nobody can be adding to them any more: so nothing is left
// behind. While a family lives its spent code and refresh tokens stay, or a
// replay would look like a mistake.
//
// Those that ended long ago go page by page with all that they have. To take the
// tables one after the other would look through all ended families for each page.
func (p *purge) families(ctx context.Context, s familySweep, at int64) error {
	err := p.repeat(func() (int, int, error) {
		families, err := p.keys(ctx, s.long, late(at))
		if err != nil || len(families) == 0 {
			return 0, 0, err
		}
		found := len(families)
		families = padded(families)
		for _, under := range underFamilies {
			if err := p.sweep(ctx, under, families...); err != nil {
				return 0, 0, err
			}
		}
		if p.left <= 0 { // there may be more under them
			return found, 0, nil
		}
		empty, err := p.keys(ctx, emptyFamilies, families...)
		if err != nil {
			return 0, 0, err
		}
		n, err := p.drop(ctx, dropFamilies, empty)
		return found, n, err
	})
	for _, under := range s.lately {
		if err == nil {
			err = p.sweep(ctx, under, late(at), at)
		}
	}
	return err
}

const abandoned = `SELECT k.family_id FROM oauth_auth_codes k JOIN oauth_families f ON f.id = k.family_id
WHERE k.spent_at IS NULL AND k.expires_at <= ? AND f.expires_at > ? AND f.revoked_at IS NULL ORDER BY k.expires_at LIMIT 100`

var endFamilies = `UPDATE oauth_families SET expires_at = ? WHERE expires_at > ? AND id IN ` + page

// endAbandoned lets the families expire whose code was never redeemed. Nothing
// can come of them any more, and they would stand there for as long as those
// that live.
func (p *purge) endAbandoned(ctx context.Context) error {
	at, ended := late(p.expired), 0
	return p.repeat(func() (int, int, error) {
		if ended >= p.left { // as many as this purge can delete
			return 0, 0, nil
		}
		keys, err := p.keys(ctx, abandoned, at, at)
		if err != nil || len(keys) == 0 {
			return 0, 0, err
		}
		found := len(keys)
		n, err := p.store.db.Exec(ctx, endFamilies, append([]any{at, at}, padded(keys)...)...)
		ended += int(n)
		return found, int(n), err
	})
}
