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

// lateness is the maximum time between the arrival of a request and its last write.
// Rows that such a request may use are kept that long after they have ended.
const lateness = time.Hour

// purgePage is the number of rows that one transaction of a purge deletes. It is small
// so that other writes don't wait long. The queries repeat the number.
const purgePage = 100

// page is the list of placeholders for a page of keys. Rows are deleted by key, so that
// the database reads and locks only these rows.
var page = `(?` + strings.Repeat(`, ?`, purgePage-1) + `)`

// Purge implements [oauth.Purger]. It works in small transactions, and several nodes
// may purge at the same time. Rows that a running request may still use (used tickets,
// cut-offs, ended families) stay for one more hour.
func (s *Store) Purge(ctx context.Context, ended oauth.PurgeBefore, limit int) (n int, err error) {
	if limit <= 0 {
		return 0, errors.New("sqlstore: Purge needs a positive limit")
	}
	p := purge{store: s, revoked: deadline(ended.Revoked), expired: deadline(ended.Expired), left: limit}
	if err := p.run(ctx); err != nil {
		return limit - p.left, fmt.Errorf("purge: %w", err)
	}
	return limit - p.left, nil
}

// deadline returns t in its stored form. Rows that ended until then are deleted; 0
// means none.
func deadline(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return sqldb.At(t)
}

// late returns the deadline for rows that a late request may still use.
func late(at int64) int64 { return at - lateness.Microseconds() }

type purge struct {
	store            *Store
	revoked, expired int64 // 0: not purged
	importing        bool  // an import may still come
	filling          bool  // the first import runs, or was killed
	left             int   // approximate number of rows that may still be deleted
}

// run settles the cut-offs first, because that sets revoked_at on the families that
// they end.
func (p *purge) run(ctx context.Context) error {
	if err := p.keepRevoked(ctx); err != nil {
		return err
	}
	steps := []func(context.Context) error{p.settleCutOffs}
	if p.revoked != 0 {
		steps = append(steps,
			func(ctx context.Context) error { return p.families(ctx, revokedFamilies, p.revoked) },
			func(ctx context.Context) error { return p.sweep(ctx, revokedAccessTokens, p.revoked) },
			p.withClients, p.consentsOfRevoked, p.clients)
	}
	if p.expired != 0 {
		steps = append(steps, p.endAbandoned,
			func(ctx context.Context) error { return p.families(ctx, expiredFamilies, p.expired) },
			p.oldAccessTokens, p.usedValues,
			func(ctx context.Context) error { return p.sweep(ctx, expiredPendingRequests, p.expired) },
			func(ctx context.Context) error { return p.sweep(ctx, expiredDevices, p.expired) },
			func(ctx context.Context) error { return p.sweep(ctx, expiredImports, late(p.expired)) },
			p.clientSessions,
			func(ctx context.Context) error { return p.sweep(ctx, expiredNotices, p.expired) })
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// repeat runs a step for each page, until a page is not full. It also stops after a
// step without effect: either another node has deleted these rows and continues, or the
// database refuses to delete them and would refuse again.
func (p *purge) repeat(step func() (found, done int, err error)) error {
	for p.left > 0 {
		found, done, err := step()
		if err != nil || done == 0 || found < purgePage {
			return err
		}
	}
	return nil
}

// sweep deletes rows of one kind: a query for a page of keys, and the statement that
// deletes that page.
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

// drop deletes the rows with the keys. args follow the keys in the statement.
func (p *purge) drop(ctx context.Context, q string, keys []any, args ...any) (int, error) {
	if len(keys) == 0 {
		return 0, nil
	}
	n, err := p.store.db.Exec(ctx, q, append(padded(keys), args...)...)
	p.left -= int(n)
	return int(n), err
}

// padded fills a page with its first key, so that one statement text serves all
// pages.
func padded(keys []any) []any {
	for len(keys) < purgePage {
		keys = append(keys, keys[0])
	}
	return keys
}

// clientSessions deletes client sessions that have expired.
func (p *purge) clientSessions(ctx context.Context) error {
	return p.repeat(func() (int, int, error) {
		keys, err := p.keys(ctx, expiredClientSessions.find, p.expired)
		if err != nil {
			return 0, 0, err
		}
		n, err := p.drop(ctx, expiredClientSessions.drop, keys, p.expired)
		return len(keys), n, err
	})
}

const selectUsedValues = `SELECT o.digest FROM oauth_once o WHERE o.keep_until <= ? ORDER BY o.keep_until LIMIT 100`

var dropUsedValues = `DELETE FROM oauth_once WHERE digest IN ` + page + ` AND keep_until <= ?`

// usedValues deletes one-time values that are no longer needed. Values of different
// purposes may have the same digest.
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
