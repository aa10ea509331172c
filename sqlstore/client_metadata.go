package sqlstore

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

const (
	selectMetadata = `SELECT m.metadata FROM oauth_client_metadata m WHERE m.client_id = ?`

	selectLogo = `SELECT l.png FROM oauth_client_logos l WHERE l.client_id = ? AND l.digest = ?`

	touchClient = `UPDATE oauth_clients SET updated_at = ?, version = version + 1, consent_version = COALESCE(consent_version, 0) + ? WHERE id = ? AND version = ?`

	dropMetadataOf = `DELETE FROM oauth_client_metadata WHERE client_id = ?`
	insertMetadata = `INSERT INTO oauth_client_metadata (client_id, metadata) VALUES (?, ?)`
	dropLogoOf     = `DELETE FROM oauth_client_logos WHERE client_id = ?`
	insertLogo     = `INSERT INTO oauth_client_logos (client_id, digest, png) VALUES (?, ?, ?)`
)

// The metadata of a page of clients, and the rows that a purge deletes with them.
var (
	selectMetadataOf = `SELECT m.client_id, m.metadata FROM oauth_client_metadata m WHERE m.client_id IN ` + page

	dropMetadata = `DELETE FROM oauth_client_metadata WHERE client_id IN ` + page
	dropLogos    = `DELETE FROM oauth_client_logos WHERE client_id IN ` + page
)

// ClientMetadata implements [oauth.ClientMetadataStore].
func (s *Store) ClientMetadata(ctx context.Context, clientID string) (*oauth.ClientMetadata, error) {
	m, text := new(oauth.ClientMetadata), ""
	if !storable(clientID) {
		return m, nil
	}
	err := s.db.Row(ctx, selectMetadata, func(row sqldb.Row) error { return row.Scan(&text) }, clientID)
	switch {
	case errors.Is(err, oauth.ErrNotFound):
		return m, nil
	case err != nil:
		return nil, err
	}
	if err := json.Unmarshal([]byte(text), m); err != nil {
		return nil, fmt.Errorf("read the metadata of client %q: %w", clientID, err)
	}
	return m, nil
}

// ClientsMetadata implements [oauth.ClientMetadataStore].
func (s *Store) ClientsMetadata(ctx context.Context, clientIDs []string) (map[string]*oauth.ClientMetadata, error) {
	all := map[string]*oauth.ClientMetadata{}
	for ids := range slices.Chunk(slices.DeleteFunc(slices.Clone(clientIDs), notStorable), purgePage) {
		keys := make([]any, len(ids))
		for i, id := range ids {
			keys[i] = id
		}
		err := s.db.Each(ctx, selectMetadataOf, func(row sqldb.Row) error {
			var id, text string
			if err := row.Scan(&id, &text); err != nil {
				return err
			}
			all[id] = new(oauth.ClientMetadata)
			return json.Unmarshal([]byte(text), all[id])
		}, padded(keys)...)
		if err != nil {
			return nil, fmt.Errorf("read the metadata of clients: %w", err)
		}
	}
	return all, nil
}

func notStorable(id string) bool { return !storable(id) }

// UpdateClientMetadata implements [oauth.ClientMetadataStore]. Every change of the
// metadata changes the version of the client, which the UPDATE compares. So the stored
// metadata can be read before.
func (s *Store) UpdateClientMetadata(ctx context.Context, c *oauth.Client, m *oauth.ClientMetadata, logo []byte, audit *oauth.AuditRecord) error {
	if err := m.Validate(); err != nil {
		return fmt.Errorf("update client metadata: %w", err)
	}
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("update client metadata: %w", err)
	}
	stored, err := s.ClientMetadata(ctx, c.ID)
	if err != nil {
		return err
	}
	return s.changeClient(ctx, c.ID, oauth.ErrConflict, audit, func(ctx context.Context, tx *sqldb.Tx) (bool, error) {
		n, err := tx.Exec(ctx, touchClient, sqldb.When(c.UpdatedAt), sqldb.Flag(!m.LooksLike(stored)), c.ID, c.Version)
		if err != nil || n == 0 {
			return false, err
		}
		if _, err := tx.Exec(ctx, dropMetadataOf, c.ID); err != nil {
			return false, err
		}
		if _, err := tx.Exec(ctx, insertMetadata, c.ID, string(text)); err != nil {
			return false, err
		}
		if m.Logo == stored.Logo {
			return true, nil
		}
		return true, saveLogo(ctx, tx, c.ID, m.Logo, logo)
	})
}

func saveLogo(ctx context.Context, tx *sqldb.Tx, clientID string, digest oauth.Digest, logo []byte) error {
	if _, err := tx.Exec(ctx, dropLogoOf, clientID); err != nil || digest == "" {
		return err
	}
	_, err := tx.Exec(ctx, insertLogo, clientID, string(digest), base64.StdEncoding.EncodeToString(logo))
	return err
}

// ClientLogo implements [oauth.ClientMetadataStore].
func (s *Store) ClientLogo(ctx context.Context, clientID string, logo oauth.Digest) ([]byte, error) {
	if !storable(clientID, string(logo)) {
		return nil, oauth.ErrNotFound
	}
	text := ""
	if err := s.db.Row(ctx, selectLogo, func(row sqldb.Row) error { return row.Scan(&text) }, clientID, string(logo)); err != nil {
		return nil, err
	}
	content, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("read the logo of client %q: %w", clientID, err)
	}
	return content, nil
}
