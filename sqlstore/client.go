package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

const clientColumns = `c.id, c.client_key, c.name, c.owner_provider, c.owner_id, c.auth_method, c.provider, c.redirect_uris, c.grant_types, c.scopes,
c.access_token_ttl, c.refresh_token_ttl, c.family_ttl, c.ends_with_session, c.attributes, c.created_at, c.updated_at, c.suspended_at, c.revoked_at, c.version, c.consent_version, c.audience, c.tokens_not_before, c.allowed_origins`

// clientFields appends the scan destinations for clientColumns.
func clientFields(fields []any, c *oauth.Client) []any {
	return append(fields,
		&c.ID, sqldb.Text{S: &c.Key}, &c.Name, &c.Owner.Provider, &c.Owner.ID, &c.AuthMethod, &c.Provider,
		sqldb.List{L: &c.RedirectURIs}, sqldb.List{L: &c.GrantTypes}, sqldb.List{L: &c.Scopes},
		sqldb.Span{D: &c.AccessTokenTTL}, sqldb.Span{D: &c.RefreshTokenTTL}, sqldb.Span{D: &c.FamilyTTL},
		sqldb.Bool{B: &c.EndsWithSession}, sqldb.Attributes{M: &c.Attributes}, sqldb.Micros{T: &c.CreatedAt}, sqldb.Micros{T: &c.UpdatedAt},
		sqldb.Micros{T: &c.SuspendedAt}, sqldb.Micros{T: &c.RevokedAt}, &c.Version, sqldb.Number{N: &c.ConsentVersion}, sqldb.Text{S: &c.Audience}, sqldb.Micros{T: &c.TokensNotBefore}, sqldb.List{L: &c.AllowedOrigins})
}

const (
	// wholeClientColumns are of a client that is read with its secrets.
	wholeClientColumns = clientColumns + `, c.openid`

	secretColumns = `s.digest, s.created_at, s.expires_at`

	selectClient = `SELECT ` + wholeClientColumns + `, ` + secretColumns + `
FROM oauth_clients c LEFT JOIN oauth_client_secrets s ON s.client_id = c.id WHERE c.id = ? ORDER BY s.created_at, s.digest`

	selectClientByKey = `SELECT ` + wholeClientColumns + `, ` + secretColumns + `
FROM oauth_clients c LEFT JOIN oauth_client_secrets s ON s.client_id = c.id WHERE c.client_key = ? ORDER BY s.created_at, s.digest`

	selectClients = `SELECT ` + wholeClientColumns + `, ` + secretColumns + `
FROM (SELECT ` + wholeClientColumns + ` FROM oauth_clients c WHERE c.id > ? ORDER BY c.id LIMIT 100) c
LEFT JOIN oauth_client_secrets s ON s.client_id = c.id ORDER BY c.id, s.created_at, s.digest`

	selectClientsOf = `SELECT ` + wholeClientColumns + `, ` + secretColumns + `
FROM (SELECT ` + wholeClientColumns + ` FROM oauth_clients c WHERE c.owner_provider = ? AND c.owner_id = ? AND c.id > ? ORDER BY c.id LIMIT 100) c
LEFT JOIN oauth_client_secrets s ON s.client_id = c.id ORDER BY c.id, s.created_at, s.digest`

	selectUnrevokedClientsOf = `SELECT ` + wholeClientColumns + `, ` + secretColumns + `
FROM (SELECT ` + wholeClientColumns + ` FROM oauth_clients c
WHERE c.owner_provider = ? AND c.owner_id = ? AND c.revoked_at IS NULL AND c.id > ? ORDER BY c.id LIMIT 100) c
LEFT JOIN oauth_client_secrets s ON s.client_id = c.id ORDER BY c.id, s.created_at, s.digest`
)

// Client implements [oauth.ClientStore].
func (s *Store) Client(ctx context.Context, id string) (*oauth.Client, error) {
	if !storable(id) {
		return nil, oauth.ErrNotFound
	}
	var found clients
	if err := s.db.Lookup(ctx, selectClient, found.scan, func() { found = nil }, id); err != nil {
		return nil, err
	}
	return found[0], nil
}

// ClientByKey implements [oauth.ClientStore].
func (s *Store) ClientByKey(ctx context.Context, key string) (*oauth.Client, error) {
	if key == "" || !storable(key) {
		return nil, oauth.ErrNotFound
	}
	var found clients
	if err := s.db.Lookup(ctx, selectClientByKey, found.scan, func() { found = nil }, key); err != nil {
		return nil, err
	}
	return found[0], nil
}

// Clients implements [oauth.ClientStore].
func (s *Store) Clients(ctx context.Context) iter.Seq2[*oauth.Client, error] {
	return pages(func(after *oauth.Client) ([]*oauth.Client, error) {
		var page clients
		err := s.db.Each(ctx, selectClients, page.scan, idOf(after))
		return page, err
	})
}

// ClientsOf implements [oauth.ClientStore].
func (s *Store) ClientsOf(ctx context.Context, owner oauth.UserRef) iter.Seq2[*oauth.Client, error] {
	return s.clientsOf(ctx, selectClientsOf, owner)
}

// UnrevokedClientsOf implements [oauth.ClientStore].
func (s *Store) UnrevokedClientsOf(ctx context.Context, owner oauth.UserRef) iter.Seq2[*oauth.Client, error] {
	return s.clientsOf(ctx, selectUnrevokedClientsOf, owner)
}

func (s *Store) clientsOf(ctx context.Context, q string, owner oauth.UserRef) iter.Seq2[*oauth.Client, error] {
	if !storable(owner.Provider, owner.ID) {
		return none[*oauth.Client]()
	}
	return pages(func(after *oauth.Client) ([]*oauth.Client, error) {
		var page clients
		err := s.db.Each(ctx, q, page.scan, owner.Provider, owner.ID, idOf(after))
		return page, err
	})
}

func idOf(c *oauth.Client) string {
	if c == nil {
		return ""
	}
	return c.ID
}

// clients collects rows that are ordered by client. A client with several secrets has
// several rows.
type clients []*oauth.Client

func (l *clients) scan(row sqldb.Row) error { return l.scanWith(row, nil) }

// scanWith is scan for rows that end with the columns of more.
func (l *clients) scanWith(row sqldb.Row, more presentable) error {
	c := new(oauth.Client)
	var digest sql.NullString
	var secret oauth.Secret
	var openID string
	fields := append(clientFields(make([]any, 0, mostFields), c), sqldb.Text{S: &openID}, &digest, sqldb.Micros{T: &secret.CreatedAt}, sqldb.Micros{T: &secret.ExpiresAt})
	if more != nil {
		fields = more.fields(fields)
	}
	if err := row.Scan(fields...); err != nil {
		return fmt.Errorf("read client: %w", err)
	}
	if n := len(*l); n > 0 && (*l)[n-1].ID == c.ID {
		c = (*l)[n-1]
	} else {
		if err := decodeOpenID(openID, c); err != nil {
			return err
		}
		*l = append(*l, c)
	}
	if digest.Valid {
		secret.Digest = oauth.Digest(digest.String)
		c.Secrets = append(c.Secrets, secret)
	}
	return nil
}

const (
	updateClient = `UPDATE oauth_clients SET name = ?, owner_provider = ?, owner_id = ?, provider = ?, redirect_uris = ?, grant_types = ?, scopes = ?,
access_token_ttl = ?, refresh_token_ttl = ?, family_ttl = ?, ends_with_session = ?, attributes = ?, updated_at = ?, suspended_at = ?, audience = ?, allowed_origins = ?, openid = ?, backchannel = ?,
version = version + 1, consent_version = COALESCE(consent_version, 0) + ? WHERE id = ? AND version = ?`

	revokeClient = `UPDATE oauth_clients SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL`

	insertSecret = `INSERT INTO oauth_client_secrets (client_id, digest, created_at, expires_at)
SELECT c.id, ?, ?, ? FROM oauth_clients c WHERE c.id = ?`

	// Concurrent rotations must wait for each other. Otherwise neither sees the other's
	// secret, and both secrets stay valid.
	lockClient = `UPDATE oauth_clients SET version = version WHERE id = ?`

	endSecrets = `UPDATE oauth_client_secrets SET expires_at = ? WHERE client_id = ? AND digest <> ? AND (expires_at IS NULL OR expires_at > ?)`

	clientExists = `SELECT c.id FROM oauth_clients c WHERE c.id = ?`
)

// UpdateClient implements [oauth.ClientStore]. The UPDATE changes only the version that
// was compared with c, so the comparison needs no lock. The comparison is in Go because
// MySQL compares names by its collation.
func (s *Store) UpdateClient(ctx context.Context, c *oauth.Client, audit *oauth.AuditRecord) error {
	return s.updateClient(ctx, c, nil, audit)
}

// updateClient changes a client, and its metadata unless metadata is nil.
func (s *Store) updateClient(ctx context.Context, c *oauth.Client, metadata *metadataChange, audit *oauth.AuditRecord) error {
	if err := c.Validate(); err != nil {
		return fmt.Errorf("update client: %w", err)
	}
	attributes, err := sqldb.Encoded(c.Attributes)
	if err != nil {
		return fmt.Errorf("update client: %w", err)
	}
	openID, err := encodedOpenID(c.OpenID)
	if err != nil {
		return fmt.Errorf("update client: %w", err)
	}
	stored, err := s.Client(ctx, c.ID)
	switch {
	case err != nil:
		return err
	case stored.Version != c.Version:
		return oauth.ErrConflict
	}
	shown := !c.LooksLike(stored) || metadata != nil && metadata.shown
	return s.changeClient(ctx, c.ID, oauth.ErrConflict, audit, func(ctx context.Context, tx *sqldb.Tx) (bool, error) {
		n, err := tx.Exec(ctx, updateClient, c.Name, c.Owner.Provider, c.Owner.ID, c.Provider, sqldb.Joined(c.RedirectURIs), sqldb.Joined(c.GrantTypes),
			sqldb.Joined(c.Scopes), sqldb.Length(c.AccessTokenTTL), sqldb.Length(c.RefreshTokenTTL), sqldb.Length(c.FamilyTTL),
			sqldb.Flag(c.EndsWithSession), attributes, sqldb.When(c.UpdatedAt), sqldb.When(c.SuspendedAt), sqldb.Optional(c.Audience), sqldb.Joined(c.AllowedOrigins),
			openID, backchannel(c.OpenID), sqldb.Flag(shown), c.ID, c.Version)
		if err != nil || n == 0 {
			return false, err
		}
		return true, metadata.save(ctx, tx, c.ID)
	})
}

// RotateSecret implements [oauth.ClientStore].
func (s *Store) RotateSecret(ctx context.Context, clientID string, secret oauth.Secret, othersUntil time.Time, audit *oauth.AuditRecord) error {
	return s.changeClient(ctx, clientID, oauth.ErrConflict, audit, func(ctx context.Context, tx *sqldb.Tx) (bool, error) {
		if _, err := tx.Exec(ctx, lockClient, clientID); err != nil {
			return false, err
		}
		inserted, err := tx.Insert(ctx, insertSecret, string(secret.Digest), sqldb.At(secret.CreatedAt), sqldb.When(secret.ExpiresAt), clientID)
		if err != nil || !inserted {
			return false, err
		}
		_, err = tx.Exec(ctx, endSecrets, sqldb.At(othersUntil), clientID, string(secret.Digest), sqldb.At(othersUntil))
		return true, err
	})
}

// RevokeClient implements [oauth.ClientStore].
func (s *Store) RevokeClient(ctx context.Context, id string, at time.Time, audit *oauth.AuditRecord) error {
	return s.changeClient(ctx, id, nil, audit, func(ctx context.Context, tx *sqldb.Tx) (bool, error) {
		n, err := tx.Exec(ctx, revokeClient, sqldb.At(at), id)
		return n > 0, err
	})
}

// changeClient runs a change. If it changed nothing, changeClient returns
// [oauth.ErrNotFound] for a missing client, and otherwise the error unchanged.
func (s *Store) changeClient(ctx context.Context, id string, unchanged error, audit *oauth.AuditRecord, change func(context.Context, *sqldb.Tx) (bool, error)) error {
	if !storable(id) {
		return oauth.ErrNotFound
	}
	changed := false
	err := s.change(ctx, audit, func(ctx context.Context, tx *sqldb.Tx) (_ bool, err error) {
		changed, err = change(ctx, tx)
		return changed, err
	})
	if err != nil {
		return fmt.Errorf("change client: %w", err)
	}
	if changed {
		return nil
	}
	if err := s.exists(ctx, clientExists, id); err != nil {
		return err
	}
	return unchanged
}
