package sqlstore

import (
	"context"
	"database/sql"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

const (
	refreshTokenColumns = `r.digest, r.access_token_id, r.scopes, r.attributes, r.expires_at, r.spent_at,
n.digest, n.access_token_id, n.scopes, n.attributes, n.expires_at, n.spent_at`

	selectRefreshToken = `SELECT ` + refreshTokenColumns + `, ` + familyColumns + `, ` + cutAt + `
FROM oauth_refresh_tokens r JOIN oauth_families f ON f.id = r.family_id LEFT JOIN oauth_clients c ON c.id = f.client_id
LEFT JOIN oauth_refresh_tokens n ON n.digest = r.successor
WHERE r.digest = ?`
)

// RefreshToken implements [oauth.TokenStore].
func (s *Store) RefreshToken(ctx context.Context, d oauth.Digest) (*oauth.RefreshToken, error) {
	if !storable(string(d)) {
		return nil, oauth.ErrNotFound
	}
	var found refreshTokenRow
	if err := s.db.Lookup(ctx, selectRefreshToken, func(row sqldb.Row) error { return row.Scan(found.fields(make([]any, 0, mostFields))...) }, func() { found = refreshTokenRow{} }, string(d)); err != nil {
		return nil, err
	}
	return found.record(), nil
}

// refreshTokenRow scans refreshTokenColumns, familyColumns and the time of
// revocation.
type refreshTokenRow struct {
	token, next           oauth.RefreshToken
	digest, accessTokenID sql.NullString // of the successor; NULL if there is none
	family                familyRow
}

// fields appends the scan destinations.
func (r *refreshTokenRow) fields(fields []any) []any {
	t, next := &r.token, &r.next
	fields = append(fields,
		&t.Digest, &t.AccessTokenID, sqldb.List{L: &t.Scopes}, sqldb.Attributes{M: &t.Attributes}, sqldb.Micros{T: &t.ExpiresAt}, sqldb.Micros{T: &t.SpentAt},
		&r.digest, &r.accessTokenID, sqldb.List{L: &next.Scopes}, sqldb.Attributes{M: &next.Attributes}, sqldb.Micros{T: &next.ExpiresAt}, sqldb.Micros{T: &next.SpentAt})
	return r.family.fields(fields)
}

func (r *refreshTokenRow) record() *oauth.RefreshToken {
	t := &r.token
	t.Family = r.family.record()
	if r.digest.Valid {
		r.next.Digest, r.next.AccessTokenID, r.next.Family = oauth.Digest(r.digest.String), r.accessTokenID.String, t.Family
		t.Successor = &r.next
	}
	return t
}
