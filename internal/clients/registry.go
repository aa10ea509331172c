// Package clients is the registry of clients: it creates, changes and authenticates
// them. No other package writes clients to the store. It does not depend on HTTP.
package clients

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"time"

	"github.com/go-passport/passport/internal/audit"
	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/policy"
	"github.com/go-passport/passport/internal/throttle"
	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/oauth"
)

// Config holds the dependencies of a [Registry]. All fields except
// Log, Metadata, Limit and Numbered are required.
type Config struct {
	Store  oauth.ClientStore
	Parts  *feature.Joined
	Policy *policy.Policy
	Users  *users.Directory
	Audit  audit.Log
	Log    *slog.Logger // nil for none

	Metadata oauth.ClientMetadataStore // nil if the store does not implement it

	// IDTokenAlg returns an error if ID tokens can't have an algorithm. It is called only if
	// the server is an OpenID provider.
	IDTokenAlg func(alg string) error

	Limit    int  // the maximum number of an owner's clients; zero for no limit
	Numbered bool // the store assigns numeric IDs to new clients
}

// Registry creates, changes and authenticates a server's clients. It is safe for
// concurrent use.
type Registry struct {
	store    oauth.ClientStore
	metadata oauth.ClientMetadataStore
	parts    *feature.Joined
	policy   *policy.Policy
	users    *users.Directory
	audit    audit.Log
	log      *slog.Logger

	idTokenAlg func(alg string) error

	limit    int
	numbered bool

	throttle *throttle.Throttle
}

// New returns a registry.
func New(c Config) *Registry {
	log := cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	return &Registry{c.Store, c.Metadata, c.Parts, c.Policy, c.Users, c.Audit, log, c.IDTokenAlg, c.Limit, c.Numbered, newThrottle()}
}

// Client returns a client, or [oauth.ErrNotFound].
func (r *Registry) Client(ctx context.Context, id string) (*oauth.Client, error) {
	return r.store.Client(ctx, id)
}

// All yields all clients by ID, including revoked ones.
func (r *Registry) All(ctx context.Context) iter.Seq2[*oauth.Client, error] {
	return r.store.Clients(ctx)
}

// Of yields the clients of an owner by ID, including revoked ones.
func (r *Registry) Of(ctx context.Context, owner oauth.UserRef) iter.Seq2[*oauth.Client, error] {
	return r.store.ClientsOf(ctx, owner)
}

// UnrevokedOf yields the clients of an owner by ID, except revoked ones.
func (r *Registry) UnrevokedOf(ctx context.Context, owner oauth.UserRef) iter.Seq2[*oauth.Client, error] {
	return r.store.UnrevokedClientsOf(ctx, owner)
}

// LongestTokenLife returns the longest lifetime of access tokens and ID tokens that is set
// for a client; zero if none is set.
func (r *Registry) LongestTokenLife(ctx context.Context) (longest time.Duration, err error) {
	for c, err := range r.store.Clients(ctx) {
		if err != nil {
			return 0, fmt.Errorf("list clients: %w", err)
		}
		if c.RevokedAt.IsZero() {
			longest = max(longest, c.AccessTokenTTL)
			if c.OpenID != nil {
				longest = max(longest, c.OpenID.IDTokenTTL)
			}
		}
	}
	return longest, nil
}

// Internal returns the client with a key, and creates it if it is missing. If
// several nodes create it at once, all return the same client. what names the
// client's purpose in the audit log.
func (r *Registry) Internal(ctx context.Context, c oauth.Client, what string) (*oauth.Client, error) {
	found, err := r.store.ClientByKey(ctx, c.Key)
	if !errors.Is(err, oauth.ErrNotFound) {
		return found, err
	}
	c.ID = r.newID()
	err = r.create(ctx, &oauth.ClientCreation{Client: &c}, oauth.AuditRecord{Action: "client.created", ClientID: c.ID, Reason: what, Time: c.CreatedAt})
	if errors.Is(err, oauth.ErrConflict) { // another node created it first
		return r.store.ClientByKey(ctx, c.Key)
	}
	if err != nil {
		return nil, fmt.Errorf("create the client of %s: %w", what, err)
	}
	return &c, nil
}

// ShownID returns the ID of a client for a log; empty for nil.
func ShownID(c *oauth.Client) string {
	if c == nil {
		return ""
	}
	return c.ID
}
