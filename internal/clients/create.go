package clients

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-passport/passport/event"
	"github.com/go-passport/passport/internal/audit"
	"github.com/go-passport/passport/internal/clock"
	"github.com/go-passport/passport/internal/policy"
	"github.com/go-passport/passport/internal/redirect"
	"github.com/go-passport/passport/internal/safeurl"
	"github.com/go-passport/passport/internal/secret"
	"github.com/go-passport/passport/internal/storable"
	"github.com/go-passport/passport/internal/uuid"
	"github.com/go-passport/passport/oauth"
)

// Registration holds the fields of a new client. passport.Registration documents
// them.
type Registration struct {
	ID                                         string
	Name                                       string
	Owner                                      oauth.UserRef
	AuthMethod                                 oauth.AuthMethod
	Provider                                   string
	RedirectURIs                               []string
	GrantTypes                                 []string
	Scopes                                     []string
	Audience                                   string
	AllowedOrigins                             []string
	AccessTokenTTL, RefreshTokenTTL, FamilyTTL time.Duration
	EndsWithSession                            bool
	Attributes                                 map[string]string
	Metadata                                   *oauth.ClientMetadata
	Logo                                       []byte
	OpenID                                     *oauth.ClientOpenID
}

// Check returns every fault for which [Registry.Create] would refuse a registration.
func (r *Registry) Check(reg Registration) error {
	_, err := r.checked(reg)
	return err
}

// checked returns the client of a registration with its metadata, unless the
// registration has faults.
func (r *Registry) checked(reg Registration) (*oauth.ClientCreation, error) {
	c := r.registered(reg)
	m, logo, err := r.describedBy(reg)
	if err := errors.Join(r.checkID(c.ID), r.check(c, nil), err); err != nil {
		return nil, err
	}
	n := &oauth.ClientCreation{Client: c, Metadata: m, Logo: logo}
	if c.Owner != (oauth.UserRef{}) {
		n.Limit = r.limit
	}
	return n, nil
}

// registered returns the client of a registration.
func (r *Registry) registered(reg Registration) *oauth.Client {
	c := &oauth.Client{
		ID: cmp.Or(reg.ID, r.newID()), Name: strings.TrimSpace(reg.Name), Owner: reg.Owner,
		AuthMethod: cmp.Or(reg.AuthMethod, oauth.AuthSecret), Provider: reg.Provider,
		RedirectURIs: slices.Clone(reg.RedirectURIs), GrantTypes: slices.Clone(reg.GrantTypes), Scopes: slices.Clone(reg.Scopes), Audience: reg.Audience,
		AllowedOrigins: slices.Clone(reg.AllowedOrigins),
		AccessTokenTTL: reg.AccessTokenTTL, RefreshTokenTTL: reg.RefreshTokenTTL, FamilyTTL: reg.FamilyTTL,
		EndsWithSession: reg.EndsWithSession, Attributes: maps.Clone(reg.Attributes), OpenID: openIDOf(reg), CreatedAt: clock.Now(), Version: 1,
	}
	switch {
	case c.GrantTypes != nil:
	case c.Audience != "":
		c.GrantTypes = []string{}
	default:
		c.GrantTypes = oauth.DefaultGrantTypes()
	}
	return c
}

// Create creates a client, and returns it with its metadata and its secret, which is
// empty for a public client. The error names every fault of the registration.
func (r *Registry) Create(ctx context.Context, reg Registration) (created *oauth.ClientCreation, plain string, err error) {
	n, err := r.checked(reg)
	if err != nil {
		return nil, "", err
	}
	c := n.Client
	at := c.CreatedAt
	if !c.Public() {
		plain = secret.New()
		c.Secrets = []oauth.Secret{{Digest: oauth.DigestOf(plain), CreatedAt: at}}
	}
	err = r.create(ctx, n, oauth.AuditRecord{Action: "client.created", User: c.Owner, ClientID: c.ID, Time: at})
	if errors.Is(err, oauth.ErrConflict) {
		return nil, "", fmt.Errorf("create client: a client with the ID %q already exists: choose another: %w", c.ID, err)
	}
	if errors.Is(err, oauth.ErrLimit) {
		return nil, "", policy.LimitReached("create client: the user %s has reached the limit of clients (MaxClientsPerUser is %d): revoke one, or raise the limit", c.Owner.ID, r.limit)
	}
	if err != nil {
		return nil, "", fmt.Errorf("create client: %w", err)
	}
	r.warnUnencrypted(ctx, c, nil)
	return n, plain, nil
}

// warnUnencrypted logs each redirect URI that the network can read, if it was not
// registered before.
func (r *Registry) warnUnencrypted(ctx context.Context, c *oauth.Client, before []string) {
	for _, uri := range c.RedirectURIs {
		if redirect.Unencrypted(uri) && !slices.Contains(before, uri) {
			r.log.WarnContext(ctx, "a redirect URI of a client is not encrypted: others on the network can read codes and tokens; use https in production",
				"client_id", c.ID, "redirect_uri", safeurl.Text(uri))
		}
	}
}

// create stores a new client.
func (r *Registry) create(ctx context.Context, n *oauth.ClientCreation, record oauth.AuditRecord) error {
	return r.audit.Change(ctx, record, func(record *oauth.AuditRecord) error {
		switch {
		case n.Metadata != nil:
			return r.metadata.CreateClientWithMetadata(ctx, n, record)
		case n.Limit > 0:
			return r.store.CreateClientWithin(ctx, n.Client, n.Limit, record)
		}
		return r.store.CreateClient(ctx, n.Client, record)
	}, event.ClientCreated{Meta: audit.Meta(ctx), Client: n.Client})
}

// newID returns the ID for a client that was registered without one. It is empty if
// the store assigns numeric IDs.
func (r *Registry) newID() string {
	if r.numbered {
		return ""
	}
	return uuid.NewV7()
}

func (r *Registry) checkID(id string) error {
	if id == "" && r.numbered || storable.Name(id) {
		return nil
	}
	return errors.New("client: the ID is not valid: want at most 255 bytes of UTF-8, without control and format characters")
}
