package sqlstore

import (
	"context"
	"fmt"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// On PostgreSQL each statement costs a round trip. So a single statement spends a code
// or refresh token and inserts the new tokens: the conditional UPDATE feeds the two
// INSERTs. If the value is already spent, it inserts nothing. An issuance that starts a
// family, such as for the password grant, is a single statement too: there an INSERT
// feeds the others. Only PostgreSQL uses these statements.
const (
	beginning       = `WITH spent AS (` + insertFamily + ` RETURNING 1)`
	beginningWithin = `WITH spent AS (` + insertFamilyWithin + ` RETURNING 1)`

	spendingCode = `WITH spent AS (UPDATE oauth_auth_codes SET spent_at = ? WHERE digest = ? AND spent_at IS NULL
AND NOT EXISTS (SELECT 1 FROM oauth_families f JOIN oauth_cut_offs x ON ` + cutMatches + `
WHERE f.id = oauth_auth_codes.family_id AND x.unredeemed = 1) RETURNING 1)`

	spendingRefreshToken = `WITH spent AS (UPDATE oauth_refresh_tokens SET spent_at = ?, successor = ? WHERE digest = ? AND spent_at IS NULL RETURNING 1)`

	accessFromSpent = `INSERT INTO oauth_access_tokens (id, digest, family_id, client_id, name, hint, scopes, audience, attributes, issued_at, expires_at)
SELECT CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT),
CAST(? AS BIGINT), CAST(? AS BIGINT) FROM spent`

	refreshFromSpent = `INSERT INTO oauth_refresh_tokens (digest, access_token_id, family_id, scopes, attributes, expires_at)
SELECT CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS BIGINT) FROM spent`

	redeemCode        = spendingCode + `, access AS (` + accessFromSpent + `) ` + refreshFromSpent
	redeemCodeOnly    = spendingCode + ` ` + accessFromSpent
	beginWithTokens   = beginning + `, access AS (` + accessFromSpent + `) ` + refreshFromSpent
	beginWithToken    = beginning + ` ` + accessFromSpent
	beginPersonal     = beginningWithin + ` ` + accessFromSpent
	replaceRefreshing = spendingRefreshToken + `, access AS (` + accessFromSpent + `) ` + refreshFromSpent
)

// atOnce returns the single statement for an issuance, if there is one.
func (s *Store) atOnce(i *oauth.Issuance, access []any) (q string, args []any, ok bool) {
	if s.db.Dialect().Name != sqldb.Postgres.Name || replacesImported(i) {
		return "", nil, false
	}
	switch {
	case i.NewFamily != nil && !beginsAtOnce(i):
		return "", nil, false
	case i.NewFamily != nil && i.RefreshToken == nil:
		first, values := beginFamily(i)
		q, args = beginWithToken, values
		if first == insertFamilyWithin {
			q = beginPersonal
		}
	case i.NewFamily != nil:
		q, args = beginWithTokens, insertedFamily(i.NewFamily)
	case spendsCode(i) && i.RefreshToken == nil:
		q, args = redeemCodeOnly, []any{sqldb.At(i.Time), i.Spends.ID}
	case spendsCode(i):
		q, args = redeemCode, []any{sqldb.At(i.Time), i.Spends.ID}
	case i.Spends.Purpose == oauth.SpendRefreshToken:
		q, args = replaceRefreshing, []any{sqldb.At(i.Time), string(i.RefreshToken.Digest), i.Spends.ID}
	default:
		return "", nil, false
	}
	args = append(args, access...)
	if i.RefreshToken == nil {
		return q, args, true
	}
	refresh, err := insertedRefreshToken(i.RefreshToken)
	return q, append(args, refresh...), err == nil
}

// beginsAtOnce reports whether there is a statement for an issuance that starts a
// family.
func beginsAtOnce(i *oauth.Issuance) bool {
	return i.Spends.Purpose == "" && i.NewFamily.SID == "" && len(i.Consents) == 0 && len(i.Declined) == 0 && (i.PersonalLimit <= 0 || i.RefreshToken == nil)
}

// issueAtOnce runs the statement of atOnce.
func issueAtOnce(ctx context.Context, exec func(context.Context, string, ...any) (int64, error), q string, args []any) error {
	n, err := exec(ctx, q, args...)
	switch {
	case err != nil:
		return fmt.Errorf("save tokens: %w", err)
	case n == 0 && q == beginPersonal:
		return oauth.ErrLimit
	case n == 0:
		return oauth.ErrSpent
	}
	return nil
}

// spendsCode reports whether an issuance uses up a row of oauth_auth_codes.
func spendsCode(i *oauth.Issuance) bool {
	return i.Spends.Purpose == oauth.SpendCode || i.Spends.Purpose == oauth.SpendDeviceCode
}
