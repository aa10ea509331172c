package main

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"

	"github.com/go-passport/passport/internal/sqldb"
)

// records reads the records that a token endpoint needs: the client with its
// secret, the code or refresh token with its family, and the user. It reads
// client and token in one statement. It reads the user in another, because
// accounts belong to the application.
type records struct {
	client, code, refresh, user *sql.Stmt
}

const (
	clientFields = `c.id, c.revoked_at, c.suspended_at, s.digest`
	valueFields  = clientFields + `, v.expires_at, v.spent_at, f.user_id, f.expires_at, f.revoked_at`
	ofClient     = ` JOIN oauth_families f ON f.id = v.family_id JOIN oauth_clients c ON c.id = f.client_id JOIN oauth_client_secrets s ON s.client_id = c.id
WHERE s.expires_at IS NULL AND v.digest = `
)

func newRecords(ctx context.Context, db *sql.DB, d sqldb.Dialect) (*records, error) {
	place := "?"
	if d.Name == sqldb.Postgres.Name {
		place = "$1"
	}
	var faults error
	prepare := func(q string) *sql.Stmt {
		s, err := db.PrepareContext(ctx, q+place)
		faults = errors.Join(faults, err)
		return s
	}
	return &records{
		client:  prepare(`SELECT ` + clientFields + ` FROM oauth_clients c JOIN oauth_client_secrets s ON s.client_id = c.id WHERE s.expires_at IS NULL AND c.id = `),
		code:    prepare(`SELECT ` + valueFields + ` FROM oauth_auth_codes v` + ofClient),
		refresh: prepare(`SELECT ` + valueFields + ` FROM oauth_refresh_tokens v` + ofClient),
		user:    prepare(`SELECT disabled_at FROM passport_users WHERE id = `),
	}, faults
}

var (
	errClient = errors.New("invalid_client")
	errGrant  = errors.New("invalid_grant")
)

// clientRow holds the columns of a client that the ceiling reads.
type clientRow struct {
	id, digest         string
	revoked, suspended sql.NullInt64
}

func (c *clientRow) check(id, secret string) error {
	if c.id != id || c.revoked.Valid || c.suspended.Valid || subtle.ConstantTimeCompare([]byte(c.digest), []byte(digestOf(secret))) != 1 {
		return errClient
	}
	return nil
}

// authenticate reads the client and compares its secret.
func (r *records) authenticate(ctx context.Context, id, secret string) error {
	var c clientRow
	if err := r.client.QueryRowContext(ctx, id).Scan(&c.id, &c.revoked, &c.suspended, &c.digest); err != nil {
		return absent(err, errClient)
	}
	return c.check(id, secret)
}

// redeem reads the client and the value of a write, compares the secret, and
// reads the user.
func (r *records) redeem(ctx context.Context, value *sql.Stmt, secret string, w *write) error {
	var c clientRow
	var expires, ends int64
	var spent, revoked, disabled sql.NullInt64
	var user string
	err := value.QueryRowContext(ctx, w.spends).Scan(&c.id, &c.revoked, &c.suspended, &c.digest, &expires, &spent, &user, &ends, &revoked)
	if err != nil {
		return absent(err, errGrant)
	}
	if err := c.check(w.client, secret); err != nil {
		return err
	}
	at := w.issued.UnixMicro()
	if spent.Valid || revoked.Valid || at >= expires || at >= ends {
		return errGrant
	}
	if err := r.user.QueryRowContext(ctx, user).Scan(&disabled); err != nil || disabled.Valid {
		return absent(err, errGrant)
	}
	return nil
}

// absent returns refusal if err is nil or a missing row, and err otherwise.
func absent(err, refusal error) error {
	if err == nil || errors.Is(err, sql.ErrNoRows) {
		return refusal
	}
	return err
}
