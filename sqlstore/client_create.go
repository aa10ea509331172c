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
access_token_ttl, refresh_token_ttl, family_ttl, ends_with_session, attributes, created_at, updated_at, suspended_at, revoked_at, version, consent_version, audience, tokens_not_before, allowed_origins)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

	insertFirstSecret = `INSERT INTO oauth_client_secrets (client_id, digest, created_at, expires_at) VALUES (?, ?, ?, ?)`
)

// CreateClient implements [oauth.ClientStore].
func (s *Store) CreateClient(ctx context.Context, c *oauth.Client, audit *oauth.AuditRecord) error {
	if !storable(c.ID, c.Key) {
		return errors.New("create client: its ID or Key cannot be stored")
	}
	if err := c.Validate(); err != nil {
		return fmt.Errorf("create client: %w", err)
	}
	attributes, err := sqldb.Encoded(c.Attributes)
	if err != nil {
		return fmt.Errorf("create client: %w", err)
	}
	n := newClient{c, attributes, audit}
	id := c.ID
	if id == "" {
		id, err = s.createNumbered(ctx, n)
	} else {
		err = s.db.Tx(ctx, func(ctx context.Context, tx *sqldb.Tx) error { return n.save(ctx, tx, id) })
	}
	if err != nil {
		return fmt.Errorf("create client: %w", err)
	}
	c.ID = id
	return nil
}

// newClient is a client to be saved.
type newClient struct {
	*oauth.Client
	attributes any // in their stored form
	audit      *oauth.AuditRecord
}

// save inserts the client under an ID, with its secrets and its audit record. It
// sets the record's client ID if the store assigned the ID. If the ID or the key
// exists, it returns [oauth.ErrConflict].
func (n newClient) save(ctx context.Context, tx *sqldb.Tx, id string) error {
	made, err := tx.Insert(ctx, insertClient, id, sqldb.Optional(n.Key), n.Name, n.Owner.Provider, n.Owner.ID, string(n.AuthMethod), n.Provider,
		sqldb.Joined(n.RedirectURIs), sqldb.Joined(n.GrantTypes), sqldb.Joined(n.Scopes),
		sqldb.Length(n.AccessTokenTTL), sqldb.Length(n.RefreshTokenTTL), sqldb.Length(n.FamilyTTL), sqldb.Flag(n.EndsWithSession), n.attributes,
		sqldb.At(n.CreatedAt), sqldb.When(n.UpdatedAt), sqldb.When(n.SuspendedAt), sqldb.When(n.RevokedAt), n.Version, n.ConsentVersion, sqldb.Optional(n.Audience),
		sqldb.When(n.TokensNotBefore), sqldb.Joined(n.AllowedOrigins))
	switch {
	case err != nil:
		return err
	case !made:
		return oauth.ErrConflict
	}
	for _, secret := range n.Secrets {
		if _, err := tx.Exec(ctx, insertFirstSecret, id, string(secret.Digest), sqldb.At(secret.CreatedAt), sqldb.When(secret.ExpiresAt)); err != nil {
			return fmt.Errorf("save secret: %w", err)
		}
	}
	record := n.audit
	if record != nil && n.ID == "" {
		numbered := *record
		numbered.ClientID = id
		record = &numbered
	}
	return saveAudit(ctx, tx, record)
}
