package tokens

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/clients"
	"github.com/go-passport/passport/internal/clock"
	"github.com/go-passport/passport/internal/policy"
	"github.com/go-passport/passport/internal/storable"
	"github.com/go-passport/passport/internal/uuid"
	"github.com/go-passport/passport/oauth"
)

// PersonalAccess is the grant type of the client that personal access tokens belong
// to. The token endpoint does not support it, so no request can use it.
const PersonalAccess = "personal_access"

// PersonalToken holds the fields of a new personal access token;
// passport.PersonalToken documents them.
type PersonalToken struct {
	User       oauth.UserRef
	Name       string
	Scopes     []string
	ExpiresAt  time.Time
	Attributes map[string]string
	Once       string
}

// PersonalConfig holds the dependencies of [Personal]. ClientID and ClientSecret
// are the credentials of the client that the tokens belong to. Without them the
// server creates one.
type PersonalConfig struct {
	Tokens                 *Service
	Clients                *clients.Registry
	ClientID, ClientSecret string
	Opaque                 bool // the tokens are not JWTs
	Limit                  int  // of a user's live tokens; zero for no limit
}

// Format implements [fmt.Formatter]. It prints no secret: only the client ID.
func (c PersonalConfig) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "tokens.PersonalConfig(%s)", c.ClientID)
}

// LogValue implements [slog.LogValuer]: only the client ID.
func (c PersonalConfig) LogValue() slog.Value { return slog.StringValue(c.ClientID) }

// Personal creates personal access tokens.
type Personal struct{ PersonalConfig }

// NewPersonal returns a Personal.
func NewPersonal(c PersonalConfig) *Personal { return &Personal{c} }

// Create creates a personal access token, and returns it with its record. at is the
// time of the request: a later revocation ends the token, even if it is stored
// before the token.
func (p *Personal) Create(ctx context.Context, t PersonalToken, at time.Time) (string, *oauth.AccessToken, error) {
	t.User.Provider = cmp.Or(t.User.Provider, oauth.DefaultProvider)
	i, err := p.request(ctx, t, at)
	if err != nil {
		return "", nil, fmt.Errorf("create personal access token: %w", err)
	}
	if err := p.useUp(ctx, t, at); err != nil {
		return "", nil, err
	}
	res, token, err := p.Tokens.Issue(ctx, i)
	if errors.Is(err, oauth.ErrLimit) {
		return "", nil, policy.LimitReached("create personal access token: the user has reached the limit of live tokens (MaxPersonalTokensPerUser is %d): revoke one, or raise the limit", p.Limit)
	}
	if err != nil {
		return "", nil, fmt.Errorf("create personal access token: %w", err)
	}
	return res.AccessToken, token, nil
}

// OnceTTL is how long a value of PersonalToken.Once is remembered.
const OnceTTL = 24 * time.Hour

// useUp returns [oauth.ErrSpent] if the user has created a token with the same Once.
func (p *Personal) useUp(ctx context.Context, t PersonalToken, at time.Time) error {
	if t.Once == "" {
		return nil
	}
	id := oauth.DigestOf(t.User.Provider + ":" + t.User.ID + "\x00" + t.Once)
	err := p.Tokens.store.UseOnce(ctx, oauth.SpendForm, string(id), at.Add(OnceTTL))
	if err != nil {
		return fmt.Errorf("create personal access token: use up the value of its form: %w", err)
	}
	return nil
}

// Scopes returns the scopes that personal access tokens of a provider's users may have,
// in the order of the configuration.
func (p *Personal) Scopes(ctx context.Context, provider string) ([]oauth.Scope, error) {
	client, err := p.client(ctx, cmp.Or(provider, oauth.DefaultProvider))
	if err != nil {
		return nil, err
	}
	policy := p.Tokens.policy
	return policy.ScopesFor(policy.PersonalScopes(client, PersonalAccess)...), nil
}

// request checks the fields, and returns the request to issue the token.
func (p *Personal) request(ctx context.Context, t PersonalToken, at time.Time) (*Request, error) {
	expires, err := p.check(t, at)
	if err != nil {
		return nil, err
	}
	client, err := p.client(ctx, t.User.Provider)
	if err != nil {
		return nil, err
	}
	permit, err := p.Tokens.Permit(ctx, client)
	if err != nil {
		return nil, clients.Named(client.ID, err)
	}
	scopes, err := p.scopes(client, t.Scopes)
	if err != nil {
		return nil, err
	}
	return &Request{
		Authorization: &oauth.Authorization{
			Subject: oauth.ForUser(t.User), Scopes: scopes, NewFamily: true, AccessTokenTTL: expires.Sub(at), Attributes: t.Attributes,
			Family: &oauth.Family{
				ID: uuid.NewV7(), User: t.User, ClientID: client.ID, Personal: true, CreatedAt: at, ExpiresAt: expires,
			},
		},
		Permit: permit, GrantType: PersonalAccess, Time: at, Name: strings.TrimSpace(t.Name), ByUser: true, Opaque: p.Opaque, Limit: p.Limit,
	}, nil
}

// maxTokenName is the maximum length of a personal access token's name, in
// characters.
const maxTokenName = 191

// check checks the fields that do not depend on the client, and returns when the
// token expires.
func (p *Personal) check(t PersonalToken, at time.Time) (time.Time, error) {
	ttl := p.Tokens.policy.PersonalTokenTTL
	latest := at.Add(ttl)
	expires := t.ExpiresAt.UTC().Truncate(time.Microsecond)
	name := strings.TrimSpace(t.Name)
	switch {
	case name == "":
		return expires, oauth.InvalidRequest.Errorf("the token's name is missing")
	case len([]rune(name)) > maxTokenName || len(name) > 255 || !storable.Name(name):
		return expires, oauth.InvalidRequest.Errorf("the name of the token is longer than %d characters, or has control or format characters", maxTokenName)
	case t.ExpiresAt.IsZero():
		expires = latest
	case !at.Before(expires):
		return expires, oauth.InvalidRequest.Errorf("the expiry time of the token is in the past")
	case expires.After(latest):
		return expires, oauth.InvalidRequest.Errorf("a personal access token can last at most %v", ttl)
	}
	if !storable.Text(t.User.ID) {
		return expires, errors.New("the user's ID is empty or cannot be stored: want UTF-8 without control characters, at most 255 bytes")
	}
	if p.Tokens.users.Provider(t.User.Provider) == nil { // before a client is created for the provider
		return expires, fmt.Errorf("the user provider %q is not in Config", t.User.Provider)
	}
	return expires, nil
}

// scopes checks the scopes of a personal access token. It neither drops nor adds
// scopes.
func (p *Personal) scopes(client *oauth.Client, scopes []string) ([]string, error) {
	out := make([]string, 0, len(scopes))
	for _, id := range scopes {
		if err := p.Tokens.policy.CheckPersonal(id, client, PersonalAccess, "the scope %s is not for personal access tokens"); err != nil {
			return nil, err
		}
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out, nil
}

// client returns the client that personal access tokens of a provider's users
// belong to: the configured client, or a client that the server creates.
func (p *Personal) client(ctx context.Context, provider string) (*oauth.Client, error) {
	client, err := p.configuredClient(ctx, provider)
	if client == nil && err == nil {
		client, err = p.Clients.Internal(ctx, oauth.Client{
			Key: PersonalAccess + ":" + provider, Name: "Personal Access Client", AuthMethod: oauth.AuthSecret, Provider: provider,
			GrantTypes: []string{PersonalAccess}, CreatedAt: clock.Now(), Version: 1,
		}, "personal access tokens")
	}
	switch {
	case err != nil:
		return nil, err
	case !client.Active():
		return nil, fmt.Errorf("the client for personal access tokens, %q, is revoked or suspended: set another PersonalAccessClientID", client.ID)
	case !client.Allows(PersonalAccess):
		return nil, fmt.Errorf("the client for personal access tokens, %q, does not have the grant personal_access: add the grant, or set another PersonalAccessClientID", client.ID)
	}
	return client, nil
}

// configuredClient returns nil if no client is configured for the provider.
func (p *Personal) configuredClient(ctx context.Context, provider string) (*oauth.Client, error) {
	id := p.ClientID
	if id == "" {
		return nil, nil
	}
	client, err := p.Clients.Client(ctx, id)
	if errors.Is(err, oauth.ErrNotFound) { // not wrapped: callers read ErrNotFound as a missing user
		return nil, fmt.Errorf("the client for personal access tokens, %q, does not exist: set another PersonalAccessClientID", id)
	}
	if err != nil {
		return nil, fmt.Errorf("find the client for personal access tokens: %w", err)
	}
	if cmp.Or(client.Provider, oauth.DefaultProvider) != provider {
		return nil, nil
	}
	return client, nil
}

// CheckClient returns the faults of the configured client for personal access
// tokens. The server calls it when it starts, so that the operator sees a fault before
// a user does.
func (p *Personal) CheckClient(ctx context.Context) error {
	id := p.ClientID
	if id == "" {
		return nil
	}
	const field = "Config.PersonalAccessClientID %q: "
	client, err := p.Clients.Client(ctx, id)
	switch {
	case errors.Is(err, oauth.ErrNotFound):
		return fmt.Errorf(field+"there is no such client; create one with `passport client --personal`, or leave the field empty and the server creates one", id)
	case err != nil:
		return fmt.Errorf(field+"%w", id, err)
	case !client.Allows(PersonalAccess):
		return fmt.Errorf(field+"the client is not for personal access tokens; create one with `passport client --personal`", id)
	case !client.Active():
		return fmt.Errorf(field+"the client is revoked or suspended; set another", id)
	}
	right, err := p.Clients.Holds(ctx, client, p.ClientSecret, clock.Now())
	if err != nil {
		return fmt.Errorf("check PersonalAccessClientSecret: %w", err)
	}
	if !right {
		return fmt.Errorf(field+"PersonalAccessClientSecret does not match any of its secrets; copy it again, or create a new one with `passport client rotate-secret %s`", id, id)
	}
	return nil
}

// ShownID returns the ID of a token for a log; empty for nil.
func ShownID(t *oauth.AccessToken) string {
	if t == nil {
		return ""
	}
	return t.ID
}
