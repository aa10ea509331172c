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
	"github.com/go-passport/passport/internal/redirect"
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
	AccessTokenTTL, RefreshTokenTTL, FamilyTTL time.Duration
	EndsWithSession                            bool
	Attributes                                 map[string]string
}

// Create creates a client, and returns it with its secret, which is empty for a
// public client. The error names every fault of the registration.
func (r *Registry) Create(ctx context.Context, reg Registration) (client *oauth.Client, plain string, err error) {
	at := clock.Now()
	c := &oauth.Client{
		ID: cmp.Or(reg.ID, r.newID()), Name: strings.TrimSpace(reg.Name), Owner: reg.Owner,
		AuthMethod: cmp.Or(reg.AuthMethod, oauth.AuthSecret), Provider: reg.Provider,
		RedirectURIs: slices.Clone(reg.RedirectURIs), GrantTypes: slices.Clone(reg.GrantTypes), Scopes: slices.Clone(reg.Scopes), Audience: reg.Audience,
		AccessTokenTTL: reg.AccessTokenTTL, RefreshTokenTTL: reg.RefreshTokenTTL, FamilyTTL: reg.FamilyTTL,
		EndsWithSession: reg.EndsWithSession, Attributes: maps.Clone(reg.Attributes), CreatedAt: at, Version: 1,
	}
	switch {
	case c.GrantTypes != nil:
	case c.Audience != "":
		c.GrantTypes = []string{}
	default:
		c.GrantTypes = oauth.DefaultGrantTypes()
	}
	if err := errors.Join(r.checkID(c.ID), r.check(c)); err != nil {
		return nil, "", err
	}
	if !c.Public() {
		plain = secret.New()
		c.Secrets = []oauth.Secret{{Digest: oauth.DigestOf(plain), CreatedAt: at}}
	}
	err = r.create(ctx, c, oauth.AuditRecord{Action: "client.created", User: c.Owner, ClientID: c.ID, Time: at})
	if errors.Is(err, oauth.ErrConflict) {
		return nil, "", fmt.Errorf("create client: there is a client with the ID %q already: choose another: %w", c.ID, err)
	}
	if err != nil {
		return nil, "", fmt.Errorf("create client: %w", err)
	}
	return c, plain, nil
}

// create stores a new client.
func (r *Registry) create(ctx context.Context, c *oauth.Client, record oauth.AuditRecord) error {
	return r.audit.Change(ctx, record, func(record *oauth.AuditRecord) error {
		return r.store.CreateClient(ctx, c, record)
	}, event.ClientCreated{Meta: audit.Meta(ctx), Client: c})
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
	if id == "" && r.numbered || storable.Text(id) {
		return nil
	}
	return errors.New("client: the ID is not UTF-8 without control characters, of at most 255 bytes")
}

// check returns all faults in the changeable fields of a client.
func (r *Registry) check(c *oauth.Client) error {
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
	fault(c.Provider != "" && r.users.Provider(c.Provider) == nil, "the user provider %q does not exist: name one of Config.Providers", c.Provider)
	fault((c.Owner.ID == "") != (c.Owner.Provider == ""), "the owner needs provider and ID, or neither")
	for _, g := range c.GrantTypes {
		fault(!r.parts.HasGrant(g), "the grant %q does not exist: %s", g, r.parts.Remedy(g))
		if check := r.parts.Traits(g).CheckClient; check != nil {
			err := check(c, r.users.Provider(c.Provider))
			fault(err != nil, "%w", err)
		}
	}
	for _, ttl := range []time.Duration{c.AccessTokenTTL, c.RefreshTokenTTL, c.FamilyTTL} {
		fault(ttl != 0 && ttl < time.Second, "a lifetime is %v: want at least a second, or none for that of the server", ttl)
	}
	redirects := r.parts.AnyTrait(c, func(t oauth.GrantTraits) bool { return t.Redirects })
	fault(redirects && len(c.RedirectURIs) == 0, "a redirect URI is missing: say where users are sent back to")
	for _, uri := range c.RedirectURIs {
		if err := redirect.Validate(uri, r.allowHTTP); err != nil {
			fault(true, "the redirect URI %q %w", uri, err)
		}
	}
	for _, err := range []error{r.checkAudience(c), checkAPI(c)} {
		fault(err != nil, "%w", err)
	}
	fault(c.Audience != "" && c.Public(), "an API needs a secret: introspection is not for public clients")
	for _, id := range c.Scopes {
		fault(!r.policy.HasScope(id), "the scope %q does not exist: add it to Config.Scopes", id)
	}
	return errors.Join(faults...)
}
