package tokens

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/go-passport/passport/oauth"
)

// App is a client that may act for a user, or that needs no new consent to do so. Its
// fields are those of passport.ConnectedApp, which documents them.
type App struct {
	Client    *oauth.Client
	Scopes    []string // of consents: as they are stored
	Since     time.Time
	ExpiresAt time.Time
	Live      int
}

// Apps returns the clients that have a live family of the user or a consent, the newest
// first. It considers [oauth.MaxListed] families and as many clients.
func (s *Service) Apps(ctx context.Context, user oauth.UserRef, at time.Time) ([]*App, error) {
	live, err := s.store.Connections(ctx, user, at)
	if err != nil {
		return nil, err
	}
	found := apps{}
	for _, t := range live {
		a := found.of(t.Client, t.Family.CreatedAt)
		a.Live++
		a.Scopes = append(a.Scopes, t.Scopes...)
		if a.ExpiresAt.Before(t.Family.ExpiresAt) {
			a.ExpiresAt = t.Family.ExpiresAt
		}
	}
	if err := found.addConsents(ctx, s.store, user); err != nil {
		return nil, err
	}
	return found.sorted(), nil
}

// apps are apps by the ID of their client.
type apps map[string]*App

// of returns the app of a client. since is a time at which the user allowed it.
func (all apps) of(c *oauth.Client, since time.Time) *App {
	a := all[c.ID]
	if a == nil {
		a = &App{Client: c, Since: since}
		all[c.ID] = a
	}
	if since.Before(a.Since) {
		a.Since = since
	}
	return a
}

// addConsents adds the consents of a user, if the store can list them.
func (all apps) addConsents(ctx context.Context, store any, user oauth.UserRef) error {
	lister, ok := oauth.StoreAs[oauth.ConsentListStore](store)
	if !ok {
		return nil
	}
	for c, err := range lister.ConsentsOf(ctx, user) {
		if err != nil {
			return err
		}
		if all[c.Client.ID] == nil && len(all) >= oauth.MaxListed {
			continue
		}
		a := all.of(c.Client, c.GrantedAt)
		a.Scopes = append(a.Scopes, c.Scope)
	}
	return nil
}

func (all apps) sorted() []*App {
	sorted := make([]*App, 0, len(all))
	for _, a := range all {
		slices.Sort(a.Scopes)
		a.Scopes = slices.Compact(a.Scopes)
		sorted = append(sorted, a)
	}
	slices.SortFunc(sorted, func(a, b *App) int {
		return cmp.Or(b.Since.Compare(a.Since), strings.Compare(a.Client.ID, b.Client.ID))
	})
	return sorted
}
