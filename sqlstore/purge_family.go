package sqlstore

import "context"

// familySweep is a way in which families end.
type familySweep struct {
	long   string  // a query for a page of families that ended so long ago that no request adds to them
	lately []sweep // deletes the records of families that ended later than that
}

var (
	revokedFamilies = familiesBy("f.revoked_at")
	expiredFamilies = familiesBy("f.expires_at")
)

// familiesBy returns a familySweep. The text of its queries consists of constants.
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

// underFamilies are the records that belong to a page of families.
var underFamilies = []sweep{
	{find: `SELECT r.digest FROM oauth_refresh_tokens r WHERE r.family_id IN ` + page + ` LIMIT 100`, drop: dropRefreshTokens + page},
	{find: `SELECT t.id FROM oauth_access_tokens t WHERE t.family_id IN ` + page + ` LIMIT 100`, drop: dropAccessTokens + page},
	{find: `SELECT k.digest FROM oauth_auth_codes k WHERE k.family_id IN ` + page + ` LIMIT 100`, drop: dropCodes + page},
}

// emptyFamilies selects the families of a page without any records. Another node
// may be deleting records at the same time, and may stop half-way.
var emptyFamilies = `SELECT f.id FROM oauth_families f WHERE f.id IN ` + page + `
AND NOT EXISTS (SELECT 1 FROM oauth_refresh_tokens r WHERE r.family_id = f.id)
AND NOT EXISTS (SELECT 1 FROM oauth_access_tokens t WHERE t.family_id = f.id)
AND NOT EXISTS (SELECT 1 FROM oauth_auth_codes k WHERE k.family_id = f.id)`

var dropFamilies = `DELETE FROM oauth_families WHERE id IN ` + page

// families deletes the records of ended families. It deletes a family itself once
// no pending request can add to it, so that no record is left behind. While a
// family lives, its spent codes and refresh tokens are kept: they are needed to
// detect a replay.
//
// Families that ended long ago are deleted page by page, with all their records.
// Going table by table would scan all ended families for each page.
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
		if p.left <= 0 { // there may be more records
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

// endAbandoned lets families expire whose code was never redeemed. They will never
// get tokens, and would otherwise be kept as long as a living family.
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
