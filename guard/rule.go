package guard

import (
	"slices"
	"strings"

	"github.com/go-passport/passport/oauth"
)

// Rule admits an access token, or refuses it with an error, usually
// [oauth.InsufficientScope]. An error without an OAuth code is a server error.
// Write a custom rule as a [RuleFunc].
type Rule interface {
	Admit(t *oauth.AccessToken) error
}

// RuleFunc is a function that implements [Rule].
type RuleFunc func(t *oauth.AccessToken) error

// Admit implements [Rule].
func (f RuleFunc) Admit(t *oauth.AccessToken) error { return f(t) }

// Scopes admits tokens with all of the scopes.
func Scopes(scopes ...string) Rule {
	return RuleFunc(func(t *oauth.AccessToken) error {
		if slices.ContainsFunc(scopes, func(id string) bool { return !t.Can(id) }) {
			return lacking("the token lacks a scope: all of these are required", scopes)
		}
		return nil
	})
}

// AnyScope admits tokens with at least one of the scopes.
func AnyScope(scopes ...string) Rule {
	return RuleFunc(func(t *oauth.AccessToken) error {
		if slices.ContainsFunc(scopes, t.Can) {
			return nil
		}
		return lacking("the token lacks a scope: one of these is required", scopes)
	})
}

func lacking(why string, scopes []string) error {
	e := oauth.InsufficientScope.Errorf("%s", why)
	e.Scope = strings.Join(scopes, " ")
	return e
}

// Provider admits tokens of users of the named providers. Without it,
// Server.Guard admits users of the default provider only.
func Provider(names ...string) Rule { return provider(names) }

type provider []string

// Admit implements [Rule].
func (p provider) Admit(t *oauth.AccessToken) error {
	user, ok := t.Subject().User()
	switch {
	case !ok:
		return oauth.InsufficientScope.Errorf("the token belongs to a client: a user's token is required")
	case !slices.Contains(p, user.Provider):
		return oauth.InsufficientScope.Errorf("the token belongs to a user of another provider")
	}
	return nil
}

// Clients admits tokens of clients that act for themselves (client
// credentials).
var Clients Rule = RuleFunc(func(t *oauth.AccessToken) error {
	if _, isUser := t.Subject().User(); isUser {
		return oauth.InsufficientScope.Errorf("the token belongs to a user: a client's own token is required")
	}
	return nil
})

// Users returns rules preceded by [Provider] of the named provider. If rules
// already has a [Provider], Users returns rules unchanged.
func Users(name string, rules []Rule) []Rule {
	if slices.ContainsFunc(rules, isProvider) {
		return rules
	}
	return slices.Concat([]Rule{Provider(name)}, rules)
}

// UsersAndClients is like [Users], but also admits clients that act for
// themselves.
func UsersAndClients(name string, rules []Rule) []Rule {
	out := slices.Clone(Users(name, rules))
	for i, rule := range out {
		if isProvider(rule) {
			out[i] = orClient{rule}
		}
	}
	return out
}

func isProvider(r Rule) bool {
	_, ok := r.(provider)
	return ok
}

type orClient struct{ users Rule }

// Admit implements [Rule].
func (o orClient) Admit(t *oauth.AccessToken) error {
	if _, isUser := t.Subject().User(); !isUser {
		return nil
	}
	return o.users.Admit(t)
}
