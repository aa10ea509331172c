package account

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/internal/useragent"
	"github.com/go-passport/passport/oauth"
)

// MaxSessions is the maximum number of sessions that [Accounts.Sessions] returns.
const MaxSessions = 100

// Session is a browser in which a user is signed in.
type Session struct {
	// ID is the ID in [oauth.User.SessionID]. It isn't the value of the cookie.
	ID string

	// Device is the browser and the system in words, such as "Firefox on Windows".
	Device string

	// Address is the IP address that the session was last used from. It is empty if it
	// isn't known.
	Address string

	// SignedInAt is when the user last entered the password. LastSeenAt is when the
	// session was last used; it is written at most once a minute. ExpiresAt is when the
	// session ends at the latest.
	SignedInAt, LastSeenAt, ExpiresAt time.Time

	// EndedAt is set if the session has ended for the browser, but not yet for apps,
	// because the connected server failed. End it again.
	EndedAt time.Time
}

const (
	selectSessions = `SELECT s.id, s.device, s.address, s.authenticated_at, s.seen_at, s.expires_at, s.ended_at
FROM passport_sessions s JOIN passport_users u ON u.id = s.user_id AND u.session_version = s.session_version
WHERE s.user_id = ? AND s.expires_at > ? AND s.seen_at > ? ORDER BY s.seen_at DESC, s.id DESC LIMIT ?`
	selectSessionByID = `SELECT digest FROM passport_sessions WHERE id = ? AND user_id = ?`
	selectOthersEnded = `SELECT digest FROM passport_sessions WHERE user_id = ? AND id <> ? AND ended_at IS NOT NULL LIMIT ?`
	markOthersEnded   = `UPDATE passport_sessions SET ended_at = ? WHERE user_id = ? AND id <> ? AND ended_at IS NULL`
)

// origin is where a request came from.
type origin struct{ address, device string }

// origin returns where a request came from. The address is empty if it isn't an IP
// address, such as that of a Unix socket.
func (a *Accounts) origin(r *http.Request) origin {
	address := reqinfo.From(r.Context()).Address
	if address == "" {
		address = a.proxies.Address(r)
	}
	if ip, err := netip.ParseAddr(address); err != nil || ip.Zone() != "" {
		address = ""
	}
	return origin{address, useragent.Browser(r.UserAgent())}
}

// Sessions returns the sessions of an account, at most [MaxSessions]. The session that
// was last used comes first.
func (a *Accounts) Sessions(ctx context.Context, userID string) (sessions []Session, err error) {
	if !sqldb.Storable(userID) {
		return nil, nil
	}
	now := time.Now()
	err = a.db.Each(ctx, selectSessions, func(row sqldb.Row) error {
		var s Session
		var device, address sql.NullString
		err := row.Scan(&s.ID, &device, &address, sqldb.Micros{T: &s.SignedInAt}, sqldb.Micros{T: &s.LastSeenAt},
			sqldb.Micros{T: &s.ExpiresAt}, sqldb.Micros{T: &s.EndedAt})
		s.Device, s.Address = cmp.Or(device.String, useragent.Unknown), address.String
		sessions = append(sessions, s)
		return err
	}, userID, sqldb.At(now), sqldb.At(now.Add(-a.config.SessionIdleTTL)), MaxSessions)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return sessions, nil
}

// EndSession ends one session of an account, as a sign-out in that browser does. It
// returns [oauth.ErrNotFound] if the account has no such session. If the connected server
// fails, the session has ended for the browser nevertheless; call EndSession again.
func (a *Accounts) EndSession(ctx context.Context, userID, sessionID string) error {
	if !sqldb.Storable(userID) || !sqldb.Storable(sessionID) {
		return oauth.ErrNotFound
	}
	var digest string
	err := a.db.Row(ctx, selectSessionByID, func(row sqldb.Row) error { return row.Scan(&digest) }, sessionID, userID)
	if err != nil {
		return fmt.Errorf("find session: %w", err)
	}
	_, err = a.end(ctx, oauth.Digest(digest))
	return err
}

// EndOtherSessions ends all sessions of an account except exceptSessionID, which may be
// empty. One write ends them for the browsers; then the connected server ends what
// depends on each. If the server fails, call EndOtherSessions again.
func (a *Accounts) EndOtherSessions(ctx context.Context, userID, exceptSessionID string) error {
	if !sqldb.Storable(userID) || !sqldb.Storable(exceptSessionID) {
		return oauth.ErrNotFound
	}
	if _, err := a.db.Exec(ctx, markOthersEnded, sqldb.At(time.Now()), userID, exceptSessionID); err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	for {
		var digests []string
		err := a.db.Each(ctx, selectOthersEnded, func(row sqldb.Row) error {
			digests = append(digests, "")
			return row.Scan(&digests[len(digests)-1])
		}, userID, exceptSessionID, MaxSessions)
		if err != nil {
			return fmt.Errorf("find ended sessions: %w", err)
		}
		for _, digest := range digests {
			if _, err := a.finish(ctx, oauth.Digest(digest)); err != nil {
				return err
			}
		}
		if len(digests) < MaxSessions {
			return nil
		}
	}
}
