package sqlstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

const (
	insertIntoClients = `INSERT INTO oauth_clients (id, client_key, name, owner_provider, owner_id, auth_method, provider, redirect_uris, grant_types, scopes,
access_token_ttl, refresh_token_ttl, family_ttl, ends_with_session, attributes, created_at, updated_at, suspended_at, revoked_at, version, consent_version, audience, tokens_not_before, allowed_origins, openid, backchannel)
`
	newClientValues = `?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?`

	insertClient = insertIntoClients + `VALUES (` + newClientValues + `)`

	// The OFFSET is the limit minus one, so the query never reads more rows than the
	// limit.
	insertClientWithin = insertIntoClients + `SELECT ` + newClientValues + ` FROM (SELECT 1 AS one) o
WHERE NOT EXISTS (SELECT 1 FROM (SELECT c.id FROM oauth_clients c WHERE c.owner_provider = ? AND c.owner_id = ? AND c.revoked_at IS NULL
ORDER BY c.id LIMIT 1 OFFSET ?) x)`

	keyExists = `SELECT c.id FROM oauth_clients c WHERE c.client_key = ?`

	insertFirstSecret = `INSERT INTO oauth_client_secrets (client_id, digest, created_at, expires_at) VALUES (?, ?, ?, ?)`
)

// CreateClient implements [oauth.ClientStore].
func (s *Store) CreateClient(ctx context.Context, c *oauth.Client, audit *oauth.AuditRecord) error {
	return s.createClient(ctx, newClient{Client: c, audit: audit})
}

// CreateClientWithin implements [oauth.ClientStore].
func (s *Store) CreateClientWithin(ctx context.Context, c *oauth.Client, limit int, audit *oauth.AuditRecord) error {
	if limit < 1 {
		return oauth.ErrLimit
	}
	return s.createClient(ctx, newClient{Client: c, audit: audit, limit: limit})
}

func (s *Store) createClient(ctx context.Context, n newClient) (err error) {
	c := n.Client
	if !storable(c.ID, c.Key) {
		return errors.New("create client: its ID or Key cannot be stored")
	}
	if err := c.Validate(); err != nil {
		return fmt.Errorf("create client: %w", err)
	}
	if n.attributes, err = sqldb.Encoded(c.Attributes); err != nil {
		return fmt.Errorf("create client: %w", err)
	}
	if n.openID, err = encodedOpenID(c.OpenID); err != nil {
		return fmt.Errorf("create client: %w", err)
	}
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
	openID     any // in its stored form
	audit      *oauth.AuditRecord
	limit      int // maximum number of the owner's clients; zero for no limit
	metadata   *metadataChange
}

// save inserts the client under an ID, with its secrets and its audit record. It
// sets the record's client ID if the store assigned the ID. If the ID or the key
// exists, it returns [oauth.ErrConflict]. At the owner's limit it returns
// [oauth.ErrLimit].
func (n newClient) save(ctx context.Context, tx *sqldb.Tx, id string) error {
	q, row := insertClient, []any{
		id, sqldb.Optional(n.Key), n.Name, n.Owner.Provider, n.Owner.ID, string(n.AuthMethod), n.Provider,
		sqldb.Joined(n.RedirectURIs), sqldb.Joined(n.GrantTypes), sqldb.Joined(n.Scopes),
		sqldb.Length(n.AccessTokenTTL), sqldb.Length(n.RefreshTokenTTL), sqldb.Length(n.FamilyTTL), sqldb.Flag(n.EndsWithSession), n.attributes,
		sqldb.At(n.CreatedAt), sqldb.When(n.UpdatedAt), sqldb.When(n.SuspendedAt), sqldb.When(n.RevokedAt), n.Version, n.ConsentVersion, sqldb.Optional(n.Audience),
		sqldb.When(n.TokensNotBefore), sqldb.Joined(n.AllowedOrigins), n.openID, backchannel(n.OpenID),
	}
	if n.limit > 0 {
		q, row = insertClientWithin, append(row, n.Owner.Provider, n.Owner.ID, n.limit-1)
	}
	inserted, err := tx.Insert(ctx, q, row...)
	switch {
	case err != nil:
		return err
	case !inserted:
		return n.refusal(ctx, tx, id)
	}
	for _, secret := range n.Secrets {
		if _, err := tx.Exec(ctx, insertFirstSecret, id, string(secret.Digest), sqldb.At(secret.CreatedAt), sqldb.When(secret.ExpiresAt)); err != nil {
			return fmt.Errorf("save secret: %w", err)
		}
	}
	if err := n.metadata.save(ctx, tx, id); err != nil {
		return fmt.Errorf("save metadata: %w", err)
	}
	record := n.audit
	if record != nil && n.ID == "" {
		numbered := *record
		numbered.ClientID = id
		record = &numbered
	}
	return saveAudit(ctx, tx, record)
}

// refusal returns the reason why the client was not inserted.
func (n newClient) refusal(ctx context.Context, tx *sqldb.Tx, id string) error {
	if n.limit == 0 {
		return oauth.ErrConflict
	}
	for q, key := range map[string]string{clientExists: id, keyExists: n.Key} {
		if key == "" {
			continue
		}
		err := tx.Row(ctx, q, func(sqldb.Row) error { return nil }, key)
		switch {
		case err == nil:
			return oauth.ErrConflict
		case !errors.Is(err, oauth.ErrNotFound):
			return err
		}
	}
	return oauth.ErrLimit
}
