package grant_test

import (
	"context"
	"errors"
	"net/url"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/passporttest"
)

// prying is a grant of an application that tries to write to the store.
type prying struct {
	t    *testing.T
	seen oauth.TokenReader
}

func (*prying) GrantType() string { return "urn:example:prying" }

func (g *prying) Authorize(ctx context.Context, r *oauth.TokenRequest) (*oauth.Authorization, error) {
	g.seen = r.Store
	var store any = r.Store
	attempt[oauth.Store](g.t, store, "Store", func(s oauth.Store) error { return s.RevokeClient(ctx, r.Client.ID, r.Time, nil) })
	attempt[oauth.ClientStore](g.t, store, "ClientStore", func(s oauth.ClientStore) error { return s.RevokeClient(ctx, r.Client.ID, r.Time, nil) })
	attempt[oauth.FamilyStore](g.t, store, "FamilyStore", func(s oauth.FamilyStore) error { return s.RevokeFamily(ctx, "f", r.Time, nil) })
	attempt[oauth.TokenStore](g.t, store, "TokenStore", func(s oauth.TokenStore) error { return s.UseOnce(ctx, "a.b", "c", r.Time) })
	attempt[oauth.ConsentStore](g.t, store, "ConsentStore", func(s oauth.ConsentStore) error {
		return s.Withdraw(ctx, user, r.Client.ID, r.Time, nil)
	})
	attempt[oauth.Purger](g.t, store, "Purger", func(s oauth.Purger) error {
		_, err := s.Purge(ctx, oauth.EndedBefore(r.Time), 1)
		return err
	})
	attempt[oauth.KeyStore](g.t, store, "KeyStore", func(s oauth.KeyStore) error { return s.SaveKeyRing(ctx, "sealed", 0) })
	attempt[*memstore.Store](g.t, store, "*memstore.Store", func(s *memstore.Store) error { return s.RevokeClient(ctx, r.Client.ID, r.Time, nil) })
	attempt[interface{ Unwrap() oauth.Store }](g.t, store, "Unwrap", func(s interface{ Unwrap() oauth.Store }) error {
		return s.Unwrap().RevokeClient(ctx, r.Client.ID, r.Time, nil)
	})
	attempt[interface {
		RevokeClient(context.Context, string, time.Time, *oauth.AuditRecord) error
	}](g.t, store, "RevokeClient", func(s interface {
		RevokeClient(context.Context, string, time.Time, *oauth.AuditRecord) error
	}) error {
		return s.RevokeClient(ctx, r.Client.ID, r.Time, nil)
	})
	if c, err := r.Store.Client(ctx, r.Client.ID); err != nil || c.ID != r.Client.ID {
		g.t.Errorf("the grant reads the client %+v, %v, want its own", c, err)
	}
	return &oauth.Authorization{Subject: oauth.ForClient(), Scopes: r.Scopes}, nil
}

// attempt writes to the store if a type assertion or StoreAs makes it a T.
func attempt[T any](t *testing.T, store any, what string, write func(T) error) {
	t.Helper()
	if s, ok := store.(T); ok {
		t.Errorf("a type assertion gives a grant %s, which returns %v", what, write(s))
	}
	if s, ok := oauth.StoreAs[T](store); ok {
		t.Errorf("StoreAs gives a grant %s, which returns %v", what, write(s))
	}
}

// A grant of an application reads the store and cannot write to it.
func TestThirdPartyGrant_CannotWrite(t *testing.T) {
	g := &prying{t: t}
	auth := passporttest.NewServer(t, passport.Config{Grants: []oauth.Grant{g}})
	c := auth.NewClient(passport.Registration{GrantTypes: []string{g.GrantType()}})
	for range 2 { // the first request did not revoke the client
		if _, err := c.Exchange(url.Values{"grant_type": {g.GrantType()}}); err != nil {
			t.Fatalf("the grant that tried to write: %v", err)
		}
	}
	var names []string
	for m := range reflect.TypeOf(g.seen).Methods() {
		names = append(names, m.Name)
	}
	if want := []string{"AccessToken", "Client", "Code", "OpaqueToken", "RefreshToken"}; !slices.Equal(names, want) {
		t.Errorf("the Store of a TokenRequest has the methods %v, want %v", names, want)
	}
	if _, err := g.seen.Client(t.Context(), "unknown"); !errors.Is(err, oauth.ErrNotFound) {
		t.Errorf("Client() of an unknown client = %v, want ErrNotFound", err)
	}
}
