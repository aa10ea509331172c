package oauth

import (
	"context"
	"errors"
	"slices"
)

// ClientMetadata is what pages show about a client beside its name (RFC 7591 §2). All
// fields are optional. The server checks them; a store keeps them unchanged.
type ClientMetadata struct {
	ClientURI string   `json:"client_uri,omitempty"` // its home page
	PolicyURI string   `json:"policy_uri,omitempty"` // its privacy policy
	TOSURI    string   `json:"tos_uri,omitempty"`    // its terms of service
	Contacts  []string `json:"contacts,omitempty"`   // of its developers, such as email addresses; not shown to users

	// LogoURI is kept as it was registered. The server neither fetches nor shows it.
	LogoURI string `json:"logo_uri,omitempty"`

	// Logo is the digest of the uploaded logo, or empty. The logo itself is an image
	// in the format PNG: see [ClientMetadataStore].
	Logo Digest `json:"logo,omitempty"`

	// Verified says that the operator has checked who the client belongs to. Only the
	// operator may set it.
	Verified bool `json:"verified,omitempty"`
}

// LooksLike reports whether consent pages show the same for both. Contacts and LogoURI
// are not on the page.
func (m *ClientMetadata) LooksLike(other *ClientMetadata) bool {
	return m.ClientURI == other.ClientURI && m.PolicyURI == other.PolicyURI && m.TOSURI == other.TOSURI && m.Logo == other.Logo && m.Verified == other.Verified
}

// MaxLogo is the largest logo of a client, in bytes.
const MaxLogo = 512 << 10

// Validate returns an error for metadata that a store refuses, because it is too large.
func (m *ClientMetadata) Validate() error {
	const maxText, maxContacts = 2048, 10
	texts := append([]string{m.ClientURI, m.PolicyURI, m.TOSURI, m.LogoURI}, m.Contacts...)
	if len(m.Contacts) > maxContacts || slices.ContainsFunc(texts, func(text string) bool { return len(text) > maxText }) {
		return errors.New("oauth: the client's metadata is too large: want at most 10 contacts, and 2048 bytes for each value")
	}
	return nil
}

// ClientMetadataStore is a [Store] that keeps the [ClientMetadata] and the logos of
// clients.
type ClientMetadataStore interface {
	// ClientMetadata returns the metadata of a client; the zero value if it has none,
	// or if there is no such client.
	ClientMetadata(ctx context.Context, clientID string) (*ClientMetadata, error)

	// ClientsMetadata returns the metadata of clients by their ID, for lists. It leaves
	// out clients that have none.
	ClientsMetadata(ctx context.Context, clientIDs []string) (map[string]*ClientMetadata, error)

	// UpdateClientMetadata replaces the metadata of a client, and sets the client's
	// UpdatedAt to that of c. The same write increments the client's Version, and its
	// ConsentVersion unless m looks like the stored metadata (see
	// [ClientMetadata.LooksLike]). If m.Logo differs from the stored one, logo
	// replaces the client's logo; an empty m.Logo deletes it. It returns
	// [ErrNotFound] if the client does not exist, and [ErrConflict] if its Version is
	// not that of c.
	//
	// A purge deletes the metadata with the client.
	UpdateClientMetadata(ctx context.Context, c *Client, m *ClientMetadata, logo []byte, audit *AuditRecord) error

	// ClientLogo returns the client's logo if it has the digest, or else [ErrNotFound].
	ClientLogo(ctx context.Context, clientID string, logo Digest) ([]byte, error)
}
