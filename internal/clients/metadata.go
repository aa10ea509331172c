package clients

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/go-passport/passport/internal/brand"
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

// UpdateMetadata stores a changed client, as [Registry.Update] does, with its metadata.
// logo is a new logo, a PNG or JPEG file; without it the client keeps its logo, unless
// m.Logo is empty. It returns [oauth.ErrConflict] if the client was changed since it was
// read. On success c is the client as stored, and m.Logo the digest of its logo.
func (r *Registry) UpdateMetadata(ctx context.Context, c *oauth.Client, m *oauth.ClientMetadata, logo []byte) error {
	if r.metadata == nil {
		return fmt.Errorf("update client %q: %w", c.ID, errNoMetadata)
	}
	stored, err := r.changeable(ctx, c)
	if err != nil {
		return err
	}
	what := "metadata"
	if !reflect.DeepEqual(c, stored) { // else it needs no check, so that an outdated client can be verified
		what = "registration"
		if err := r.check(c, stored); err != nil {
			return err
		}
	}
	before, err := r.Metadata(ctx, c.ID)
	if err != nil {
		return err
	}
	if err := checkMetadata(m); err != nil {
		return err
	}
	if logo, err = encodeLogo(m, logo); err != nil {
		return err
	}
	if logo == nil && m.Logo != "" && m.Logo != before.Logo {
		return fmt.Errorf("update client %q: it has no logo with this digest: pass the file", c.ID)
	}
	if err := r.update(ctx, c, &description{m, logo}, what); err != nil {
		return err
	}
	r.warnUnencrypted(ctx, c, stored.RedirectURIs)
	c.ConsentVersion = stored.ConsentVersion
	if !c.LooksLike(stored) || !m.LooksLike(before) {
		c.ConsentVersion++
	}
	return nil
}

// UpdateCheckedMetadata stores a changed client and its metadata, which were checked. See
// [Registry.UpdateChecked].
func (r *Registry) UpdateCheckedMetadata(ctx context.Context, c *oauth.Client, m *oauth.ClientMetadata, what string) error {
	if r.metadata == nil {
		return fmt.Errorf("update client %q: %w", c.ID, errNoMetadata)
	}
	return r.update(ctx, c, &description{metadata: m}, what)
}

// description is new metadata of a client, with a new logo if that is not nil.
type description struct {
	metadata *oauth.ClientMetadata
	logo     []byte // a PNG
}

// KeepsMetadata reports whether the store keeps the metadata of clients.
func (r *Registry) KeepsMetadata() bool { return r.metadata != nil }

// describedBy returns the metadata of a registration, and its logo as PNG. It is nil if
// the registration has neither.
func (r *Registry) describedBy(reg Registration) (*oauth.ClientMetadata, []byte, error) {
	m := new(oauth.ClientMetadata)
	switch {
	case reg.Metadata == nil && reg.Logo == nil:
		return nil, nil, nil
	case r.metadata == nil:
		return nil, nil, fmt.Errorf("client: %w", errNoMetadata)
	case reg.Metadata != nil:
		*m = *reg.Metadata
		m.Contacts = slices.Clone(m.Contacts)
	}
	logo, err := encodeLogo(m, reg.Logo)
	if logo == nil {
		m.Logo = "" // the client has no stored one
	}
	return m, logo, errors.Join(checkMetadata(m), err)
}

// encodeLogo encodes a new logo as PNG, and sets its digest in m.
func encodeLogo(m *oauth.ClientMetadata, logo []byte) ([]byte, error) {
	if logo == nil {
		return nil, nil
	}
	encoded, err := brand.PNG(logo)
	if err != nil {
		return nil, fmt.Errorf("client: the logo cannot be used: %w", err)
	}
	m.Logo = oauth.DigestOf(string(encoded))
	return encoded, nil
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
