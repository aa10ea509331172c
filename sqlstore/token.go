package sqlstore

import (
	"context"
	"fmt"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

const (
	// tokenColumns end with the time of revocation. They need the client c and the
	// family f. A token that belongs to no family of its client ends with the client's
	// other tokens, by its own time; see clientCutAt.
	tokenColumns = `t.id, t.digest, t.name, t.hint, t.scopes, t.audience, t.attributes, t.issued_at, t.expires_at,
COALESCE(t.revoked_at, CASE WHEN c.tokens_not_before >= t.issued_at AND (f.client_id IS NULL OR f.client_id <> c.id) THEN c.tokens_not_before END)`

	// A token that names a missing family is dead. It must not be treated as a
	// client's own token.
	accessToken = `SELECT ` + tokenColumns + `, ` + clientColumns + `, ` + familyColumns + `, ` + cutAt + `
FROM oauth_access_tokens t JOIN oauth_clients c ON c.id = t.client_id LEFT JOIN oauth_families f ON f.id = t.family_id
WHERE (t.family_id IS NULL OR f.id IS NOT NULL) AND `

	selectAccessToken = accessToken + `t.id = ?`
	selectOpaqueToken = accessToken + `t.digest = ?`
)

// AccessToken implements [oauth.TokenStore].
func (s *Store) AccessToken(ctx context.Context, id string) (*oauth.AccessToken, error) {
	return s.accessToken(ctx, selectAccessToken, id)
}

// OpaqueToken implements [oauth.TokenStore].
func (s *Store) OpaqueToken(ctx context.Context, d oauth.Digest) (*oauth.AccessToken, error) {
	return s.accessToken(ctx, selectOpaqueToken, string(d))
}

func (s *Store) accessToken(ctx context.Context, q, key string) (*oauth.AccessToken, error) {
	if !storable(key) {
		return nil, oauth.ErrNotFound
	}
	var found accessTokens
	if err := s.db.Lookup(ctx, q, found.scan, func() { found = nil }, key); err != nil {
		return nil, err
	}
	return found[0], nil
}

// tokenFields appends the scan destinations for tokenColumns.
func tokenFields(fields []any, t *oauth.AccessToken) []any {
	return append(fields,
		&t.ID, sqldb.Text{S: (*string)(&t.Digest)}, &t.Name, sqldb.Text{S: &t.Hint}, sqldb.List{L: &t.Scopes}, sqldb.List{L: &t.Audience}, sqldb.Attributes{M: &t.Attributes},
		sqldb.Micros{T: &t.IssuedAt}, sqldb.Micros{T: &t.ExpiresAt}, sqldb.Micros{T: &t.RevokedAt})
}

type accessTokens []*oauth.AccessToken

// mostFields is the number of columns of the longest row.
const mostFields = 62

func (l *accessTokens) scan(row sqldb.Row) error {
	t := &oauth.AccessToken{Client: new(oauth.Client)}
	var family familyRow
	fields := family.fields(clientFields(tokenFields(make([]any, 0, mostFields), t), t.Client))
	if err := row.Scan(fields...); err != nil {
		return fmt.Errorf("read access token: %w", err)
	}
	t.Family = family.record()
	*l = append(*l, t)
	return nil
}

const (
	revokeFamilyOf = `UPDATE oauth_families SET revoked_at = ? WHERE id = (SELECT t.family_id FROM oauth_access_tokens t WHERE t.id = ?) AND revoked_at IS NULL`
	revokeToken    = `UPDATE oauth_access_tokens SET revoked_at = ? WHERE id = ? AND family_id IS NULL AND revoked_at IS NULL`
	tokenExists    = `SELECT t.id FROM oauth_access_tokens t WHERE t.id = ?`
)

// RevokeToken implements [oauth.TokenStore].
func (s *Store) RevokeToken(ctx context.Context, id string, at time.Time, audit *oauth.AuditRecord) error {
	if !storable(id) {
		return oauth.ErrNotFound
	}
	revoked := false
	err := s.change(ctx, audit, func(ctx context.Context, tx *sqldb.Tx) (bool, error) {
		n, err := tx.Exec(ctx, revokeFamilyOf, sqldb.At(at), id)
		if err == nil && n == 0 {
			n, err = tx.Exec(ctx, revokeToken, sqldb.At(at), id)
		}
		revoked = n > 0
		return revoked, err
	})
	if err != nil {
		return fmt.Errorf("revoke token: %w", err)
	}
	if revoked {
		return nil
	}
	return s.exists(ctx, tokenExists, id)
}
