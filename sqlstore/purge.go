package sqlstore

import (
	"context"
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

// page stands for the keys of a page of rows. They are deleted by key, so that no
// database reads, or locks, more than that.
var page = `(?` + strings.Repeat(`, ?`, purgePage-1) + `)`

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

// deadline is the time until which something ended, or 0 for never.
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

// run settles the cut-offs first: what they end has been revoked.
func (p *purge) run(ctx context.Context) error {
	steps := []func(context.Context) error{p.settleCutOffs}
	if p.revoked != 0 {
		steps = append(steps,
			func(ctx context.Context) error { return p.families(ctx, revokedFamilies, p.revoked) },
			func(ctx context.Context) error { return p.sweep(ctx, revokedAccessTokens, p.revoked) })
	}
	if p.expired != 0 {
		steps = append(steps, p.endAbandoned,
			func(ctx context.Context) error { return p.families(ctx, expiredFamilies, p.expired) },
			p.oldAccessTokens, p.usedValues)
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// repeat takes a step for each page, until one finds less than a page of rows. A
// step that could do nothing about a page is the last one: another node was
// faster, and goes on with it, or the database does not let the rows go, and
// would not the next time.
func (p *purge) repeat(step func() (found, done int, err error)) error {
	for p.left > 0 {
		found, done, err := step()
		if err != nil || done == 0 || found < purgePage {
			return err
		}
	}
	return nil
}

// sweep is one kind of rows: a query for the keys of a page of them, and the
// statement that deletes a page.
type sweep struct{ find, drop string }

const (
	dropRefreshTokens = `DELETE FROM oauth_refresh_tokens WHERE digest IN `
	dropAccessTokens  = `DELETE FROM oauth_access_tokens WHERE id IN `
	dropCodes         = `DELETE FROM oauth_auth_codes WHERE digest IN `
)

var revokedAccessTokens = sweep{
	find: `SELECT t.id FROM oauth_access_tokens t WHERE t.revoked_at <= ? ORDER BY t.revoked_at LIMIT 100`,
	drop: dropAccessTokens + page,
}

func (p *purge) sweep(ctx context.Context, s sweep, args ...any) error {
	return p.repeat(func() (int, int, error) {
		keys, err := p.keys(ctx, s.find, args...)
		if err != nil {
			return 0, 0, err
		}
		n, err := p.drop(ctx, s.drop, keys)
		return len(keys), n, err
	})
}

// keys reads a page of keys.
func (p *purge) keys(ctx context.Context, q string, args ...any) (keys []any, err error) {
	err = p.store.db.Each(ctx, q, func(row sqldb.Row) error {
		var key string
		err := row.Scan(&key)
		keys = append(keys, key)
		return err
	}, args...)
	return keys, err
}

// drop deletes what the keys stand for. args follow them in the statement.
func (p *purge) drop(ctx context.Context, q string, keys []any, args ...any) (int, error) {
	if len(keys) == 0 {
		return 0, nil
	}
	n, err := p.store.db.Exec(ctx, q, append(padded(keys), args...)...)
	p.left -= int(n)
	return int(n), err
}

// padded fills a page up with its first key, so that one text serves all.
func padded(keys []any) []any {
	for len(keys) < purgePage {
		keys = append(keys, keys[0])
	}
	return keys
}

const selectUsedValues = `SELECT o.digest FROM oauth_once o WHERE o.keep_until <= ? ORDER BY o.keep_until LIMIT 100`

var dropUsedValues = `DELETE FROM oauth_once WHERE digest IN ` + page + ` AND keep_until <= ?`

// usedValues deletes one-time values that need not be known any more. Those of
// several purposes may have the same digest.
func (p *purge) usedValues(ctx context.Context) error {
	at := late(p.expired)
	return p.repeat(func() (int, int, error) {
		keys, err := p.keys(ctx, selectUsedValues, at)
		if err != nil {
			return 0, 0, err
		}
		n, err := p.drop(ctx, dropUsedValues, keys, at)
		return len(keys), n, err
	})
}
