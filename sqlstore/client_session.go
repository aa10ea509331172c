package sqlstore

import (
	"context"
	"fmt"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

const (
	insertClientSession = `INSERT INTO oauth_client_sessions (provider, user_id, session, client_id, sid, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)`

	// The client may have a sid for the session. The row is locked then until the
	// transaction ends, so that no verb deletes it before the family has its sid.
	saveClientSession = insertClientSession + ` ON CONFLICT (provider, user_id, session, client_id) DO UPDATE
SET expires_at = CASE WHEN excluded.expires_at > oauth_client_sessions.expires_at THEN excluded.expires_at ELSE oauth_client_sessions.expires_at END`

	saveClientSessionMySQL = insertClientSession + ` ON DUPLICATE KEY UPDATE expires_at = GREATEST(expires_at, VALUES(expires_at))`

	selectSID = `SELECT s.sid FROM oauth_client_sessions s WHERE s.provider = ? AND s.user_id = ? AND s.session = ? AND s.client_id = ?`

	// The sid is the last value. It comes from the row that the transaction has just saved.
	// If that row is new, a snapshot of PostgreSQL may also have the one that was deleted
	// meanwhile.
	insertFamilyInSession = insertIntoFamilies + `SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, s.sid
FROM oauth_client_sessions s WHERE s.provider = ? AND s.user_id = ? AND s.session = ? AND s.client_id = ?
ORDER BY CASE WHEN s.sid = ? THEN 0 ELSE 1 END LIMIT 1`
)

// beginSession saves the client session of a new family, if it has one. It returns the
// statement and the values that insert the family with the sid of the client session.
func (s *Store) beginSession(ctx context.Context, tx *sqldb.Tx, f *oauth.Family) (q string, row []any, err error) {
	row = insertedFamily(f)
	if f.SID == "" {
		return insertFamily, row, nil
	}
	_, err = tx.Exec(ctx, s.form(saveClientSession, saveClientSessionMySQL), f.User.Provider, f.User.ID, string(f.Session), f.ClientID, f.SID, sqldb.At(f.CreatedAt), sqldb.At(f.ExpiresAt))
	if err != nil {
		return "", nil, fmt.Errorf("save client session: %w", err)
	}
	if f.Session == "" { // the client does not know the sid
		row[len(row)-1] = nil
		return insertFamily, row, nil
	}
	return insertFamilyInSession, append(row[:len(row)-1], f.User.Provider, f.User.ID, string(f.Session), f.ClientID, f.SID), nil
}

// SID implements [oauth.LogoutStore].
func (s *Store) SID(ctx context.Context, user oauth.UserRef, session oauth.Digest, clientID string) (sid string, err error) {
	if session == "" || !storable(user.Provider, user.ID, string(session), clientID) {
		return "", oauth.ErrNotFound
	}
	err = s.db.Row(ctx, selectSID, func(row sqldb.Row) error { return row.Scan(&sid) }, user.Provider, user.ID, string(session), clientID)
	return sid, err
}

// The flags select the conditions, as in revokeFamilies.
const endedSession = `provider = ? AND user_id = ? AND created_at <= ?
AND (? = 0 OR client_id = ?) AND (? = 0 OR session = ?) AND (? = 0 OR session <> ?)`

const (
	deleteClientSessions = `DELETE FROM oauth_client_sessions WHERE ` + endedSession

	// The first flag says that all sessions of the user end: then one notice without a
	// sid serves all of them, unless the client needs a sid. A client does not know the sid
	// of sign-ins without a session. The ID of a notice is its
	// sid, so that two calls at the same time don't store it twice. The ID of a notice
	// for all sessions is shorter by one character, so that it is never a sid.
	insertNotices = `INSERT INTO oauth_logout_notices (id, client_id, provider, user_id, sid, created_at, next_at, expires_at, tries)
SELECT CASE WHEN x.told = '' THEN SUBSTR(MIN(x.sid), 2) ELSE MIN(x.sid) END, x.client_id, x.provider, x.user_id, x.told, ?, ?, ?, 0 FROM (
SELECT s.client_id, s.provider, s.user_id, s.sid, CASE WHEN s.session = '' OR ? = 1 AND c.backchannel = 0 THEN '' ELSE s.sid END AS told
FROM (SELECT client_id, provider, user_id, session, sid FROM oauth_client_sessions WHERE ` + endedSession + `) s
JOIN oauth_clients c ON c.id = s.client_id WHERE c.backchannel IS NOT NULL AND c.revoked_at IS NULL) x
GROUP BY x.client_id, x.provider, x.user_id, x.told`

	insertNewNotices = insertNotices + ` ON CONFLICT DO NOTHING`

	insertNewNoticesMySQL = insertNotices + ` ON DUPLICATE KEY UPDATE tries = oauth_logout_notices.tries`
)

// endSessions deletes the client sessions that the cut-off ends, and stores the notices
// about them. The cut-offs of families have been applied. They are applied once more after a
// deletion, because that waits for a sign-in that extends a client session: its family
// would live on, and its client would never be told.
func (s *Store) endSessions(ctx context.Context, tx *sqldb.Tx, c cutOff, families ...cutOff) error {
	if c.Unredeemed || c.EndsWithSession {
		return nil
	}
	q := s.form(insertNewNotices, insertNewNoticesMySQL)
	ended := []any{
		c.User.Provider, c.User.ID, c.until(), sqldb.Flag(c.ClientID != ""), c.ClientID,
		sqldb.Flag(c.Session != ""), string(c.Session), sqldb.Flag(c.ExceptSession != ""), string(c.ExceptSession),
	}
	all := sqldb.Flag(c.Session == "" && c.ExceptSession == "")
	if _, err := tx.Exec(ctx, q, append([]any{c.at, c.at, c.at + oauth.LogoutNoticeTTL.Microseconds(), all}, ended...)...); err != nil {
		return fmt.Errorf("save logout notices: %w", err)
	}
	n, err := tx.Exec(ctx, deleteClientSessions, ended...)
	if err != nil {
		return fmt.Errorf("delete client sessions: %w", err)
	}
	if n == 0 {
		return nil
	}
	for _, f := range families {
		if _, err := f.revoke(ctx, tx, f.until()); err != nil {
			return err
		}
	}
	return nil
}

// expiredClientSessions compares the time again when it deletes, because a sign-in may
// have extended a client session in between.
var expiredClientSessions = sweep{
	find: `SELECT s.sid FROM oauth_client_sessions s WHERE s.expires_at <= ? ORDER BY s.expires_at LIMIT 100`,
	drop: `DELETE FROM oauth_client_sessions WHERE sid IN ` + page + ` AND expires_at <= ?`,
}
