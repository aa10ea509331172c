package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// lateness is the longest that a request may take between the moment at which
// it comes in and its last write. What such a request could still meet is kept
// for that long after it has ended.
const lateness = time.Hour

// purgePage is how many rows one transaction of a purge deletes: nobody waits
// long for it. The queries say it too.
const purgePage = 100

// sweep is one kind of rows that have ended: a query for the keys of a page of
// them, and the statement that deletes a page.
type sweep struct {
	find, drop string
	revoked    bool // of what was revoked, rather than of what expired
	late       bool // ended for longer than a request can be late
}

// Families go last, after all that is under them, and only when nobody can be
// adding to them any more: so nothing is left behind. While a family lives its
// spent code and refresh tokens stay, or a replay would look like a mistake.
var sweeps = []sweep{
	{find: `SELECT r.digest` + ofEnded("oauth_refresh_tokens r", "r", "f.revoked_at"), drop: dropRefreshTokens, revoked: true},
	{find: `SELECT r.digest` + ofEnded("oauth_refresh_tokens r", "r", "f.expires_at"), drop: dropRefreshTokens},
	{find: `SELECT t.id` + ofEnded("oauth_access_tokens t", "t", "f.revoked_at"), drop: dropAccessTokens, revoked: true},
	{find: `SELECT t.id` + ofEnded("oauth_access_tokens t", "t", "f.expires_at"), drop: dropAccessTokens},
	{find: `SELECT k.digest` + ofEnded("oauth_auth_codes k", "k", "f.revoked_at"), drop: dropCodes, revoked: true},
	{find: `SELECT k.digest` + ofEnded("oauth_auth_codes k", "k", "f.expires_at"), drop: dropCodes},
	{find: endedFamilies("f.revoked_at"), drop: dropFamilies, revoked: true, late: true},
	{find: endedFamilies("f.expires_at"), drop: dropFamilies, late: true},
	{find: `SELECT t.id FROM oauth_access_tokens t WHERE t.revoked_at <= ? ORDER BY t.revoked_at LIMIT 100`, drop: dropAccessTokens, revoked: true},
	{find: `SELECT o.digest FROM oauth_once o WHERE o.keep_until <= ? ORDER BY o.keep_until LIMIT 100`, drop: dropOnce, late: true},
}

// ofEnded is the part of a query that finds what is under ended families. The
// text is made of constants.
func ofEnded(table, alias, ended string) string {
	return ` FROM oauth_families f JOIN ` + table + ` ON ` + alias + `.family_id = f.id WHERE ` + ended + ` <= ? LIMIT 100`
}

func endedFamilies(ended string) string {
	return `SELECT f.id FROM oauth_families f WHERE ` + ended + ` <= ?
AND NOT EXISTS (SELECT 1 FROM oauth_refresh_tokens r WHERE r.family_id = f.id)
AND NOT EXISTS (SELECT 1 FROM oauth_access_tokens t WHERE t.family_id = f.id)
AND NOT EXISTS (SELECT 1 FROM oauth_auth_codes k WHERE k.family_id = f.id) LIMIT 100`
}

// What a page of keys stands for is deleted by key, so that no database reads,
// or locks, more than that.
var (
	page              = `(?` + strings.Repeat(`, ?`, purgePage-1) + `)`
	dropRefreshTokens = `DELETE FROM oauth_refresh_tokens WHERE digest IN ` + page
	dropAccessTokens  = `DELETE FROM oauth_access_tokens WHERE id IN ` + page
	dropCodes         = `DELETE FROM oauth_auth_codes WHERE digest IN ` + page
	dropFamilies      = `DELETE FROM oauth_families WHERE id IN ` + page
	dropOnce          = `DELETE FROM oauth_once WHERE digest IN ` + page + ` AND keep_until <= ?`
	dropOrphans       = `DELETE FROM oauth_refresh_tokens WHERE family_id IN ` + page
	endFamilies       = `UPDATE oauth_families SET expires_at = ? WHERE expires_at > ? AND id IN ` + page
)

// Purge implements [oauth.Purger]. It works in small transactions; several
// nodes may purge at once. Rows that a request in flight could still meet (used
// tickets, cut-offs, ended families themselves) stay for an hour more.
func (s *Store) Purge(ctx context.Context, ended oauth.PurgeBefore, limit int) (n int, err error) {
	if limit <= 0 {
		return 0, errors.New("sqlstore: a purge needs a limit")
	}
	p := purge{store: s, revoked: deadline(ended.Revoked), expired: deadline(ended.Expired), left: limit}
	if err := p.run(ctx); err != nil {
		return limit - p.left, fmt.Errorf("purge: %w", err)
	}
	return limit - p.left, nil
}

// deadline is the time before which something ended, or 0 for never.
func deadline(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return sqldb.At(t)
}

// late is a deadline for what a late request can still meet.
func late(at int64) int64 { return at - lateness.Microseconds() }

type purge struct {
	store            *Store
	revoked, expired int64 // 0: not these
	left             int   // how many rows more may be deleted, about
}

func (p *purge) run(ctx context.Context) error {
	if err := p.settleCutOffs(ctx); err != nil {
		return err
	}
	if p.expired != 0 {
		if err := p.endAbandoned(ctx); err != nil {
			return err
		}
	}
	for _, s := range sweeps {
		if err := p.sweep(ctx, s); err != nil {
			return err
		}
	}
	if p.expired == 0 {
		return nil
	}
	return p.oldAccessTokens(ctx)
}

func (p *purge) sweep(ctx context.Context, s sweep) error {
	at := p.expired
	if s.revoked {
		at = p.revoked
	}
	if at == 0 {
		return nil
	}
	if s.late {
		at = late(at)
	}
	for p.left > 0 {
		keys, err := p.keys(ctx, s.find, at)
		if err != nil || len(keys) == 0 {
			return err
		}
		args := padded(keys)
		if s.drop == dropOnce {
			args = append(args, at)
		}
		n, err := p.store.db.Exec(ctx, s.drop, args...)
		if err != nil {
			return err
		}
		p.left -= int(n)
		if len(keys) < purgePage {
			return nil
		}
	}
	return nil
}

// keys reads a page of keys.
func (p *purge) keys(ctx context.Context, q string, args ...any) (keys []any, err error) {
	err = p.store.db.Each(ctx, q, func(rows *sql.Rows) error {
		var key string
		err := rows.Scan(&key)
		keys = append(keys, key)
		return err
	}, args...)
	return keys, err
}

// padded fills a page up with its first key, so that one text serves all.
func padded(keys []any) []any {
	for len(keys) < purgePage {
		keys = append(keys, keys[0])
	}
	return keys
}

const abandoned = `SELECT k.family_id FROM oauth_auth_codes k JOIN oauth_families f ON f.id = k.family_id
WHERE k.spent_at IS NULL AND k.expires_at <= ? AND f.expires_at > ? AND f.revoked_at IS NULL ORDER BY k.expires_at LIMIT 100`

// endAbandoned lets the families expire whose code was never redeemed. Nothing
// can come of them any more, and they would stand there for as long as those
// that live.
func (p *purge) endAbandoned(ctx context.Context) error {
	at := late(p.expired)
	for done := 0; done < p.left; done += purgePage {
		keys, err := p.keys(ctx, abandoned, at, at)
		if err != nil || len(keys) == 0 {
			return err
		}
		if _, err := p.store.db.Exec(ctx, endFamilies, append([]any{at, at}, padded(keys)...)...); err != nil {
			return err
		}
	}
	return nil
}
