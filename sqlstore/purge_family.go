package sqlstore

import "context"

// familySweep selects the families that ended in one way.
type familySweep struct {
	old    string  // selects a page of families that ended so long ago that no request can add to them
	recent []sweep // delete the records of families that ended later than that
}

var (
	revokedFamilies = familiesBy("f.revoked_at")
	expiredFamilies = familiesBy("f.expires_at")
)

// familiesBy returns a familySweep for a column. Its queries consist of constants.
func familiesBy(ended string) familySweep {
	recordsIn := func(key, table, drop string) sweep {
		return sweep{
			find: `SELECT ` + key + ` FROM oauth_families f JOIN ` + table + `.family_id = f.id WHERE ` + ended + ` > ? AND ` + ended + ` <= ? LIMIT 100`,
			drop: drop + page,
		}
	}
	return familySweep{
		old: `SELECT f.id FROM oauth_families f WHERE ` + ended + ` <= ? ORDER BY ` + ended + ` LIMIT 100`,
		recent: []sweep{
			recordsIn("r.digest", "oauth_refresh_tokens r ON r", dropRefreshTokens),
			recordsIn("t.id", "oauth_access_tokens t ON t", dropAccessTokens),
			recordsIn("k.digest", "oauth_auth_codes k ON k", dropCodes),
			recordsIn("u.family_id", "oauth_last_used u ON u", dropLastUsed),
		},
	}
}

// familyRecords delete the records that belong to a page of families.
var familyRecords = []sweep{
	{find: `SELECT r.digest FROM oauth_refresh_tokens r WHERE r.family_id IN ` + page + ` LIMIT 100`, drop: dropRefreshTokens + page},
	{find: `SELECT t.id FROM oauth_access_tokens t WHERE t.family_id IN ` + page + ` LIMIT 100`, drop: dropAccessTokens + page},
	{find: `SELECT k.digest FROM oauth_auth_codes k WHERE k.family_id IN ` + page + ` LIMIT 100`, drop: dropCodes + page},
	{find: `SELECT d.digest FROM oauth_device_codes d WHERE d.family_id IN ` + page + ` LIMIT 100`, drop: dropDevices + page},
	{find: `SELECT u.family_id FROM oauth_last_used u WHERE u.family_id IN ` + page + ` LIMIT 100`, drop: dropLastUsed + page},
}

// emptyFamilies selects the families of a page that have no records. Another node may
// be deleting records at the same time, and may stop half-way.
var emptyFamilies = `SELECT f.id FROM oauth_families f WHERE f.id IN ` + page + `
AND NOT EXISTS (SELECT 1 FROM oauth_refresh_tokens r WHERE r.family_id = f.id)
AND NOT EXISTS (SELECT 1 FROM oauth_access_tokens t WHERE t.family_id = f.id)
AND NOT EXISTS (SELECT 1 FROM oauth_auth_codes k WHERE k.family_id = f.id)
AND NOT EXISTS (SELECT 1 FROM oauth_device_codes d WHERE d.family_id = f.id)
AND NOT EXISTS (SELECT 1 FROM oauth_last_used u WHERE u.family_id = f.id)`

var dropFamilies = `DELETE FROM oauth_families WHERE id IN ` + page

// families deletes the records of ended families. It deletes a family's own row only
// when no running request can add to the family, so that no record is left behind.
// While a family is alive, its spent codes and refresh tokens are kept: they are needed
// to detect a replay.
//
// Families that ended long ago are deleted page by page, with all their records.
// Deleting table by table would scan all ended families for each page.
func (p *purge) families(ctx context.Context, s familySweep, at int64) error {
	err := p.repeat(func() (int, int, error) {
		families, err := p.keys(ctx, s.old, late(at))
		if err != nil || len(families) == 0 {
			return 0, 0, err
		}
		found := len(families)
		families = padded(families)
		for _, records := range familyRecords {
			if err := p.sweep(ctx, records, families...); err != nil {
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
	for _, records := range s.recent {
		if err == nil {
			err = p.sweep(ctx, records, late(at), at)
		}
	}
	return err
}

const abandoned = `SELECT k.family_id FROM oauth_auth_codes k JOIN oauth_families f ON f.id = k.family_id
WHERE k.spent_at IS NULL AND k.expires_at <= ? AND f.expires_at > ? AND f.revoked_at IS NULL ORDER BY k.expires_at LIMIT 100`

var endFamilies = `UPDATE oauth_families SET expires_at = ? WHERE expires_at > ? AND id IN ` + page

// endAbandoned expires families whose code was never redeemed. They will never have
// tokens, and would otherwise be kept as long as a live family.
func (p *purge) endAbandoned(ctx context.Context) error {
	at, ended := late(p.expired), 0
	return p.repeat(func() (int, int, error) {
		if ended >= p.left { // no more than this purge can delete
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
