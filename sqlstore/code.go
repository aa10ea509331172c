package sqlstore

import (
	"context"
	"fmt"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

const (
	codeColumns = `k.digest, k.scopes, k.redirect_uri, k.code_challenge, k.nonce, k.attributes, k.expires_at, k.spent_at`

	selectCode = `SELECT ` + codeColumns + `, ` + familyColumns + `, ` + cutCodeAt + `
FROM oauth_auth_codes k JOIN oauth_families f ON f.id = k.family_id LEFT JOIN oauth_clients c ON c.id = f.client_id WHERE k.digest = ?`

	insertCode = `INSERT INTO oauth_auth_codes (digest, family_id, scopes, redirect_uri, code_challenge, attributes, expires_at, nonce)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
)

// Code implements [oauth.TokenStore].
func (s *Store) Code(ctx context.Context, d oauth.Digest) (*oauth.Code, error) {
	if !storable(string(d)) {
		return nil, oauth.ErrNotFound
	}
	var found codeRow
	if err := s.db.Lookup(ctx, selectCode, func(row sqldb.Row) error { return row.Scan(found.fields(make([]any, 0, mostFields))...) }, func() { found = codeRow{} }, string(d)); err != nil {
		return nil, err
	}
	return found.record(), nil
}

// codeRow scans codeColumns, familyColumns and the time of revocation.
type codeRow struct {
	code   oauth.Code
	family familyRow
}

// fields appends the scan destinations.
func (r *codeRow) fields(fields []any) []any {
	c := &r.code
	fields = append(fields, &c.Digest, sqldb.List{L: &c.Scopes}, &c.RedirectURI, &c.CodeChallenge, sqldb.Text{S: &c.Nonce},
		sqldb.Attributes{M: &c.Attributes}, sqldb.Micros{T: &c.ExpiresAt}, sqldb.Micros{T: &c.SpentAt})
	return r.family.fields(fields)
}

func (r *codeRow) record() *oauth.Code {
	r.code.Family = r.family.record()
	return &r.code
}

func saveCode(ctx context.Context, tx *sqldb.Tx, c *oauth.Code, familyID string) error {
	attributes, err := sqldb.Encoded(c.Attributes)
	if err != nil {
		return fmt.Errorf("save code: %w", err)
	}
	_, err = tx.Exec(ctx, insertCode, string(c.Digest), familyID, sqldb.Joined(c.Scopes), c.RedirectURI, c.CodeChallenge, attributes, sqldb.At(c.ExpiresAt), sqldb.Optional(c.Nonce))
	if err != nil {
		return fmt.Errorf("save code: %w", err)
	}
	return nil
}
