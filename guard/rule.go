package guard

import (
	"slices"
	"strings"

	"github.com/go-passport/passport/oauth"
)

// Rule refuses an access token by returning an error, usually an
// [oauth.InsufficientScope] one.
type Rule func(*oauth.AccessToken) error

// Scopes admits tokens that carry every one of the scopes.
func Scopes(scopes ...string) Rule {
	return func(t *oauth.AccessToken) error {
		if slices.ContainsFunc(scopes, func(id string) bool { return !t.Can(id) }) {
			return lacking("the token lacks a scope: all of these are required", scopes)
		}
		return nil
	}
}

// AnyScope admits tokens that carry at least one of the scopes.
func AnyScope(scopes ...string) Rule {
	return func(t *oauth.AccessToken) error {
		if slices.ContainsFunc(scopes, t.Can) {
			return nil
		}
		return lacking("the token lacks a scope: one of these is required", scopes)
	}
}

func lacking(why string, scopes []string) error {
	e := oauth.InsufficientScope.Errorf("%s", why)
	e.Scope = strings.Join(scopes, " ")
	return e
}

// Provider admits tokens of users of the named providers.
func Provider(names ...string) Rule {
	return func(t *oauth.AccessToken) error {
		user, ok := t.Subject().User()
		switch {
		case !ok:
			return oauth.InsufficientScope.Errorf("the token is a client's own: a user's is required")
		case !slices.Contains(names, user.Provider):
			return oauth.InsufficientScope.Errorf("the token is not one of this API's users")
		}
		return nil
	}
}

// Clients admits tokens of clients that act for themselves.
func Clients(t *oauth.AccessToken) error {
	if _, isUser := t.Subject().User(); isUser {
		return oauth.InsufficientScope.Errorf("the token is a user's: a client's own is required")
	}
	return nil
}
