package passport

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/go-passport/passport/oauth"
)

// account is a user of one of the providers.
type account struct {
	ref  UserRef
	user *User
}

// currentUser returns who is signed in with a provider in the browser that sent
// r, or nil for nobody.
func (s *Server) currentUser(r *http.Request, name string, provider UserProvider) (*account, error) {
	user, err := provider.CurrentUser(r)
	switch {
	case errors.Is(err, oauth.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("find who is signed in: %w", err)
	case user == nil || user.ID == "":
		return nil, fmt.Errorf("CurrentUser of the provider %q returned a user without an ID; return oauth.ErrNotFound for nobody", name)
	case !isStorable(user.ID):
		return nil, fmt.Errorf("CurrentUser of the provider %q returned an ID that cannot be stored: want UTF-8 without control characters, at most 255 bytes", name)
	}
	return &account{UserRef{Provider: name, ID: user.ID}, user}, nil
}

// browserUser returns who is signed in in the browser that sent r, where no
// client says with which provider: with the default one, or else with the first
// by name in which somebody is. nil is nobody.
func (s *Server) browserUser(r *http.Request) (*account, error) {
	names := slices.Concat([]string{DefaultProvider}, slices.Sorted(maps.Keys(s.config.Providers)))
	for _, name := range names {
		provider := s.provider(name)
		if provider == nil {
			continue // no Config.Users
		}
		if who, err := s.currentUser(r, name, provider); who != nil || err != nil {
			return who, err
		}
	}
	return nil, nil
}
