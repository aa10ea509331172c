package account

import (
	"context"
	"fmt"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

const (
	selectExpired = `SELECT digest FROM passport_sessions WHERE expires_at <= ? ORDER BY expires_at LIMIT ?`
	selectIdle    = `SELECT digest FROM passport_sessions WHERE seen_at <= ? ORDER BY seen_at LIMIT ?`

	// markOver checks again: the session may have been used since the SELECT.
	markOver = `UPDATE passport_sessions SET ended_at = ? WHERE digest = ? AND ended_at IS NULL AND (expires_at <= ? OR seen_at <= ?)`

	purgeAttempts = `DELETE FROM passport_sign_in_attempts WHERE id IN (SELECT id FROM (
  SELECT id FROM passport_sign_in_attempts WHERE keep_until < ? ORDER BY id LIMIT ?) x)`
)

const purgeLinks = `DELETE FROM passport_account_links WHERE digest IN (SELECT digest FROM (
  SELECT digest FROM passport_account_links WHERE expires_at < ? ORDER BY expires_at LIMIT ?) x)`

// Purge ends sessions that have reached SessionTTL or SessionIdleTTL, and tells the
// connected server, which ends what depends on these sessions. It also deletes the
// counts of sign-in attempts, and the links, that expired before ended.Expired. If ended.Expired is
// zero, Purge does nothing. It deletes about limit rows of each kind at most and
// returns their number. Call it until that is 0.
func (a *Accounts) Purge(ctx context.Context, ended oauth.PurgeBefore, limit int) (int, error) {
	if ended.Expired.IsZero() {
		return 0, nil
	}
	now := time.Now()
	over := 0
	for _, q := range []struct {
		text string
		at   time.Time
	}{{selectExpired, now}, {selectIdle, now.Add(-a.config.SessionIdleTTL)}} {
		n, err := a.endSessions(ctx, q.text, q.at, limit, now)
		over += n
		if err != nil {
			return over, err
		}
	}
	for _, q := range []string{purgeAttempts, purgeLinks} {
		n, err := a.db.Exec(ctx, q, sqldb.At(ended.Expired), limit)
		over += int(n)
		if err != nil {
			return over, fmt.Errorf("purge sign-in attempts and links: %w", err)
		}
	}
	return over, nil
}

// endSessions ends the sessions that a query selects, and returns their number.
func (a *Accounts) endSessions(ctx context.Context, q string, at time.Time, limit int, now time.Time) (n int, err error) {
	var digests []oauth.Digest
	err = a.db.Each(ctx, q, func(row sqldb.Row) error {
		var d string
		err := row.Scan(&d)
		digests = append(digests, oauth.Digest(d))
		return err
	}, sqldb.At(at), limit)
	if err != nil {
		return 0, fmt.Errorf("find sessions to end: %w", err)
	}
	for _, d := range digests {
		if err := ctx.Err(); err != nil {
			return n, fmt.Errorf("end sessions: %w", err)
		}
		ended, err := a.endIfOver(ctx, d, now)
		if err != nil {
			return n, err
		}
		if ended {
			n++
		}
	}
	return n, nil
}

// endIfOver ends a session that is expired or idle. It also completes an end that
// stopped half-way.
func (a *Accounts) endIfOver(ctx context.Context, d oauth.Digest, now time.Time) (bool, error) {
	marked, err := a.db.Exec(ctx, markOver, sqldb.At(now), string(d), sqldb.At(now), sqldb.At(now.Add(-a.config.SessionIdleTTL)))
	if err != nil {
		return false, fmt.Errorf("end session: %w", err)
	}
	if marked == 0 {
		if half, err := a.isHalfEnded(ctx, d); err != nil || !half {
			return false, err
		}
	}
	_, err = a.finish(ctx, d)
	return true, err
}
