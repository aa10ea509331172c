package account

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-passport/passport/internal/cookie"
	"github.com/go-passport/passport/internal/secret"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/internal/uuid"
	"github.com/go-passport/passport/oauth"
)

// seenEvery is the precision of a session's last use. A write for each request would
// cost more than the request.
const seenEvery = time.Minute

const (
	selectSession = `SELECT u.id, u.email, u.name, u.disabled_at, u.created_at, u.email_verified_at, CASE WHEN u.password = '' THEN 1 ELSE 0 END, s.id, s.authenticated_at, s.seen_at, s.expires_at
FROM passport_sessions s JOIN passport_users u ON u.id = s.user_id AND u.session_version = s.session_version
WHERE s.digest = ? AND s.ended_at IS NULL AND s.expires_at > ? AND s.seen_at > ? AND u.disabled_at IS NULL`
	selectHalf    = `SELECT ended_at FROM passport_sessions WHERE digest = ? AND ended_at IS NOT NULL`
	selectOwner   = `SELECT id, user_id FROM passport_sessions WHERE digest = ?`
	insertSession = `INSERT INTO passport_sessions (id, digest, user_id, session_version, authenticated_at, seen_at, expires_at, address, device) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
	seeSession    = `UPDATE passport_sessions SET seen_at = ?, address = ?, device = ? WHERE digest = ? AND seen_at < ?`
	markEnded     = `UPDATE passport_sessions SET ended_at = ? WHERE digest = ? AND ended_at IS NULL`
	deleteSession = `DELETE FROM passport_sessions WHERE digest = ?`

	deleteOtherSessions = `DELETE FROM passport_sessions WHERE user_id = ? AND id <> ?`
)

// session is a live browser session.
type session struct {
	id        string
	digest    oauth.Digest
	user      *User
	authAt    time.Time
	seenAt    time.Time
	expiresAt time.Time
}

// session returns the session of the browser that sent r, or [oauth.ErrNotFound].
func (a *Accounts) session(r *http.Request) (*session, error) {
	digest, ok := a.cookies.digest(r)
	if !ok {
		return nil, oauth.ErrNotFound
	}
	now := time.Now()
	s := &session{digest: digest}
	err := a.db.Row(r.Context(), selectSession, func(row sqldb.Row) (err error) {
		s.user, err = scanUser(row, &s.id, sqldb.Micros{T: &s.authAt}, sqldb.Micros{T: &s.seenAt}, sqldb.Micros{T: &s.expiresAt})
		return err
	}, string(digest), sqldb.At(now), sqldb.At(now.Add(-a.config.SessionIdleTTL)))
	if err != nil {
		return nil, fmt.Errorf("find session: %w", err)
	}
	a.see(r, s, now)
	return s, nil
}

// see records the use of a session, so that it does not become idle, and where it is
// used. A failure is only logged: the user stays signed in.
func (a *Accounts) see(r *http.Request, s *session, now time.Time) {
	every := min(seenEvery, a.config.SessionIdleTTL/4)
	if now.Sub(s.seenAt) < every {
		return
	}
	// The statement compares the time again. Otherwise all concurrent requests would
	// write.
	ctx, from := r.Context(), a.origin(r)
	_, err := a.db.Exec(ctx, seeSession, sqldb.At(now), from.address, from.device, string(s.digest), sqldb.At(now.Add(-every))+1)
	if err != nil && ctx.Err() == nil {
		a.log.WarnContext(ctx, "the last use of a session was not stored", "user", a.ref(s.user.ID), "err", err)
	}
}

// open sets a new session cookie for a user who has just signed in. The browser's old
// cookie becomes invalid, which prevents session fixation (ZITADEL CVE-2024-28197).
func (a *Accounts) open(w http.ResponseWriter, r *http.Request, p *proof) error {
	before, err := a.before(r, p.user)
	if err != nil {
		return err
	}
	fresh, cookie := uuid.NewV7(), secret.New()
	err = a.db.Tx(r.Context(), func(ctx context.Context, tx *sqldb.Tx) error {
		id := fresh
		if before != nil {
			// Of two concurrent sign-ins, only the one that deletes the row keeps the
			// ID.
			switch n, err := tx.Exec(ctx, deleteSession, string(before.digest)); {
			case err != nil:
				return err
			case n == 1:
				id = before.id
			}
		}
		if _, err := tx.Exec(ctx, insertSession, a.newSession(r, id, cookie, p.user.ID, p.version)...); err != nil {
			return err
		}
		return p.settle(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("store session: %w", err)
	}
	a.cookies.setSession(w, r, cookie)
	return nil
}

// newSession returns the values of insertSession, for a user who has just entered the
// password.
func (a *Accounts) newSession(r *http.Request, id, cookie, userID string, version int64) []any {
	now, from := time.Now(), a.origin(r)
	return []any{
		id, string(oauth.DigestOf(cookie)), userID, version,
		sqldb.At(now), sqldb.At(now), sqldb.At(now.Add(a.config.SessionTTL)), from.address, from.device,
	}
}

// before returns the browser's previous session if it belongs to u. The new session
// then keeps its ID, because grants are bound to that ID and end with it. Sessions of
// other users end.
func (a *Accounts) before(r *http.Request, u *User) (*session, error) {
	s, err := a.session(r)
	if err != nil && !errors.Is(err, oauth.ErrNotFound) {
		return nil, err
	}
	if err != nil || s.user.ID != u.ID {
		s = nil
	}
	for _, digest := range a.cookies.digests(r) {
		if s != nil && secret.Equal(string(s.digest), string(digest)) {
			continue
		}
		if _, err := a.end(r.Context(), digest); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// end ends the session with a digest, if there is one. It first ends the session for
// the browser, then the grants of the session, and only then deletes it. So a request
// that found the session alive came before the server's cut-off, and a caller that gets
// an error can retry. known reports whether there was a session.
func (a *Accounts) end(ctx context.Context, digest oauth.Digest) (known bool, err error) {
	if _, err := a.db.Exec(ctx, markEnded, sqldb.At(time.Now()), string(digest)); err != nil {
		return false, fmt.Errorf("end session: %w", err)
	}
	return a.finish(ctx, digest)
}

// finish ends the grants of a session that has ended for the browser, and deletes the
// session. known reports whether there was one.
func (a *Accounts) finish(ctx context.Context, digest oauth.Digest) (known bool, err error) {
	ctx = context.WithoutCancel(ctx) // the grants must end even if the browser disconnects now
	var id, userID string
	err = a.db.Row(ctx, selectOwner, func(row sqldb.Row) error { return row.Scan(&id, &userID) }, string(digest))
	if errors.Is(err, oauth.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("find session to end: %w", err)
	}
	if err := a.notify(ctx, func(ctx context.Context, s server) error { return s.EndSession(ctx, a.ref(userID), id) }); err != nil {
		return false, fmt.Errorf("end the session's grants: %w", err)
	}
	if _, err := a.db.Exec(ctx, deleteSession, string(digest)); err != nil {
		return false, fmt.Errorf("delete session: %w", err)
	}
	return true, nil
}

// endOthers changes a user and ends the user's other sessions in one transaction. The
// caller must then notify the server, which ends the grants of these sessions.
func (a *Accounts) endOthers(ctx context.Context, userID, exceptSessionID string, change func(context.Context, *sqldb.Tx) error) error {
	return a.db.Tx(ctx, func(ctx context.Context, tx *sqldb.Tx) error {
		if err := change(ctx, tx); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, deleteOtherSessions, userID, exceptSessionID)
		return err
	})
}

// notify makes the connected server, if there is one, end the grants of ended sessions.
// It continues even if the caller's context is canceled.
func (a *Accounts) notify(ctx context.Context, end func(context.Context, server) error) error {
	server := a.server.Load()
	if server == nil {
		return nil
	}
	return end(context.WithoutCancel(ctx), *server)
}

// halfEnded reports whether the session has ended for the browser while its grants may
// still be alive.
func (a *Accounts) halfEnded(r *http.Request) (bool, error) {
	digest, ok := a.cookies.digest(r)
	if !ok {
		return false, nil
	}
	return a.isHalfEnded(r.Context(), digest)
}

func (a *Accounts) isHalfEnded(ctx context.Context, digest oauth.Digest) (bool, error) {
	var at time.Time
	err := a.db.Row(ctx, selectHalf, scanTime(&at), string(digest))
	if errors.Is(err, oauth.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("find session: %w", err)
	}
	return true, nil
}

// renameCookie sets the session cookie under its current name if the browser has only
// the cookie with the old name. The old cookie stays until the session ends, for nodes
// that only know the old name.
func (a *Accounts) renameCookie(w http.ResponseWriter, r *http.Request) {
	secret, ok := cookie.Secret(r, a.cookies.before)
	if !ok || r.Method != http.MethodGet || len(r.CookiesNamed(a.cookies.session)) > 0 {
		return
	}
	if s, err := a.session(r); err == nil {
		left := a.config.SessionTTL - time.Since(s.authAt)
		a.cookies.set(w, a.cookies.session, secret, max(1, int(left.Seconds())))
	}
}
