package users

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/go-passport/passport/internal/nilpointer"
	"github.com/go-passport/passport/internal/storable"
	"github.com/go-passport/passport/oauth"
)

// Directory holds the user providers of a server.
type Directory struct {
	Default oauth.UserProvider            // the provider "users"; nil without one
	Further map[string]oauth.UserProvider // by name
}

// Account is a user of one of the providers.
type Account struct {
	Ref  oauth.UserRef
	User *oauth.User
}

// Names returns the names of the providers, the default one first.
func (d *Directory) Names() []string {
	names := slices.Sorted(maps.Keys(d.Further))
	if d.Default == nil {
		return names
	}
	return append([]string{oauth.DefaultProvider}, names...)
}

// Provider returns the provider with a name; nil if it is unknown. An empty name
// means the default provider.
func (d *Directory) Provider(name string) oauth.UserProvider {
	if cmp.Or(name, oauth.DefaultProvider) == oauth.DefaultProvider {
		return d.Default
	}
	return d.Further[name]
}

// Of returns the name and the provider of a client's users.
func (d *Directory) Of(c *oauth.Client) (string, oauth.UserProvider, error) {
	name := cmp.Or(c.Provider, oauth.DefaultProvider)
	if p := d.Provider(name); p != nil {
		return name, p, nil
	}
	return "", nil, fmt.Errorf("client %q names the user provider %q, which Config does not have", c.ID, name)
}

// Load returns the account that ref names; see [Load].
func (d *Directory) Load(ctx context.Context, ref oauth.UserRef) (*oauth.User, error) {
	return Load(ctx, d.Provider, ref)
}

// Current returns the signed-in user of one provider, for the browser that sent r;
// nil if there is none.
func (d *Directory) Current(r *http.Request, name string) (*Account, error) {
	provider := d.Provider(name)
	if provider == nil {
		return nil, fmt.Errorf("the user provider %q is not configured", name)
	}
	user, err := provider.CurrentUser(r)
	switch {
	case errors.Is(err, oauth.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("find the signed-in user: %w", err)
	case user == nil || user.ID == "":
		return nil, fmt.Errorf("CurrentUser of the provider %q returned a user without an ID; return oauth.ErrNotFound if no user is signed in", name)
	case !storable.Text(user.ID):
		return nil, fmt.Errorf("CurrentUser of the provider %q returned an ID that cannot be stored: want UTF-8 without control characters, at most 255 bytes", name)
	}
	return &Account{oauth.UserRef{Provider: name, ID: user.ID}, user}, nil
}

// InBrowser returns the signed-in user for the browser that sent r, if no client
// determines the provider. It prefers the default provider, then the others by
// name. It returns nil if no user is signed in.
func (d *Directory) InBrowser(r *http.Request) (*Account, error) {
	for _, name := range d.Names() {
		if who, err := d.Current(r, name); who != nil || err != nil {
			return who, err
		}
	}
	return nil, nil
}

// Faults returns the configuration faults of the providers, each with its remedy.
// Every fault begins with the name of the field.
func (d *Directory) Faults() (faults []error) {
	add := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	check := func(field string, p oauth.UserProvider) {
		if nilpointer.Is(p) {
			add(true, "%s is a nil %T: leave the field unset, or set a value", field, p)
			return
		}
		if v, ok := p.(interface{ Validate() error }); ok {
			if err := v.Validate(); err != nil {
				add(true, "%s: %w", field, err)
			}
		}
	}
	if d.Default != nil {
		check("Users", d.Default)
	}
	for _, name := range slices.Sorted(maps.Keys(d.Further)) {
		field := fmt.Sprintf("Providers[%q]", name)
		add(!oauth.ValidProvider(name), "%s: want a name in lower-case letters, digits, hyphens and underscores; client is reserved for clients' own tokens", field)
		add(name == oauth.DefaultProvider, "%s: the name users is reserved for Config.Users", field)
		if d.Further[name] == nil {
			add(true, "%s is nil: remove it", field)
			continue
		}
		check(field, d.Further[name])
	}
	return faults
}

// CheckPasswords reports whether a provider checks passwords.
func (d *Directory) CheckPasswords() bool {
	return slices.ContainsFunc(append(slices.Collect(maps.Values(d.Further)), d.Default), func(p oauth.UserProvider) bool {
		_, ok := p.(oauth.PasswordAuthenticator)
		return ok
	})
}
