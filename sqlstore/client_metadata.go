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

// CreateClientWithMetadata implements [oauth.ClientMetadataStore].
func (s *Store) CreateClientWithMetadata(ctx context.Context, n *oauth.ClientCreation, audit *oauth.AuditRecord) error {
	change, err := newMetadata(n.Metadata, new(oauth.ClientMetadata), n.Logo)
	if err != nil {
		return fmt.Errorf("create client: %w", err)
	}
	return s.createClient(ctx, newClient{Client: n.Client, audit: audit, limit: n.Limit, metadata: change})
}

// UpdateClientWithMetadata implements [oauth.ClientMetadataStore]. Every change of the
// metadata changes the version of the client, which the UPDATE compares. So the stored
// metadata can be read before.
func (s *Store) UpdateClientWithMetadata(ctx context.Context, c *oauth.Client, m *oauth.ClientMetadata, logo []byte, audit *oauth.AuditRecord) error {
	stored, err := s.ClientMetadata(ctx, c.ID)
	if err != nil {
		return err
	}
	change, err := newMetadata(m, stored, logo)
	if err != nil {
		return fmt.Errorf("update client: %w", err)
	}
	return s.updateClient(ctx, c, change, audit)
}

// metadataChange is metadata to be saved.
type metadataChange struct {
	text    string // as JSON
	shown   bool   // a page shows the change
	newLogo bool
	digest  oauth.Digest // of the new logo
	logo    []byte
}

func newMetadata(m, stored *oauth.ClientMetadata, logo []byte) (*metadataChange, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	text, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	return &metadataChange{text: string(text), shown: !m.LooksLike(stored), newLogo: m.Logo != stored.Logo, digest: m.Logo, logo: logo}, nil
}

// save writes the metadata, and the logo if it changed. A nil change writes nothing.
func (m *metadataChange) save(ctx context.Context, tx *sqldb.Tx, clientID string) error {
	if m == nil {
		return nil
	}
	if _, err := tx.Exec(ctx, dropMetadataOf, clientID); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, insertMetadata, clientID, m.text); err != nil {
		return err
	}
	if !m.newLogo {
		return nil
	}
	if _, err := tx.Exec(ctx, dropLogoOf, clientID); err != nil || m.digest == "" {
		return err
	}
	_, err := tx.Exec(ctx, insertLogo, clientID, string(m.digest), base64.StdEncoding.EncodeToString(m.logo))
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
