package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

const (
	insertClient = `INSERT INTO oauth_clients (id, client_key, name, owner_provider, owner_id, auth_method, provider, redirect_uris, grant_types, scopes,
access_token_ttl, refresh_token_ttl, family_ttl, ends_with_session, attributes, created_at, updated_at, suspended_at, revoked_at, version)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

	insertFirstSecret = `INSERT INTO oauth_client_secrets (client_id, digest, created_at, expires_at) VALUES (?, ?, ?, ?)`

	countUp = `UPDATE oauth_counters SET value = value + 1 WHERE name = 'client_id'`
	counted = `SELECT n.value FROM oauth_counters n WHERE n.name = 'client_id'`
)

// CreateClient implements [oauth.ClientStore].
func (s *Store) CreateClient(ctx context.Context, c *oauth.Client, audit *oauth.AuditRecord) error {
	attributes, err := sqldb.Encoded(c.Attributes)
	if err != nil {
		return fmt.Errorf("create client: %w", err)
	}
	if !storable(c.ID, c.Key) {
		return errors.New("create client: its ID or Key cannot be stored")
	}
	id := c.ID
	record := audit
	err = s.db.Tx(ctx, func(ctx context.Context, tx *sqldb.Tx) error {
		id = c.ID
		if id == "" {
			if id, err = s.nextID(ctx, tx); err != nil {
				return fmt.Errorf("count up: %w", err)
			}
			if audit != nil {
				numbered := *audit
				numbered.ClientID = id
				record = &numbered
			}
		}
		made, err := insert(ctx, tx, id, c, attributes)
		switch {
		case err != nil:
			return err
		case !made:
			return oauth.ErrConflict
		}
		return saveAudit(ctx, tx, record)
	})
	if err != nil {
		return fmt.Errorf("create client: %w", err)
	}
	c.ID = id
	return nil
}

// insert saves a client with its secrets, unless its ID or key is taken.
func insert(ctx context.Context, tx *sqldb.Tx, id string, c *oauth.Client, attributes any) (bool, error) {
	made, err := tx.Insert(ctx, insertClient, id, sqldb.Optional(c.Key), c.Name, c.Owner.Provider, c.Owner.ID, string(c.AuthMethod), c.Provider,
		sqldb.Joined(c.RedirectURIs), sqldb.Joined(c.GrantTypes), sqldb.Joined(c.Scopes),
		sqldb.Length(c.AccessTokenTTL), sqldb.Length(c.RefreshTokenTTL), sqldb.Length(c.FamilyTTL), sqldb.Flag(c.EndsWithSession), attributes,
		sqldb.At(c.CreatedAt), sqldb.When(c.UpdatedAt), sqldb.When(c.SuspendedAt), sqldb.When(c.RevokedAt), c.Version)
	for _, secret := range c.Secrets {
		if !made || err != nil {
			break
		}
		made, err = tx.Insert(ctx, insertFirstSecret, id, string(secret.Digest), sqldb.At(secret.CreatedAt), sqldb.When(secret.ExpiresAt))
	}
	return made, err
}

// nextID returns the next number that is no client's ID. The counter is a row,
// so that whoever comes second waits for the first, or is run again; a sequence
// would leave gaps, and on Galera counts in steps. Numbers that were taken past
// the counter, as by an import, are passed over.
func (s *Store) nextID(ctx context.Context, tx *sqldb.Tx) (string, error) {
	for {
		if _, err := tx.Exec(ctx, countUp); err != nil {
			return "", err
		}
		var n int64
		if err := tx.Row(ctx, counted, func(rows *sql.Rows) error { return rows.Scan(&n) }); err != nil {
			return "", err
		}
		id := strconv.FormatInt(n, 10)
		taken := false
		if err := tx.Each(ctx, clientExists, func(*sql.Rows) error { taken = true; return nil }, id); err != nil {
			return "", err
		}
		if !taken {
			return id, nil
		}
	}
}
