package sqlstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

const (
	insertClient = `INSERT INTO oauth_clients (id, client_key, name, owner_provider, owner_id, auth_method, provider, redirect_uris, grant_types, scopes,
access_token_ttl, refresh_token_ttl, family_ttl, ends_with_session, attributes, created_at, updated_at, suspended_at, revoked_at, version)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

	insertFirstSecret = `INSERT INTO oauth_client_secrets (client_id, digest, created_at, expires_at) VALUES (?, ?, ?, ?)`
)

// CreateClient implements [oauth.ClientStore].
func (s *Store) CreateClient(ctx context.Context, c *oauth.Client, audit *oauth.AuditRecord) error {
	if !storable(c.ID, c.Key) {
		return errors.New("create client: its ID or Key cannot be stored")
	}
	attributes, err := sqldb.Encoded(c.Attributes)
	if err != nil {
		return fmt.Errorf("create client: %w", err)
	}
	id := c.ID
	save := func(ctx context.Context, tx *sqldb.Tx) error { return saveClient(ctx, tx, id, c, attributes, audit) }
	if id == "" {
		id, err = s.createNumbered(ctx, c.Key, func(ctx context.Context, tx *sqldb.Tx, number string) error {
			id = number
			return save(ctx, tx)
		})
	} else {
		err = s.db.Tx(ctx, save)
	}
	if err != nil {
		return fmt.Errorf("create client: %w", err)
	}
	c.ID = id
	return nil
}

// saveClient inserts a client with its secrets, and the record of it, which names
// the client by the ID that it was given. If the ID or the key is taken it is
// [oauth.ErrConflict].
func saveClient(ctx context.Context, tx *sqldb.Tx, id string, c *oauth.Client, attributes any, audit *oauth.AuditRecord) error {
	made, err := tx.Insert(ctx, insertClient, id, sqldb.Optional(c.Key), c.Name, c.Owner.Provider, c.Owner.ID, string(c.AuthMethod), c.Provider,
		sqldb.Joined(c.RedirectURIs), sqldb.Joined(c.GrantTypes), sqldb.Joined(c.Scopes),
		sqldb.Length(c.AccessTokenTTL), sqldb.Length(c.RefreshTokenTTL), sqldb.Length(c.FamilyTTL), sqldb.Flag(c.EndsWithSession), attributes,
		sqldb.At(c.CreatedAt), sqldb.When(c.UpdatedAt), sqldb.When(c.SuspendedAt), sqldb.When(c.RevokedAt), c.Version)
	switch {
	case err != nil:
		return err
	case !made:
		return oauth.ErrConflict
	}
	for _, secret := range c.Secrets {
		if _, err := tx.Exec(ctx, insertFirstSecret, id, string(secret.Digest), sqldb.At(secret.CreatedAt), sqldb.When(secret.ExpiresAt)); err != nil {
			return fmt.Errorf("save secret: %w", err)
		}
	}
	if audit != nil && c.ID == "" {
		numbered := *audit
		numbered.ClientID = id
		audit = &numbered
	}
	return saveAudit(ctx, tx, audit)
}
