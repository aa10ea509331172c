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

// UpdateClientMetadata implements [oauth.ClientMetadataStore].
func (s *Store) UpdateClientMetadata(_ context.Context, c *oauth.Client, m *oauth.ClientMetadata, logo []byte, audit *oauth.AuditRecord) error {
	if err := m.Validate(); err != nil {
		return fmt.Errorf("update client metadata: %w", err)
	}
	return s.changeClient(c.ID, audit, func(stored *oauth.Client) (bool, error) {
		if stored.Version != c.Version {
			return false, oauth.ErrConflict
		}
		before := s.metadata[c.ID]
		stored.UpdatedAt = c.UpdatedAt
		stored.Version++
		if !m.LooksLike(&before.ClientMetadata) {
			stored.ConsentVersion++
		}
		row := metadataRow{*m, before.logo}
		row.Contacts = slices.Clone(m.Contacts)
		switch m.Logo {
		case before.Logo:
		case "":
			row.logo = nil
		default:
			row.logo = slices.Clone(logo)
		}
		s.metadata.put(c.ID, row)
		return true, nil
	})
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
