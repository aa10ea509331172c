package passport

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/audit"
	"github.com/go-passport/passport/internal/clock"
	"github.com/go-passport/passport/internal/redirect"
	"github.com/go-passport/passport/internal/secret"
	"github.com/go-passport/passport/internal/storable"
	"github.com/go-passport/passport/internal/uuid"
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
	at := clock.Now()
	c := &oauth.Client{
		ID: cmp.Or(reg.ID, s.newClientID()), Name: strings.TrimSpace(reg.Name), Owner: reg.Owner,
		AuthMethod: cmp.Or(reg.AuthMethod, oauth.AuthSecret), Provider: reg.Provider,
		RedirectURIs: slices.Clone(reg.RedirectURIs), GrantTypes: slices.Clone(reg.GrantTypes), Scopes: slices.Clone(reg.Scopes),
		AccessTokenTTL: reg.AccessTokenTTL, RefreshTokenTTL: reg.RefreshTokenTTL, FamilyTTL: reg.FamilyTTL,
		EndsWithSession: reg.EndsWithSession, Attributes: maps.Clone(reg.Attributes), CreatedAt: at, Version: 1,
	}
	if c.GrantTypes == nil {
		c.GrantTypes = []string{"authorization_code", "refresh_token"}
	}
	if err := errors.Join(s.checkClientID(c.ID), s.checkClient(c)); err != nil {
		return nil, err
	}
	made := &NewClient{Client: c}
	if !c.Public() {
		made.Secret = secret.New()
		c.Secrets = []oauth.Secret{{Digest: oauth.DigestOf(made.Secret), CreatedAt: at}}
	}
	record := oauth.AuditRecord{Action: "client.created", User: c.Owner, ClientID: c.ID, Time: at}
	err := s.audit.Change(ctx, record, func(record *oauth.AuditRecord) error {
		return s.config.Store.CreateClient(ctx, c, record)
	}, ClientCreated{Meta: audit.Meta(ctx), Client: c})
	if errors.Is(err, oauth.ErrConflict) {
		return nil, fmt.Errorf("create client: there is a client with the ID %q already: choose another: %w", c.ID, err)
	}
	if err != nil {
		return nil, fmt.Errorf("create client: %w", err)
	}
	return made, nil
}

// newClientID is the ID of a client that was given none: empty where the store is
// to count up.
func (s *Server) newClientID() string {
	if s.config.ClientIDs == Integers {
		return ""
	}
	return uuid.NewV7()
}

func (s *Server) checkClientID(id string) error {
	if id == "" && s.config.ClientIDs == Integers || storable.Text(id) {
		return nil
	}
	return errors.New("client: the ID is not UTF-8 without control characters, of at most 255 bytes")
}

// checkClient reports everything that is wrong with what may be changed of a
// client.
func (s *Server) checkClient(c *oauth.Client) error {
	var faults []error
	fault := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf("client: "+format, args...))
		}
	}
	fault(c.Name == "", "a name is missing: it is what users see on the consent page")
	fault(!storable.Text(c.Name), "the name is not UTF-8 without control characters, of at most 255 bytes")
	fault(!slices.Contains([]oauth.AuthMethod{oauth.AuthNone, oauth.AuthBasic, oauth.AuthPost, oauth.AuthSecret}, c.AuthMethod),
		"the authentication method %q does not exist: use none, client_secret_basic or client_secret_post", c.AuthMethod)
	fault(c.Provider != "" && s.users.Provider(c.Provider) == nil, "the user provider %q does not exist: name one of Config.Providers", c.Provider)
	fault((c.Owner.ID == "") != (c.Owner.Provider == ""), "the owner needs provider and ID, or neither")
	for _, g := range c.GrantTypes {
		fault(!s.parts.HasGrant(g), "the grant %q does not exist: %s", g, s.parts.Remedy(g))
		if check := s.parts.Traits(g).CheckClient; check != nil {
			err := check(c, s.users.Provider(c.Provider))
			fault(err != nil, "%w", err)
		}
	}
	for _, ttl := range []time.Duration{c.AccessTokenTTL, c.RefreshTokenTTL, c.FamilyTTL} {
		fault(ttl != 0 && ttl < time.Second, "a lifetime is %v: want at least a second, or none for that of the server", ttl)
	}
	redirects := s.parts.AnyTrait(c, func(t oauth.GrantTraits) bool { return t.Redirects })
	fault(redirects && len(c.RedirectURIs) == 0, "a redirect URI is missing: say where users are sent back to")
	for _, uri := range c.RedirectURIs {
		if err := redirect.Validate(uri, !s.https()); err != nil {
			fault(true, "the redirect URI %q %w", uri, err)
		}
	}
	for _, id := range c.Scopes {
		fault(!s.HasScope(id), "the scope %q does not exist: add it to Config.Scopes", id)
	}
	return errors.Join(faults...)
}

// Client returns a client, or [oauth.ErrNotFound].
func (s *Server) Client(ctx context.Context, id string) (*oauth.Client, error) {
	return s.config.Store.Client(ctx, id)
}

// Clients yields all clients by ID, revoked ones too.
func (s *Server) Clients(ctx context.Context) iter.Seq2[*oauth.Client, error] {
	return s.config.Store.Clients(ctx)
}
