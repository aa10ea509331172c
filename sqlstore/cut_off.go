package sqlstore

import (
	"context"
	"fmt"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// cutOff is a revocation of many families. It ends stored families, and families that
// are stored concurrently or later but whose request came earlier.
type cutOff struct {
	oauth.FamilyFilter
	at       int64
	consents bool // also withdraw the user's consents for the client
}

const cutOffColumns = `x.provider, x.user_id, x.cut_at, x.client_id, x.session, x.except_session, x.unredeemed, x.ends_with_session, x.keep_personal, x.consents`

// cutMatches is the condition under which the cut-off x ends the family f. Its first
// line is one seek in the primary key. That finds no row in nearly every request, so
// the rest is not evaluated.
const cutMatches = `x.provider = f.provider AND x.user_id = f.user_id AND x.cut_at >= f.created_at
AND (x.client_id = '' OR x.client_id = f.client_id) AND (x.session = '' OR x.session = f.session)
AND (x.except_session = '' OR x.except_session <> f.session)
AND (x.ends_with_session = 0 OR f.ends_with_session = 1) AND (x.keep_personal = 0 OR f.personal = 0)`

// clientCutAt is the time of the revocation of all tokens of the client c of the family
// f. cutByClient is the condition for it.
const (
	cutByClient = `c.id = f.client_id AND c.tokens_not_before >= f.created_at`
	clientCutAt = `CASE WHEN ` + cutByClient + ` THEN c.tokens_not_before END`
)

// The conditions under which a stored family f that is not revoked has not ended
// through its client or a cut-off. Counts for a limit use them. They avoid EXISTS
// because MySQL turns it into a join and may start that join with all clients.
const (
	ofLiveClient = `COALESCE((SELECT 1 FROM oauth_clients c WHERE c.id = f.client_id AND c.revoked_at IS NULL
AND (c.tokens_not_before IS NULL OR c.tokens_not_before < f.created_at)), 0) = 1`
	notCut = `NOT EXISTS (SELECT 1 FROM oauth_cut_offs x WHERE ` + cutMatches + ` AND x.unredeemed = 0)`
)

// The time of a family's revocation: cutAt if it is read with a token, cutCodeAt with a
// code k. Both need the client c. A cut-off of unredeemed codes ends an unredeemed code
// and never a token, because a family with a token has a redeemed code.
const (
	cutAt     = `COALESCE(f.revoked_at, (SELECT MIN(x.cut_at) FROM oauth_cut_offs x WHERE ` + cutMatches + ` AND x.unredeemed = 0), ` + clientCutAt + `)`
	cutCodeAt = `COALESCE(f.revoked_at, (SELECT MIN(x.cut_at) FROM oauth_cut_offs x WHERE ` + cutMatches + `
AND (x.unredeemed = 0 OR k.spent_at IS NULL)), ` + clientCutAt + `)`
)

const (
	// The flags select the conditions. Text is not compared with '' here, because MySQL
	// considers a client named ' ' equal to ''.
	revokeFamilies = `UPDATE oauth_families SET revoked_at = ? WHERE provider = ? AND user_id = ? AND created_at <= ? AND revoked_at IS NULL
AND (? = 0 OR client_id = ?) AND (? = 0 OR session = ?) AND (? = 0 OR session <> ?)
AND (? = 0 OR ends_with_session = 1) AND (? = 0 OR personal = 0)
AND (? = 0 OR EXISTS (SELECT 1 FROM oauth_auth_codes k WHERE k.family_id = oauth_families.id AND k.spent_at IS NULL))`

	insertCutOff = `INSERT INTO oauth_cut_offs
(provider, user_id, cut_at, client_id, session, except_session, unredeemed, ends_with_session, keep_personal, consents)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
)

// until is the time up to which the cut-off ends rows that are already stored: a node
// whose clock is ahead may have stored them. Reads and purges compare with at instead,
// because by then a user may have signed in again.
func (c cutOff) until() int64 { return c.at + oauth.ClockSkew.Microseconds() }

// apply revokes stored families and saves the cut-off for families that are stored
// later. It reports whether anything changed.
func (c cutOff) apply(ctx context.Context, tx *sqldb.Tx) (bool, error) {
	n, err := c.revoke(ctx, tx, c.until())
	if err != nil {
		return false, err
	}
	inserted, err := tx.Insert(ctx, insertCutOff, c.row()...)
	if err != nil {
		return false, fmt.Errorf("save cut-off: %w", err)
	}
	return inserted || n > 0, nil
}

// revoke ends the stored families of requests up to the given time.
func (c cutOff) revoke(ctx context.Context, tx *sqldb.Tx, until int64) (int64, error) {
	n, err := tx.Exec(ctx, revokeFamilies, c.at, c.User.Provider, c.User.ID, until,
		sqldb.Flag(c.ClientID != ""), c.ClientID, sqldb.Flag(c.Session != ""), string(c.Session),
		sqldb.Flag(c.ExceptSession != ""), string(c.ExceptSession), sqldb.Flag(c.EndsWithSession), sqldb.Flag(c.KeepPersonal), sqldb.Flag(c.Unredeemed))
	if err != nil {
		return 0, fmt.Errorf("revoke families: %w", err)
	}
	return n, nil
}

// row returns the cut-off in its stored form, in the order of cutOffColumns.
func (c cutOff) row() []any {
	return []any{
		c.User.Provider, c.User.ID, c.at, c.ClientID, string(c.Session), string(c.ExceptSession),
		sqldb.Flag(c.Unredeemed), sqldb.Flag(c.EndsWithSession), sqldb.Flag(c.KeepPersonal), sqldb.Flag(c.consents),
	}
}

// fields returns the scan destinations for cutOffColumns.
func (c *cutOff) fields() []any {
	return []any{
		&c.User.Provider, &c.User.ID, &c.at, &c.ClientID, &c.Session, &c.ExceptSession,
		sqldb.Bool{B: &c.Unredeemed}, sqldb.Bool{B: &c.EndsWithSession}, sqldb.Bool{B: &c.KeepPersonal}, sqldb.Bool{B: &c.consents},
	}
}
