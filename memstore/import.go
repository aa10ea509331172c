package memstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-passport/passport/oauth"
)

// imports is what the store keeps about imports.
type imports struct {
	clients table[string, importedClient]
	unowned table[oauth.Digest, oauth.ImportedRefreshToken]
	notes   table[string, string]
	last    string // the ID of the import that began last
}

type importedClient struct {
	secret    oauth.Digest
	until, at time.Time
}

// Import implements [oauth.ImportStore].
func (s *Store) Import(ctx context.Context, b *oauth.ImportBatch) error {
	return s.change(ctx, nil, func() (bool, error) {
		for _, c := range b.Clients {
			if err := s.importClient(c); err != nil {
				return false, fmt.Errorf("import client %.100q: %w", c.Client.ID, err)
			}
		}
		if err := importable(b); err != nil {
			return false, err
		}
		s.importTokens(b)
		for _, t := range b.Unowned {
			row := oauth.ImportedRefreshToken{Digest: t.Digest, AccessTokenID: t.AccessTokenID, CreatedAt: micros(t.CreatedAt), ExpiresAt: micros(t.ExpiresAt), RevokedAt: micros(t.RevokedAt)}
			if old, ok := s.imports.unowned[t.Digest]; ok {
				row = old
				row.RevokedAt = ended(old.RevokedAt, t.RevokedAt)
				if at := micros(t.CreatedAt); at.After(row.CreatedAt) {
					row.CreatedAt = at
				}
			}
			if s.refresh.has(t.Digest) && row.BegunAt.IsZero() {
				row.BegunAt = row.CreatedAt
			}
			s.imports.unowned.put(t.Digest, row)
		}
		for _, c := range b.Consents {
			for _, scope := range c.Scopes {
				at := micros(c.GrantedAt)
				s.consents.put(consentKey{user: c.User, clientID: c.ClientID, scope: scope, at: at, version: s.clients[c.ClientID].ConsentVersion}, at)
			}
		}
		return true, nil
	})
}

// LastImport implements [oauth.ImportStore].
func (s *Store) LastImport(context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.imports.last, nil
}

// importRun names an import of a store.
type importRun struct {
	of *Store
	id string
}

type importRunKey struct{}

// overtaken reports whether a context is that of an import, and another one has begun.
func (s *Store) overtaken(ctx context.Context) bool {
	run, ok := ctx.Value(importRunKey{}).(importRun)
	return ok && run.of == s && run.id != s.imports.last
}

// BeginImport implements [oauth.ImportStore].
func (s *Store) BeginImport(ctx context.Context, last string, notes map[string]string) (context.Context, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last != s.imports.last {
		return nil, oauth.ErrConflict
	}
	for name := range notes {
		if !storable(name) {
			return nil, errors.New("the name of a note cannot be stored")
		}
	}
	s.imports.last = rand.Text()
	for name, value := range notes {
		s.imports.notes.put(name, value)
	}
	return context.WithValue(ctx, importRunKey{}, importRun{s, s.imports.last}), nil
}

// ended returns the first of two times of an end; zero if there is none.
func ended(here, there time.Time) time.Time {
	if !here.IsZero() {
		return here
	}
	return micros(there)
}

func importable(b *oauth.ImportBatch) error {
	wrong := slices.ContainsFunc(b.Families, func(f *oauth.Family) bool {
		return f.ID == "" || !storable(f.ID, f.User.Provider, f.User.ID, f.ClientID)
	})
	wrong = wrong || slices.ContainsFunc(b.AccessTokens, func(t *oauth.AccessToken) bool {
		return t.Client == nil || t.ID == "" || !storable(t.ID, t.Client.ID)
	})
	wrong = wrong || slices.ContainsFunc(b.RefreshTokens, func(t *oauth.RefreshToken) bool {
		return t.Family == nil || !storable(string(t.Digest), t.AccessTokenID, t.Family.ID)
	})
	wrong = wrong || slices.ContainsFunc(b.Codes, func(c *oauth.Code) bool { return c.Family == nil || !storable(string(c.Digest), c.Family.ID) })
	wrong = wrong || slices.ContainsFunc(b.Unowned, func(t *oauth.ImportedRefreshToken) bool { return !storable(string(t.Digest), t.AccessTokenID) })
	wrong = wrong || slices.ContainsFunc(b.Consents, func(c oauth.ImportedConsent) bool { return !storable(c.User.Provider, c.User.ID, c.ClientID) })
	if wrong {
		return errors.New("a record has an ID that cannot be stored, or no family or client")
	}
	return nil
}

func (s *Store) importTokens(b *oauth.ImportBatch) {
	for _, f := range b.Families {
		row := *cloneFamily(*f)
		if old, ok := s.families[f.ID]; ok {
			row = old
			row.RevokedAt = ended(old.RevokedAt, f.RevokedAt)
			if f.ExpiresAt.After(old.ExpiresAt) {
				row.ExpiresAt = micros(f.ExpiresAt)
			}
		}
		s.families.put(f.ID, row)
	}
	for _, t := range b.AccessTokens {
		row := accessRow{AccessToken: *cloneAccess(*t), client: t.Client.ID}
		if t.Family != nil {
			row.family = t.Family.ID
		}
		if old, ok := s.access[t.ID]; ok {
			row = old
			row.RevokedAt = ended(old.RevokedAt, t.RevokedAt)
		}
		s.access.put(t.ID, row)
	}
	for _, t := range b.RefreshTokens {
		row := refreshRow{RefreshToken: *cloneRefresh(*t), family: t.Family.ID}
		if old, ok := s.refresh[t.Digest]; ok {
			row = old
			row.SpentAt = ended(old.SpentAt, t.SpentAt)
		}
		s.refresh.put(t.Digest, row)
	}
	for _, c := range b.Codes {
		row := codeRow{Code: *cloneCode(*c), family: c.Family.ID}
		if old, ok := s.codes[c.Digest]; ok {
			row = old
			row.SpentAt = ended(old.SpentAt, c.SpentAt)
		}
		s.codes.put(c.Digest, row)
	}
}

// importClient creates a client, or changes it to what the other server has now.
func (s *Store) importClient(c *oauth.ImportedClient) error {
	id := c.Client.ID
	if id == "" || !storable(id) || len(c.Client.Secrets) > 1 {
		return errors.New("its ID cannot be stored, or it has several secrets")
	}
	if err := c.Client.Validate(); err != nil {
		return err
	}
	var secret oauth.Digest
	for _, one := range c.Client.Secrets {
		secret = one.Digest
	}
	known, imported := s.imports.clients[id]
	stored, exists := s.clients[id]
	switch {
	case !imported && exists:
		return oauth.ErrConflict
	case !imported:
		s.clients.put(id, *cloneClient(*c.Client))
		if n, err := strconv.ParseInt(id, 10, 64); err == nil && strconv.FormatInt(n, 10) == id {
			s.lastID = max(s.lastID, n)
		}
		s.imports.clients.put(id, importedClient{secret, micros(c.CiphertextsUntil), micros(c.Client.CreatedAt)})
		return nil
	}
	if exists {
		s.clients.put(id, updatedImport(stored, c.Client, known.secret != secret))
	}
	if c.CiphertextsUntil.After(known.until) {
		known.until = micros(c.CiphertextsUntil)
	}
	s.imports.clients.put(id, importedClient{secret, known.until, known.at})
	return nil
}

// updatedImport returns a stored client with what the other server has now.
func updatedImport(stored oauth.Client, c *oauth.Client, secret bool) oauth.Client {
	next := *cloneClient(stored)
	next.Name, next.Owner, next.Provider, next.AuthMethod = c.Name, c.Owner, c.Provider, c.AuthMethod
	next.RedirectURIs, next.GrantTypes, next.Scopes = slices.Clone(c.RedirectURIs), slices.Clone(c.GrantTypes), slices.Clone(c.Scopes)
	next.RevokedAt = ended(stored.RevokedAt, c.RevokedAt)
	if !next.LooksLike(&stored) {
		next.ConsentVersion++
	}
	if !next.LooksLike(&stored) || next.Provider != stored.Provider || !slices.Equal(next.GrantTypes, stored.GrantTypes) || !slices.Equal(next.Scopes, stored.Scopes) {
		next.Version++
	}
	if secret {
		next.Secrets = cloneClient(*c).Secrets
	}
	return next
}

// ImportedClient implements [oauth.ImportStore].
func (s *Store) ImportedClient(_ context.Context, id string) (*oauth.ImportedClient, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known, ok := s.imports.clients[id]
	if !ok {
		return nil, oauth.ErrNotFound
	}
	c := &oauth.ImportedClient{Client: &oauth.Client{ID: id, CreatedAt: known.at}, CiphertextsUntil: known.until}
	if known.secret != "" {
		c.Client.Secrets = []oauth.Secret{{Digest: known.secret}}
	}
	for _, t := range s.imports.unowned {
		if t.ExpiresAt.After(c.CiphertextsUntil) {
			c.CiphertextsUntil = t.ExpiresAt
		}
	}
	return c, nil
}

// ImportedRefreshToken implements [oauth.ImportStore].
func (s *Store) ImportedRefreshToken(_ context.Context, d oauth.Digest) (*oauth.ImportedRefreshToken, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.imports.unowned[d]
	if !ok {
		return nil, oauth.ErrNotFound
	}
	return &t, nil
}

// BeginImported implements [oauth.ImportStore].
func (s *Store) BeginImported(ctx context.Context, d oauth.Digest, f *oauth.Family, scopes []string, at time.Time) error {
	return s.change(ctx, nil, func() (bool, error) {
		t, ok := s.imports.unowned[d]
		if !ok || !t.BegunAt.IsZero() || !t.RevokedAt.IsZero() || !micros(at).Before(t.ExpiresAt) {
			return false, nil
		}
		if s.families.has(f.ID) {
			return false, taken("family", f.ID)
		}
		t.BegunAt = micros(at)
		s.imports.unowned.put(d, t)
		s.families.put(f.ID, *cloneFamily(*f))
		row := oauth.RefreshToken{Digest: d, AccessTokenID: t.AccessTokenID, Scopes: scopes, ExpiresAt: t.ExpiresAt}
		s.refresh.put(d, refreshRow{RefreshToken: *cloneRefresh(row), family: f.ID})
		return true, nil
	})
}

// mayBegin reports whether an imported refresh token without an owner can still begin its
// family at a time. A cut-off ends that family, too.
func (s *Store) mayBegin(at time.Time) bool {
	for _, t := range s.imports.unowned {
		if t.BegunAt.IsZero() && t.RevokedAt.IsZero() && at.Before(t.ExpiresAt) {
			return true
		}
	}
	return false
}

// importing reports whether another import may come: clients were imported and the switch
// has not happened.
func (s *Store) importing() bool {
	return len(s.imports.clients) > 0 && !s.imports.notes.has(oauth.ImportSwitched)
}

// ImportNote implements [oauth.ImportStore].
func (s *Store) ImportNote(_ context.Context, name string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	value, ok := s.imports.notes[name]
	if !ok {
		return "", oauth.ErrNotFound
	}
	return value, nil
}

// SetImportNote implements [oauth.ImportStore].
func (s *Store) SetImportNote(ctx context.Context, name, value string) error {
	return s.change(ctx, nil, func() (bool, error) {
		if !storable(name) {
			return false, errors.New("save note: its name cannot be stored")
		}
		s.imports.notes.put(name, value)
		return true, nil
	})
}

// ReplaceSecret implements [oauth.ImportStore].
func (s *Store) ReplaceSecret(ctx context.Context, clientID string, old, replacement oauth.Digest) error {
	return s.change(ctx, nil, func() (bool, error) {
		c, ok := s.clients[clientID]
		if !ok {
			return false, nil
		}
		c = *cloneClient(c)
		for i := range c.Secrets {
			if c.Secrets[i].Digest == old {
				c.Secrets[i].Digest = replacement
			}
		}
		s.clients.put(clientID, c)
		return true, nil
	})
}

// ImportStatus implements [oauth.ImportStore].
func (s *Store) ImportStatus(_ context.Context, at time.Time) (*oauth.ImportStatus, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at = micros(at)
	status := &oauth.ImportStatus{Clients: len(s.imports.clients)}
	for id, known := range s.imports.clients {
		isHash := strings.HasPrefix(string(known.secret), "$")
		if isHash && slices.ContainsFunc(s.clients[id].Secrets, func(secret oauth.Secret) bool { return secret.Digest == known.secret }) {
			status.HashedSecrets++
		}
	}
	status.RefreshTokens, status.AccessTokens = s.importedTokens(at)
	for _, t := range s.imports.unowned {
		if t.BegunAt.IsZero() && t.RevokedAt.IsZero() && at.Before(t.ExpiresAt) {
			status.Unowned++
		}
	}
	for d, c := range s.codes {
		if d.Imported() && c.SpentAt.IsZero() && at.Before(c.ExpiresAt) {
			status.Codes++
		}
	}
	return status, nil
}

// importedTokens counts the imported tokens of users that can still be used.
func (s *Store) importedTokens(at time.Time) (refresh, access int) {
	live := func(family string) bool {
		f, ok := s.families[family]
		return ok && f.Live(at)
	}
	for d, t := range s.refresh {
		if d.Imported() && t.SpentAt.IsZero() && at.Before(t.ExpiresAt) && live(t.family) {
			refresh++
		}
	}
	for _, t := range s.access {
		if oauth.Imported(t.family) && t.Audience == nil && t.RevokedAt.IsZero() && at.Before(t.ExpiresAt) && live(t.family) {
			access++
		}
	}
	return refresh, access
}
