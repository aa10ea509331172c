package memstore

import (
	"context"
	"fmt"
	"slices"

	"github.com/go-passport/passport/oauth"
)

// metadataRow is the metadata of a client, with its logo.
type metadataRow struct {
	oauth.ClientMetadata
	logo []byte
}

// ClientMetadata implements [oauth.ClientMetadataStore].
func (s *Store) ClientMetadata(_ context.Context, clientID string) (*oauth.ClientMetadata, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.metadata[clientID].ClientMetadata
	m.Contacts = slices.Clone(m.Contacts)
	return &m, nil
}

// ClientsMetadata implements [oauth.ClientMetadataStore].
func (s *Store) ClientsMetadata(_ context.Context, clientIDs []string) (map[string]*oauth.ClientMetadata, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]*oauth.ClientMetadata{}
	for _, id := range clientIDs {
		if row, ok := s.metadata[id]; ok {
			m := row.ClientMetadata
			m.Contacts = slices.Clone(m.Contacts)
			all[id] = &m
		}
	}
	return all, nil
}

// CreateClientWithMetadata implements [oauth.ClientMetadataStore].
func (s *Store) CreateClientWithMetadata(ctx context.Context, n *oauth.ClientCreation, audit *oauth.AuditRecord) error {
	if err := n.Metadata.Validate(); err != nil {
		return fmt.Errorf("create client: %w", err)
	}
	return s.createClient(ctx, n, audit)
}

// UpdateClientWithMetadata implements [oauth.ClientMetadataStore].
func (s *Store) UpdateClientWithMetadata(ctx context.Context, c *oauth.Client, m *oauth.ClientMetadata, logo []byte, audit *oauth.AuditRecord) error {
	if err := m.Validate(); err != nil {
		return fmt.Errorf("update client: %w", err)
	}
	return s.updateClient(ctx, c, audit, func(stored *oauth.Client) (shown bool) {
		before := s.metadata[stored.ID]
		row := newMetadataRow(m, before.logo)
		if m.Logo != before.Logo {
			row.logo = slices.Clone(logo)
		}
		s.metadata.put(stored.ID, row)
		return !m.LooksLike(&before.ClientMetadata)
	})
}

func newMetadataRow(m *oauth.ClientMetadata, logo []byte) metadataRow {
	row := metadataRow{*m, slices.Clone(logo)}
	row.Contacts = slices.Clone(m.Contacts)
	return row
}

// ClientLogo implements [oauth.ClientMetadataStore].
func (s *Store) ClientLogo(_ context.Context, clientID string, logo oauth.Digest) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	row := s.metadata[clientID]
	if logo == "" || row.Logo != logo {
		return nil, oauth.ErrNotFound
	}
	return slices.Clone(row.logo), nil
}
