package passport

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/audit"
	"github.com/go-passport/passport/internal/clock"
	"github.com/go-passport/passport/internal/storable"
	"github.com/go-passport/passport/internal/uuid"
	"github.com/go-passport/passport/oauth"
)

// personalAccess is the grant type of a client that personal access tokens
// belong to. No request can name it: the token endpoint does not know it.
const personalAccess = "personal_access"

// PersonalToken is what a personal access token is made from.
type PersonalToken struct {
	User   UserRef
	Name   string   // by which the user knows it; at most 191 characters
	Scopes []string // none by default: Config.DefaultScopes do not apply

	// ExpiresAt is when it ends; zero for Config.PersonalTokenTTL from now, which
	// is also the latest.
	ExpiresAt time.Time

	Attributes map[string]string // the application's own
}

// NewToken is a personal access token that was just made.
type NewToken struct {
	AccessToken string             // shown this once; an opaque one is stored as a digest only
	Token       *oauth.AccessToken // its record
}

// CreateToken makes a personal access token: one that a user makes for himself,
// without a client that asks for it. See [Server.CreatePersonalToken].
func (s *Server) CreateToken(ctx context.Context, user UserRef, name string, scopes ...string) (*NewToken, error) {
	return s.CreatePersonalToken(ctx, PersonalToken{User: user, Name: name, Scopes: scopes})
}

// CreatePersonalToken makes a personal access token. It asks nobody for consent:
// call it for the user who is signed in. The error is an [oauth.InvalidScope] for
// a scope that is not registered or that the client of personal tokens may not
// have, an [oauth.InvalidRequest] for a name or time that will not do, and
// [oauth.ErrNotFound] for a user who is gone, as [oauth.UserProvider.UserByID]
// says when the token is issued.
func (s *Server) CreatePersonalToken(ctx context.Context, p PersonalToken) (*NewToken, error) {
	return s.createPersonalToken(ctx, p, clock.Now()) // before the user is asked for
}

// createPersonalToken is CreatePersonalToken for a request that came in at a time:
// what is revoked after that ends the token too.
func (s *Server) createPersonalToken(ctx context.Context, p PersonalToken, at time.Time) (*NewToken, error) {
	p.User.Provider = cmp.Or(p.User.Provider, DefaultProvider)
	expires, err := s.checkPersonal(p, at)
	if err != nil {
		return nil, fmt.Errorf("create personal access token: %w", err)
	}
	client, err := s.personalClient(ctx, p.User.Provider)
	if err != nil {
		return nil, fmt.Errorf("create personal access token: %w", err)
	}
	scopes, err := s.personalScopes(client, p.Scopes)
	if err != nil {
		return nil, fmt.Errorf("create personal access token: %w", err)
	}
	res, token, err := s.issue(ctx, &issuing{
		Authorization: &oauth.Authorization{
			Subject: oauth.ForUser(p.User), Scopes: scopes, NewFamily: true, AccessTokenTTL: expires.Sub(at), Attributes: p.Attributes,
			Family: &oauth.Family{
				ID: uuid.NewV7(), User: p.User, ClientID: client.ID, Personal: true, CreatedAt: at, ExpiresAt: expires,
			},
		},
		client: client, grantType: personalAccess, time: at, name: strings.TrimSpace(p.Name), byUser: true,
		opaque: s.config.PersonalTokenFormat == Opaque,
	})
	if err != nil {
		return nil, fmt.Errorf("create personal access token: %w", err)
	}
	return &NewToken{AccessToken: res.AccessToken, Token: token}, nil
}

// maxTokenName is how many characters the name of a personal access token may have.
const maxTokenName = 191

// checkPersonal checks what does not depend on the client, and returns when the
// token ends.
func (s *Server) checkPersonal(p PersonalToken, at time.Time) (time.Time, error) {
	latest := at.Add(s.config.PersonalTokenTTL)
	expires := p.ExpiresAt.UTC().Truncate(time.Microsecond)
	name := strings.TrimSpace(p.Name)
	switch {
	case name == "":
		return expires, oauth.InvalidRequest.Errorf("the token has no name")
	case len([]rune(name)) > maxTokenName || len(name) > 255 || !storable.Text(name):
		return expires, oauth.InvalidRequest.Errorf("the name of the token is longer than %d characters, or has control characters", maxTokenName)
	case p.ExpiresAt.IsZero():
		expires = latest
	case !at.Before(expires):
		return expires, oauth.InvalidRequest.Errorf("the token would have ended already")
	case expires.After(latest):
		return expires, oauth.InvalidRequest.Errorf("a personal access token ends within %v", s.config.PersonalTokenTTL)
	}
	if !storable.Text(p.User.ID) {
		return expires, errors.New("the user's ID is empty or cannot be stored: want UTF-8 without control characters, at most 255 bytes")
	}
	if s.users.Provider(p.User.Provider) == nil { // before a client is made for the provider
		return expires, fmt.Errorf("the user provider %q is not one of Config", p.User.Provider)
	}
	return expires, nil
}

// personalScopes checks the scopes of a personal access token. None are dropped
// in silence, and none are added.
func (s *Server) personalScopes(client *oauth.Client, scopes []string) ([]string, error) {
	out := make([]string, 0, len(scopes))
	for _, id := range scopes {
		if !s.policy.Registered(id) {
			return nil, oauth.InvalidScope.Errorf("the scope %s does not exist", id)
		}
		if len(s.policy.PermittedScopes([]string{id}, client, personalAccess)) == 0 {
			return nil, oauth.InvalidScope.Errorf("the scope %s is not for personal access tokens", id)
		}
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out, nil
}

// personalClient returns the client that personal access tokens of a provider's
// users belong to: the one that is configured, or the one that the server makes.
func (s *Server) personalClient(ctx context.Context, provider string) (*oauth.Client, error) {
	client, err := s.configuredPersonalClient(ctx, provider)
	if client == nil && err == nil {
		client, err = s.ownPersonalClient(ctx, provider)
	}
	switch {
	case err != nil:
		return nil, err
	case !client.Active():
		return nil, fmt.Errorf("the client of personal access tokens, %q, is revoked or suspended: name another by PersonalAccessClientID", client.ID)
	case !client.Allows(personalAccess):
		return nil, fmt.Errorf("the client of personal access tokens, %q, may not have any: give it the grant personal_access, or name another by PersonalAccessClientID", client.ID)
	}
	return client, nil
}

// configuredPersonalClient is nil when none is configured for the provider.
func (s *Server) configuredPersonalClient(ctx context.Context, provider string) (*oauth.Client, error) {
	id := s.config.PersonalAccessClientID
	if id == "" {
		return nil, nil
	}
	client, err := s.config.Store.Client(ctx, id)
	if errors.Is(err, oauth.ErrNotFound) { // not wrapped: it would say that the user is gone
		return nil, fmt.Errorf("the client of personal access tokens, %q, is gone: name another by PersonalAccessClientID", id)
	}
	if err != nil {
		return nil, fmt.Errorf("find the client of personal access tokens: %w", err)
	}
	if cmp.Or(client.Provider, DefaultProvider) != provider {
		return nil, nil
	}
	return client, nil
}

// ownPersonalClient returns the client that the server makes, under a key, so
// that nodes which make it at once make one.
func (s *Server) ownPersonalClient(ctx context.Context, provider string) (*oauth.Client, error) {
	key := personalAccess + ":" + provider
	client, err := s.config.Store.ClientByKey(ctx, key)
	if !errors.Is(err, oauth.ErrNotFound) {
		return client, err
	}
	client = &oauth.Client{
		ID: s.newClientID(), Key: key, Name: "Personal Access Client", AuthMethod: oauth.AuthSecret, Provider: provider,
		GrantTypes: []string{personalAccess}, CreatedAt: clock.Now(), Version: 1,
	}
	record := oauth.AuditRecord{Action: "client.created", ClientID: client.ID, Reason: "personal access tokens", Time: client.CreatedAt}
	err = s.audit.Change(ctx, record, func(record *oauth.AuditRecord) error {
		return s.config.Store.CreateClient(ctx, client, record)
	}, ClientCreated{Meta: audit.Meta(ctx), Client: client})
	if errors.Is(err, oauth.ErrConflict) { // another node was first
		return s.config.Store.ClientByKey(ctx, key)
	}
	if err != nil {
		return nil, fmt.Errorf("create the client of personal access tokens: %w", err)
	}
	return client, nil
}

// checkPersonalClient reports what is wrong with the client that is configured
// for personal access tokens. It is called when the server starts: found out
// later, it would be a user's error.
func (s *Server) checkPersonalClient(ctx context.Context) error {
	id := s.config.PersonalAccessClientID
	if id == "" {
		return nil
	}
	const field = "passport: Config.PersonalAccessClientID %q: "
	client, err := s.config.Store.Client(ctx, id)
	switch {
	case errors.Is(err, oauth.ErrNotFound):
		return fmt.Errorf(field+"there is no such client; make one with `passport client --personal`, or leave it out and the server makes one", id)
	case err != nil:
		return fmt.Errorf(field+"%w", id, err)
	case !client.Allows(personalAccess):
		return fmt.Errorf(field+"the client is not one of personal access tokens; make one with `passport client --personal`", id)
	case !client.Active():
		return fmt.Errorf(field+"the client is revoked or suspended; name another", id)
	case !client.Authenticates(s.config.PersonalAccessClientSecret, clock.Now()):
		return fmt.Errorf(field+"PersonalAccessClientSecret is none of its secrets; copy it again, or make a new one with `passport client rotate-secret %s`", id, id)
	}
	return nil
}
