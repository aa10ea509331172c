package authorize

import (
	"slices"
	"strings"

	"github.com/go-passport/passport/internal/policy"
	"github.com/go-passport/passport/oauth"
)

// consents maps scopes to the names under which consent is stored.
type consents struct {
	audience string // of this server
	inherit  bool   // a scope covers the scopes below it
}

// Consent is stored under one name per scope and audience: permission to read at one
// API does not include another API. At this server's audience the name is the scope's
// ID. All other names contain a space, so they never equal a scope.
const (
	consentToSignIn  = policy.ConsentToSignIn
	consentElsewhere = policy.ConsentElsewhere
)

// name returns the name for a scope at an audience.
func (c consents) name(uri, scope string) string {
	if uri == c.audience {
		return scope
	}
	return consentElsewhere + string(oauth.DigestOf(uri)) + " " + string(oauth.DigestOf(scope))
}

// missing returns the names that the user has not consented to, for the given
// scopes at the audiences of a request. Consent to any scope includes consent to a
// request without scopes.
func (c consents) missing(resources, granted []string, scopes ...string) (names []string) {
	audiences := resources
	if len(audiences) == 0 {
		audiences = []string{c.audience}
	}
	for _, uri := range audiences {
		if len(scopes) == 0 && !c.at(uri, granted) {
			names = append(names, c.name(uri, consentToSignIn))
		}
		for _, scope := range scopes {
			if !c.has(uri, scope, granted) {
				names = append(names, c.name(uri, scope))
			}
		}
	}
	return names
}

// has reports whether the user has consented to a scope at an audience. Where
// scopes are inherited, consent to a parent scope counts.
func (c consents) has(uri, scope string, granted []string) bool {
	for {
		if slices.Contains(granted, c.name(uri, scope)) {
			return true
		}
		above := strings.LastIndexByte(scope, ':')
		if !c.inherit || above < 0 {
			return false
		}
		scope = scope[:above]
	}
}

// at reports whether the user has consented to anything at an audience.
func (c consents) at(uri string, granted []string) bool {
	return slices.ContainsFunc(granted, func(name string) bool {
		if uri == c.audience {
			return !strings.HasPrefix(name, consentElsewhere)
		}
		return strings.HasPrefix(name, consentElsewhere+string(oauth.DigestOf(uri))+" ")
	})
}
