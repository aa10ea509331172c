package passport

import (
	"context"
	"iter"
	"time"

	"github.com/go-passport/passport/internal/clients"
	"github.com/go-passport/passport/oauth"
)

// Registration is what a client is made from.
type Registration struct {
	// ID is chosen by the server when empty.
	ID string

	// Name is shown to users on the consent page. Required.
	Name string

	// Owner is whose it is; zero for a client of the operator's own. What an
	// owner registered for himself is marked as unchecked on the consent page.
	Owner UserRef

	// AuthMethod is [oauth.AuthSecret] by default; [oauth.AuthNone] makes a
	// public client, which has no secret and must use PKCE.
	AuthMethod oauth.AuthMethod

	// Provider names the users that the client may act for; the default
	// provider's when empty.
	Provider string

	// RedirectURIs are compared byte by byte (RFC 9700 §2.1); only the port of
	// a native application's loopback URI may differ.
	RedirectURIs []string

	// GrantTypes is authorization_code and refresh_token by default.
	GrantTypes []string

	// Scopes that it may ask for; nil for all.
	Scopes []string

	// Audience makes the client an API: introspection tells it about the access
	// tokens for this audience, which is Config.Audience or one of Config.Resources
	// (RFC 7662 §4). Empty for a client that is no API. With it GrantTypes is none by
	// default.
	Audience string

	// The lifetimes of what it is issued; zero for those of Config.
	AccessTokenTTL, RefreshTokenTTL, FamilyTTL time.Duration

	EndsWithSession bool              // see [oauth.Client]
	Attributes      map[string]string // the application's own
}

// NewClient is a client that was just made.
type NewClient struct {
	Client *oauth.Client

	// Secret is shown this once and stored as a digest only; empty for a
	// public client.
	Secret string
}

// CreateClient makes a client. The error names everything that is wrong with
// the registration.
func (s *Server) CreateClient(ctx context.Context, reg Registration) (*NewClient, error) {
	client, secret, err := s.clients.Create(ctx, clients.Registration(reg))
	if err != nil {
		return nil, err
	}
	return &NewClient{Client: client, Secret: secret}, nil
}

// Client returns a client, or [oauth.ErrNotFound].
func (s *Server) Client(ctx context.Context, id string) (*oauth.Client, error) {
	return s.clients.Client(ctx, id)
}

// Clients yields all clients by ID, revoked ones too.
func (s *Server) Clients(ctx context.Context) iter.Seq2[*oauth.Client, error] {
	return s.clients.All(ctx)
}

// UpdateClient changes what may be changed of a client that was read before: all
// but the ID, the secrets, whether it is public, and when it was made or revoked.
// If somebody else has changed it since it was read, it is [oauth.ErrConflict]:
// read it again. On success c is the client as it is stored. If the name, owner,
// redirect URIs or attributes have changed, users are asked for consent again.
func (s *Server) UpdateClient(ctx context.Context, c *oauth.Client) error {
	return s.clients.Update(ctx, c)
}

// SuspendClient stops a client until [Server.ResumeClient] lets it in again: it
// gets no tokens, and those that it has are refused.
func (s *Server) SuspendClient(ctx context.Context, id string) error {
	return s.clients.Suspend(ctx, id)
}

// ResumeClient lets a suspended client in again, with the tokens that it has.
func (s *Server) ResumeClient(ctx context.Context, id string) error {
	return s.clients.Resume(ctx, id)
}

// RotateSecret gives a confidential client a new secret, which is shown this
// once. Those that it has are good for the given time more, so that they can be
// replaced where they are used; with 0 they end at once.
func (s *Server) RotateSecret(ctx context.Context, clientID string, keepOld time.Duration) (string, error) {
	return s.clients.RotateSecret(ctx, clientID, keepOld)
}

// RevokeClient ends a client, and with it every token that it holds. There is no
// way back. A client that is missing is [oauth.ErrNotFound].
func (s *Server) RevokeClient(ctx context.Context, id string) error {
	return s.clients.Revoke(ctx, id)
}
