package sqlstore

import (
	"context"
	"database/sql"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

const selectRefreshToken = `SELECT r.digest, r.access_token_id, r.scopes, r.attributes, r.expires_at, r.spent_at,
n.digest, n.access_token_id, n.scopes, n.attributes, n.expires_at, n.spent_at, ` + familyColumns + `, ` + cutAt + `
FROM oauth_refresh_tokens r JOIN oauth_families f ON f.id = r.family_id LEFT JOIN oauth_refresh_tokens n ON n.digest = r.successor
WHERE r.digest = ?`

// RefreshToken implements [oauth.TokenStore].
func (s *Store) RefreshToken(ctx context.Context, d oauth.Digest) (*oauth.RefreshToken, error) {
	if !storable(string(d)) {
		return nil, oauth.ErrNotFound
	}
	t, next := new(oauth.RefreshToken), new(oauth.RefreshToken)
	var digest, accessTokenID sql.NullString
	var family familyRow
	err := s.db.Lookup(ctx, selectRefreshToken, func(row sqldb.Row) error {
		fields := append(make([]any, 0, mostFields),
			&t.Digest, &t.AccessTokenID, sqldb.List{L: &t.Scopes}, sqldb.Attributes{M: &t.Attributes}, sqldb.Micros{T: &t.ExpiresAt}, sqldb.Micros{T: &t.SpentAt},
			&digest, &accessTokenID, sqldb.List{L: &next.Scopes}, sqldb.Attributes{M: &next.Attributes}, sqldb.Micros{T: &next.ExpiresAt}, sqldb.Micros{T: &next.SpentAt})
		return row.Scan(family.fields(fields)...)
	}, string(d))
	if err != nil {
		return nil, err
	}
	t.Family = family.record()
	if digest.Valid {
		next.Digest, next.AccessTokenID, next.Family = oauth.Digest(digest.String), accessTokenID.String, t.Family
		t.Successor = next
	}
	return t, nil
}
