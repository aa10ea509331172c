package clients

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-passport/passport/event"
	"github.com/go-passport/passport/internal/audit"
	"github.com/go-passport/passport/internal/brand"
	"github.com/go-passport/passport/internal/clock"
	"github.com/go-passport/passport/internal/safeurl"
	"github.com/go-passport/passport/internal/storable"
	"github.com/go-passport/passport/oauth"
)

// errNoMetadata is the error for a store without the power.
var errNoMetadata = errors.New("the store keeps no metadata of clients: it does not implement oauth.ClientMetadataStore")

// Metadata returns the metadata of a client. It has the zero value if the client has
// none, or if the store keeps none.
func (r *Registry) Metadata(ctx context.Context, clientID string) (*oauth.ClientMetadata, error) {
	if r.metadata == nil {
		return new(oauth.ClientMetadata), nil
	}
	m, err := r.metadata.ClientMetadata(ctx, clientID)
	if err != nil {
		return nil, fmt.Errorf("find the metadata of client %q: %w", clientID, err)
	}
	return m, nil
}

// MetadataOf returns the metadata of clients by their ID, without those that have none.
func (r *Registry) MetadataOf(ctx context.Context, clients []*oauth.Client) (map[string]*oauth.ClientMetadata, error) {
	if r.metadata == nil || len(clients) == 0 {
		return nil, nil
	}
	ids := make([]string, len(clients))
	for i, c := range clients {
		ids[i] = c.ID
	}
	return r.metadata.ClientsMetadata(ctx, ids)
}

// UpdateMetadata stores the metadata of a client. logo is a new logo, a PNG or JPEG
// file; without it the client keeps its logo, unless m.Logo is empty. It returns
// [oauth.ErrConflict] if the client was changed since it was read. On success c is the
// client as stored, and m.Logo the digest of its logo.
func (r *Registry) UpdateMetadata(ctx context.Context, c *oauth.Client, m *oauth.ClientMetadata, logo []byte) error {
	if r.metadata == nil {
		return fmt.Errorf("update client %q: %w", c.ID, errNoMetadata)
	}
	stored, err := r.Metadata(ctx, c.ID)
	if err != nil {
		return err
	}
	if err := checkMetadata(m); err != nil {
		return err
	}
	if logo != nil {
		if logo, err = brand.PNG(logo); err != nil {
			return fmt.Errorf("client: the logo cannot be used: %w", err)
		}
		m.Logo = oauth.DigestOf(string(logo))
	} else if m.Logo != "" && m.Logo != stored.Logo {
		return fmt.Errorf("update client %q: it has no logo with this digest: pass the file", c.ID)
	}
	changed := *c
	changed.UpdatedAt = clock.Now()
	record := oauth.AuditRecord{Action: "client.changed", User: c.Owner, ClientID: c.ID, Reason: "metadata", Time: changed.UpdatedAt}
	err = r.audit.Change(ctx, record, func(record *oauth.AuditRecord) error {
		return r.metadata.UpdateClientMetadata(ctx, &changed, m, logo, record)
	}, event.ClientChanged{Meta: audit.Meta(ctx), ClientID: c.ID, What: "metadata"})
	if err != nil {
		return fmt.Errorf("update the metadata of client %q: %w", c.ID, err)
	}
	c.UpdatedAt = changed.UpdatedAt
	c.Version++
	if !m.LooksLike(stored) {
		c.ConsentVersion++
	}
	return nil
}

// Logo returns the logo of a client with a digest, or [oauth.ErrNotFound].
func (r *Registry) Logo(ctx context.Context, clientID string, digest oauth.Digest) ([]byte, error) {
	if r.metadata == nil {
		return nil, oauth.ErrNotFound
	}
	return r.metadata.ClientLogo(ctx, clientID, digest)
}

// checkMetadata returns all faults of metadata.
func checkMetadata(m *oauth.ClientMetadata) error {
	f := new(faults)
	for _, link := range []struct{ name, url string }{
		{"client_uri", m.ClientURI}, {"policy_uri", m.PolicyURI}, {"tos_uri", m.TOSURI}, {"logo_uri", m.LogoURI},
	} {
		f.add(link.url != "" && !brand.IsLink(link.url), "%s %q: want an https URL, or http on a loopback address", link.name, safeurl.Text(link.url))
	}
	for _, contact := range m.Contacts {
		f.add(!storable.Name(contact), "a contact is not valid: want at most 255 bytes of UTF-8, without control and format characters")
	}
	if err := m.Validate(); err != nil {
		f.add(true, "%w", err)
	}
	return errors.Join(f.errs...)
}
