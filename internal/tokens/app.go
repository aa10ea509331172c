package tokens

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/clock"
	"github.com/go-passport/passport/oauth"
)

// Apps returns the clients that have a live family of the user or a consent, the newest
// first. It considers [oauth.MaxListed] families and as many clients.
func (s *Service) Apps(ctx context.Context, user oauth.UserRef, at time.Time) ([]*oauth.ConnectedApp, error) {
	live, err := s.Connections(ctx, user, at)
	if err != nil {
		return nil, fmt.Errorf("list connected apps: %w", err)
	}
	found := apps{}
	for _, t := range live {
		a := found.of(t.Client, t.Family.CreatedAt)
		a.granted = append(append(a.granted, t.Scopes...), t.GrantedScopes...)
		if a.ExpiresAt.Before(t.Family.ExpiresAt) {
			a.ExpiresAt = t.Family.ExpiresAt
		}
		if a.LastUsedAt.Before(t.LastUsedAt) {
			a.LastUsedAt, a.LastUsedAddress, a.LastUsedAgent = t.LastUsedAt, t.LastUsedAddress, t.LastUsedAgent
		}
	}
	if err := s.addDevices(ctx, found, user, live, at); err != nil {
		return nil, fmt.Errorf("list connected devices: %w", err)
	}
	if err := found.addConsents(ctx, s.store, user); err != nil {
		return nil, fmt.Errorf("list connected apps: %w", err)
	}
	if err := found.addMetadata(ctx, s.store); err != nil {
		return nil, fmt.Errorf("list connected apps: %w", err)
	}
	sorted := make([]*oauth.ConnectedApp, 0, len(found))
	for _, a := range found {
		a.Scopes = s.policy.Described(a.granted)
		sorted = append(sorted, &a.ConnectedApp)
	}
	slices.SortFunc(sorted, func(a, b *oauth.ConnectedApp) int {
		return cmp.Or(b.Since.Compare(a.Since), strings.Compare(a.Client.ID, b.Client.ID))
	})
	return sorted, nil
}

// apps are apps by the ID of their client.
type apps map[string]*app

// app is an app with its scopes, and the names of its consents.
type app struct {
	oauth.ConnectedApp
	granted []string
}

// of returns the app of a client. since is a time at which the user allowed it.
func (all apps) of(c *oauth.Client, since time.Time) *app {
	a := all[c.ID]
	if a == nil {
		a = &app{ConnectedApp: oauth.ConnectedApp{Client: c, Metadata: new(oauth.ClientMetadata), Since: since}}
		all[c.ID] = a
	}
	if since.Before(a.Since) {
		a.Since = since
	}
	return a
}

// addDevices adds the devices of the families that are live, and the devices that the user
// has allowed and that have not used their code, if the store keeps devices.
func (s *Service) addDevices(ctx context.Context, all apps, user oauth.UserRef, live []*oauth.AccessToken, at time.Time) error {
	lister, ok := oauth.StoreAs[oauth.DeviceStore](s.store)
	if !ok {
		return nil
	}
	devices, err := lister.DevicesOf(ctx, user)
	if err != nil {
		return err
	}
	clients := map[string]string{} // by the ID of the family
	for _, t := range live {
		clients[t.Family.ID] = t.Client.ID
	}
	for _, d := range devices {
		a := all[clients[d.FamilyID]]
		if a == nil && at.Before(d.ExpiresAt.Add(pickUp)) {
			if a, err = s.addWaiting(ctx, all, d, at); err != nil {
				return err
			}
		}
		if a != nil {
			a.Devices = append(a.Devices, oauth.ConnectedDevice{Label: d.Label, UserAgent: d.UserAgent, Address: d.Address, Since: d.DecidedAt})
		}
	}
	return nil
}

// addWaiting returns the app of a device that has not used its code; nil if its family has
// ended. Without it, users could not remove a device that they allowed by mistake until
// the device has tokens, and the attacker chooses that time.
func (s *Service) addWaiting(ctx context.Context, all apps, d *oauth.DeviceCode, at time.Time) (*app, error) {
	code, err := s.store.Code(ctx, d.Digest)
	switch {
	case errors.Is(err, oauth.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case !code.SpentAt.IsZero() || !at.Before(code.ExpiresAt) || !code.Family.Live(at):
		return nil, nil
	}
	client, err := s.client(ctx, d.ClientID)
	switch {
	case errors.Is(err, oauth.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case !client.RevokedAt.IsZero():
		return nil, nil
	}
	shown := *client
	shown.RedirectURIs, shown.Attributes, shown.Secrets = nil, nil, nil // as in other lists
	a := all.of(&shown, code.Family.CreatedAt)
	a.granted = append(a.granted, code.Scopes...)
	if a.ExpiresAt.Before(code.Family.ExpiresAt) {
		a.ExpiresAt = code.Family.ExpiresAt
	}
	return a, nil
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
		a.granted = append(a.granted, c.Scope)
	}
	return nil
}

// addMetadata adds the metadata of the clients, if the store keeps any.
func (all apps) addMetadata(ctx context.Context, store any) error {
	keeper, ok := oauth.StoreAs[oauth.ClientMetadataStore](store)
	if !ok || len(all) == 0 {
		return nil
	}
	metadata, err := keeper.ClientsMetadata(ctx, slices.Sorted(maps.Keys(all)))
	if err != nil {
		return err
	}
	for id, a := range all {
		a.Metadata = cmp.Or(metadata[id], a.Metadata)
	}
	return nil
}

// maxWithdrawals bounds the number of lists that WithdrawAll reads.
const maxWithdrawals = 100

// WithdrawAll withdraws each connected app of a user, and returns how many.
func (s *Service) WithdrawAll(ctx context.Context, user oauth.UserRef) (n int, err error) {
	for range maxWithdrawals {
		found, err := s.Apps(ctx, user, clock.Now())
		if err != nil {
			return n, err
		}
		for _, a := range found {
			if err := s.Withdraw(ctx, user, a.Client.ID); err != nil {
				return n, err
			}
			n++
		}
		if len(found) < oauth.MaxListed { // the list was complete
			return n, nil
		}
	}
	return n, errors.New("the user has too many connected apps: call WithdrawAll again")
}
