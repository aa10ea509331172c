package oauth

import (
	"context"
	"fmt"
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

// The bounds of [ClientMetadata]. MaxLogo and MaxLink are in bytes.
const (
	MaxLogo     = 512 << 10
	MaxLink     = 2048 // also of a contact
	MaxContacts = 10
)

// Validate returns an error for metadata that a store refuses, because it is too large.
func (m *ClientMetadata) Validate() error {
	texts := append([]string{m.ClientURI, m.PolicyURI, m.TOSURI, m.LogoURI}, m.Contacts...)
	if len(m.Contacts) > MaxContacts || slices.ContainsFunc(texts, func(text string) bool { return len(text) > MaxLink }) {
		return fmt.Errorf("oauth: the client's metadata is too large: want at most %d contacts, and %d bytes for each value", MaxContacts, MaxLink)
	}
	return nil
}

// ClientCreation is a new client with its metadata.
type ClientCreation struct {
	Client   *Client
	Limit    int // maximum number of the owner's clients; zero for no limit
	Metadata *ClientMetadata
	Logo     []byte // the image that Metadata.Logo is the digest of
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

	// CreateClientWithMetadata stores a client as [ClientStore] does with CreateClient,
	// or with CreateClientWithin if n has a limit, and the client's metadata and logo
	// in the same write.
	CreateClientWithMetadata(ctx context.Context, n *ClientCreation, audit *AuditRecord) error

	// UpdateClientWithMetadata changes a client as UpdateClient of [ClientStore] does,
	// and replaces its metadata in the same write. It increments the client's Version
	// by one. It increments ConsentVersion by one unless both c and m look like what
	// is stored (see [Client.LooksLike] and [ClientMetadata.LooksLike]). If m.Logo
	// differs from the stored one, logo replaces the client's logo; an empty m.Logo
	// deletes it.
	//
	// A purge deletes the metadata with the client.
	UpdateClientWithMetadata(ctx context.Context, c *Client, m *ClientMetadata, logo []byte, audit *AuditRecord) error

	// ClientLogo returns the client's logo if it has the digest, or else [ErrNotFound].
	ClientLogo(ctx context.Context, clientID string, logo Digest) ([]byte, error)
}
