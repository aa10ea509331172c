package memstore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/go-passport/passport/oauth"
)

func cloneClient(c oauth.Client) *oauth.Client {
	c.Secrets = slices.Clone(c.Secrets)
	for i := range c.Secrets {
		s := &c.Secrets[i]
		s.CreatedAt, s.ExpiresAt = micros(s.CreatedAt), micros(s.ExpiresAt)
	}
	if len(c.Secrets) == 0 {
		c.Secrets = nil
	}
	c.OpenID = c.OpenID.Clone()
	c.RedirectURIs, c.GrantTypes, c.Scopes = slices.Clone(c.RedirectURIs), slices.Clone(c.GrantTypes), slices.Clone(c.Scopes)
	c.AllowedOrigins, c.Attributes = slices.Clone(c.AllowedOrigins), maps.Clone(c.Attributes)
	c.AccessTokenTTL = c.AccessTokenTTL.Truncate(time.Microsecond)
	c.RefreshTokenTTL, c.FamilyTTL = c.RefreshTokenTTL.Truncate(time.Microsecond), c.FamilyTTL.Truncate(time.Microsecond)
	c.CreatedAt, c.UpdatedAt = micros(c.CreatedAt), micros(c.UpdatedAt)
	c.SuspendedAt, c.RevokedAt, c.TokensNotBefore = micros(c.SuspendedAt), micros(c.RevokedAt), micros(c.TokensNotBefore)
	return &c
}

// Client implements [oauth.ClientStore].
func (s *Store) Client(_ context.Context, id string) (*oauth.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.clients[id]
	if !ok || !storable(id) {
		return nil, oauth.ErrNotFound
	}
	return cloneClient(c), nil
}

// ClientByKey implements [oauth.ClientStore].
func (s *Store) ClientByKey(_ context.Context, key string) (*oauth.Client, error) {
	if key == "" {
		return nil, oauth.ErrNotFound
	}
	found := s.clientsWhere(func(c oauth.Client) bool { return c.Key == key })
	if len(found) == 0 {
		return nil, oauth.ErrNotFound
	}
	return found[0], nil
}

// Clients implements [oauth.ClientStore].
func (s *Store) Clients(context.Context) iter.Seq2[*oauth.Client, error] {
	return list(func() []*oauth.Client { return s.clientsWhere(func(oauth.Client) bool { return true }) })
}

// ClientsOf implements [oauth.ClientStore].
func (s *Store) ClientsOf(_ context.Context, owner oauth.UserRef) iter.Seq2[*oauth.Client, error] {
	return list(func() []*oauth.Client { return s.clientsWhere(func(c oauth.Client) bool { return c.Owner == owner }) })
}

// UnrevokedClientsOf implements [oauth.ClientStore].
func (s *Store) UnrevokedClientsOf(_ context.Context, owner oauth.UserRef) iter.Seq2[*oauth.Client, error] {
	return list(func() []*oauth.Client {
		return s.clientsWhere(func(c oauth.Client) bool { return c.Owner == owner && c.RevokedAt.IsZero() })
	})
}

func (s *Store) clientsWhere(match func(oauth.Client) bool) (found []*oauth.Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.clients {
		if match(c) {
			found = append(found, cloneClient(c))
		}
	}
	slices.SortFunc(found, byClientID)
	return found
}

// nextID returns the next number that isn't a client's ID. It never returns the
// same number twice.
func (s *Store) nextID() string {
	for {
		s.lastID++
		if id := strconv.FormatInt(s.lastID, 10); !s.clients.has(id) {
			return id
		}
	}
}

// CreateClient implements [oauth.ClientStore].
func (s *Store) CreateClient(ctx context.Context, c *oauth.Client, audit *oauth.AuditRecord) error {
	return s.createClient(ctx, &oauth.ClientCreation{Client: c}, audit)
}

// CreateClientWithin implements [oauth.ClientStore].
func (s *Store) CreateClientWithin(ctx context.Context, c *oauth.Client, limit int, audit *oauth.AuditRecord) error {
	if limit < 1 {
		return oauth.ErrLimit
	}
	return s.createClient(ctx, &oauth.ClientCreation{Client: c, Limit: limit}, audit)
}

// createClient stores a client, and its metadata unless it is nil.
func (s *Store) createClient(ctx context.Context, n *oauth.ClientCreation, audit *oauth.AuditRecord) error {
	c := n.Client
	if !storable(c.ID, c.Key) {
		return errors.New("memstore: the client's ID or Key cannot be stored")
	}
	if err := c.Validate(); err != nil {
		return fmt.Errorf("create client: %w", err)
	}
	var record *oauth.AuditRecord
	if audit != nil {
		copied := *audit // the ID of a numbered client is not known yet
		record = &copied
	}
	return s.change(ctx, record, func() (bool, error) {
		if s.clients.has(c.ID) || s.keyTaken(c.Key) {
			return false, oauth.ErrConflict
		}
		if n.Limit > 0 && s.unrevokedOf(c.Owner) >= n.Limit {
			return false, oauth.ErrLimit
		}
		if c.ID == "" {
			c.ID = s.nextID()
			if record != nil {
				record.ClientID = c.ID
			}
		}
		s.clients.put(c.ID, *cloneClient(*c))
		if n.Metadata != nil {
			s.metadata.put(c.ID, newMetadataRow(n.Metadata, n.Logo))
		}
		return true, nil
	})
}

// unrevokedOf returns the number of an owner's clients that are not revoked.
func (s *Store) unrevokedOf(owner oauth.UserRef) (n int) {
	for _, c := range s.clients {
		if c.Owner == owner && c.RevokedAt.IsZero() {
			n++
		}
	}
	return n
}

func (s *Store) keyTaken(key string) bool {
	for _, c := range s.clients {
		if key != "" && c.Key == key {
			return true
		}
	}
	return false
}

// UpdateClient implements [oauth.ClientStore].
func (s *Store) UpdateClient(ctx context.Context, c *oauth.Client, audit *oauth.AuditRecord) error {
	return s.updateClient(ctx, c, audit, func(*oauth.Client) bool { return false })
}

// updateClient changes a client. also makes a further change in the same write, and
// reports whether consent pages show it.
func (s *Store) updateClient(ctx context.Context, c *oauth.Client, audit *oauth.AuditRecord, also func(stored *oauth.Client) (shown bool)) error {
	if err := c.Validate(); err != nil {
		return fmt.Errorf("update client: %w", err)
	}
	return s.changeClient(ctx, c.ID, audit, func(stored *oauth.Client) (bool, error) {
		if stored.Version != c.Version {
			return false, oauth.ErrConflict
		}
		changed := cloneClient(*c)
		changed.Key, changed.Secrets, changed.AuthMethod = stored.Key, stored.Secrets, stored.AuthMethod
		changed.CreatedAt, changed.RevokedAt, changed.TokensNotBefore = stored.CreatedAt, stored.RevokedAt, stored.TokensNotBefore
		changed.Version++
		changed.ConsentVersion = stored.ConsentVersion
		if also(stored) || !changed.LooksLike(stored) {
			changed.ConsentVersion++
		}
		*stored = *changed
		return true, nil
	})
}

// RotateSecret implements [oauth.ClientStore].
func (s *Store) RotateSecret(ctx context.Context, clientID string, secret oauth.Secret, othersUntil time.Time, audit *oauth.AuditRecord) error {
	return s.changeClient(ctx, clientID, audit, func(c *oauth.Client) (bool, error) {
		c.Secrets = slices.Clone(c.Secrets)
		for i, other := range c.Secrets {
			if other.Digest == secret.Digest {
				return false, oauth.ErrConflict
			}
			if other.ExpiresAt.IsZero() || other.ExpiresAt.After(othersUntil) {
				c.Secrets[i].ExpiresAt = othersUntil
			}
		}
		c.Secrets = append(c.Secrets, secret)
		return true, nil
	})
}

// RevokeClient implements [oauth.ClientStore].
func (s *Store) RevokeClient(ctx context.Context, id string, at time.Time, audit *oauth.AuditRecord) error {
	return s.changeClient(ctx, id, audit, func(c *oauth.Client) (bool, error) {
		if !c.RevokedAt.IsZero() {
			return false, nil
		}
		c.RevokedAt = at
		return true, nil
	})
}

func (s *Store) changeClient(ctx context.Context, id string, audit *oauth.AuditRecord, change func(*oauth.Client) (bool, error)) error {
	return s.change(ctx, audit, func() (bool, error) {
		c, ok := s.clients[id]
		if !ok || !storable(id) {
			return false, oauth.ErrNotFound
		}
		changed, err := change(&c)
		if changed {
			s.clients.put(id, *cloneClient(c))
		}
		return changed, err
	})
}
