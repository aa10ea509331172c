package passport

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"time"

	"github.com/go-passport/passport/internal/clients"
	"github.com/go-passport/passport/oauth"
)

// Registration holds the fields of a new client, for [Server.CreateClient]. Only
// Name is required; a client for authorization_code also needs RedirectURIs.
type Registration struct {
	// ID identifies the client: valid UTF-8 without control and format characters,
	// at most 255 bytes. Default: chosen by the server, see Config.ClientIDs.
	ID string

	// Name is shown to users on the consent page: valid UTF-8 without control and
	// format characters, except joiners, at most 255 bytes. Required.
	Name string

	// Owner is the user who owns the client. The consent page marks an owned client
	// as unchecked. Zero means that the operator owns it.
	Owner UserRef

	// AuthMethod is how the client authenticates. [oauth.AuthNone] makes a public
	// client, which has no secret and must use PKCE. Default: [oauth.AuthSecret].
	AuthMethod oauth.AuthMethod

	// Provider names the user provider of the client's users. Default: "users", which
	// is Config.Users. Required without Config.Users, unless all of the grant types
	// act for the client itself.
	Provider string

	// RedirectURIs are the allowed redirect URIs. The server compares them byte by
	// byte (RFC 9700 §2.1), except for the port of a loopback URI, which is free for
	// a public client (RFC 8252 §7.3). For a confidential client, it is free if the
	// URI is registered without a port; another port then needs PKCE and always
	// shows the consent page.
	RedirectURIs []string

	// GrantTypes are the allowed grant types. Default: authorization_code and
	// refresh_token; none if Audience is set.
	GrantTypes []string

	// Scopes are the scopes that the client may request. Nil means all.
	Scopes []string

	// Audience makes the client an API: the introspection endpoint tells it about
	// access tokens for this audience (RFC 7662 §4). It is Config.Audience or one
	// of Config.Resources. Empty for a client that is not an API. An API without
	// grants gets no tokens, so it has no redirect URIs, scopes, provider and
	// lifetimes.
	Audience string

	// AllowedOrigins are further origins whose pages may call the token and
	// revocation endpoints as this client (CORS), such as "capacitor://localhost".
	// The origins of RedirectURIs need no entry. Default: none.
	AllowedOrigins []string

	// The lifetimes of the client's tokens. Default: the lifetimes of Config.
	AccessTokenTTL, RefreshTokenTTL, FamilyTTL time.Duration

	EndsWithSession bool              // see [oauth.Client]
	Attributes      map[string]string // for the application's use

	// Metadata is what pages show about the client beside its name. Its field Logo is
	// ignored: pass the file in Logo. Only the operator may set Verified. Default: none.
	Metadata *oauth.ClientMetadata

	// Logo is the content of a PNG or JPEG file, as in [Server.UpdateClientMetadata].
	// Default: none.
	Logo []byte

	// OpenID are the client's settings for OpenID Connect. They need the feature OpenID.
	// Default: none.
	OpenID *oauth.ClientOpenID
}

// NewClient is the result of [Server.CreateClient].
type NewClient struct {
	Client *oauth.Client

	// Secret is the client's secret; empty for a public client. It is returned only
	// once: the server stores its digest.
	Secret string

	// Metadata is the client's metadata as stored, with the digest of its logo. It is
	// nil if the registration has none.
	Metadata *oauth.ClientMetadata
}

// Format implements [fmt.Formatter]. It prints no secret: only the client ID.
func (c NewClient) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "passport.NewClient(%s)", clients.ShownID(c.Client))
}

// LogValue implements [slog.LogValuer]: only the client ID.
//
// encoding/json is not changed, because an application may respond with the value. So
// [slog.JSONHandler] prints the secret of a value inside a list, map or struct; log
// the value as an attribute, or its ID.
func (c NewClient) LogValue() slog.Value { return slog.StringValue(clients.ShownID(c.Client)) }

// CreateClient creates a client. The error lists every fault of the registration.
// It is [oauth.ErrConflict] if a client with the ID exists, and [oauth.ErrLimit] if
// the owner has Config.MaxClientsPerUser clients.
func (s *Server) CreateClient(ctx context.Context, reg Registration) (*NewClient, error) {
	created, secret, err := s.clients.Create(ctx, clients.Registration(reg))
	if err != nil {
		return nil, err
	}
	return &NewClient{Client: created.Client, Secret: secret, Metadata: created.Metadata}, nil
}

// CheckClient returns every fault for which [Server.CreateClient] would refuse a
// registration, and stores nothing. A form can check each field with it: an empty, not
// nil, list of GrantTypes requires no other fields but Name.
func (s *Server) CheckClient(reg Registration) error {
	return s.clients.Check(clients.Registration(reg))
}

// Client returns a client, or [oauth.ErrNotFound].
func (s *Server) Client(ctx context.Context, id string) (*oauth.Client, error) {
	return s.clients.Client(ctx, id)
}

// Clients yields all clients in the order of their IDs, including revoked ones.
func (s *Server) Clients(ctx context.Context) iter.Seq2[*oauth.Client, error] {
	return s.clients.All(ctx)
}

// UpdateClient stores a changed client: read it with [Server.Client], change its fields, and
// pass it. The client of a token is not complete: it has no OpenID. UpdateClient
// changes all fields except the ID, the secrets, the authentication method, and the
// times of creation and revocation. It returns [oauth.ErrConflict] if the client
// has been changed since it was read: read it again and retry.
//
// On success c is the client as stored. Users are asked for consent again if the
// name, owner, redirect URIs or attributes have changed.
func (s *Server) UpdateClient(ctx context.Context, c *oauth.Client) error {
	return s.clients.Update(ctx, c)
}

// ClientMetadata returns what pages show about a client beside its name. It has the zero
// value if the client has none, or if the store is not an [oauth.ClientMetadataStore].
func (s *Server) ClientMetadata(ctx context.Context, clientID string) (*oauth.ClientMetadata, error) {
	return s.clients.Metadata(ctx, clientID)
}

// UpdateClientMetadata replaces the metadata of a client: read both, and pass them. The
// same write stores the changed fields of c, as [Server.UpdateClient] does. logo
// is the content of a new logo: a PNG or JPEG file of at most 512 kB and 1024×1024
// pixels, which is encoded again as PNG. With a nil logo, the client keeps its logo,
// unless m.Logo is empty. It returns [oauth.ErrConflict] if the client has been changed
// since it was read.
//
// On success c is the client as stored, and m.Logo the digest of its logo. Users are
// asked for consent again if any metadata but the contacts and LogoURI has changed. An
// application must let only its operator set Verified.
func (s *Server) UpdateClientMetadata(ctx context.Context, c *oauth.Client, m *oauth.ClientMetadata, logo []byte) error {
	return s.clients.UpdateMetadata(ctx, c, m, logo)
}

// SuspendClient disables a client until [Server.ResumeClient]. Meanwhile the client
// gets no tokens, and its tokens are refused.
func (s *Server) SuspendClient(ctx context.Context, id string) error {
	return s.clients.Suspend(ctx, id)
}

// ResumeClient enables a suspended client and its tokens.
func (s *Server) ResumeClient(ctx context.Context, id string) error {
	return s.clients.Resume(ctx, id)
}

// RotateSecret gives a confidential client a new secret and returns it. The secret
// is returned only once. The old secrets stay valid for keepOld, so that
// deployments can switch; with 0 they end at once.
func (s *Server) RotateSecret(ctx context.Context, clientID string, keepOld time.Duration) (string, error) {
	return s.clients.RotateSecret(ctx, clientID, keepOld)
}

// RevokeClient revokes a client and all of its tokens, permanently. It returns
// [oauth.ErrNotFound] if the client does not exist.
func (s *Server) RevokeClient(ctx context.Context, id string) error {
	return s.clients.Revoke(ctx, id)
}
