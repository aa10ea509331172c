package authorize

import (
	"slices"
	"strings"

	"github.com/go-passport/passport/oauth"
)

// consents knows under which names consent is remembered.
type consents struct {
	audience string // the server's own
	inherit  bool   // a scope covers the scopes below it
}

// A consent is remembered under a name for each scope and each audience: a user who
// lets an app read at one API has not let it read at another. At the server's own
// audience the name is the scope's ID. The other names hold a space, so that they
// differ from every scope.
const (
	consentToSignIn  = "sign in" // a request for no scope
	consentElsewhere = "at "
)

// name is the name for a scope at an audience.
func (c consents) name(uri, scope string) string {
	if uri == c.audience {
		return scope
	}
	return consentElsewhere + string(oauth.DigestOf(uri)) + " " + string(oauth.DigestOf(scope))
}

// missing returns the names of what the given scopes need at the audiences of a request
// and the user has not agreed to. A user who has agreed to any scope has agreed to
// none.
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

// has reports whether the user has agreed to a scope at an audience, or to
// one above it where scopes are inherited.
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

// at reports whether the user has agreed to anything at an audience.
func (c consents) at(uri string, granted []string) bool {
	return slices.ContainsFunc(granted, func(name string) bool {
		if uri == c.audience {
			return !strings.HasPrefix(name, consentElsewhere)
		}
		return strings.HasPrefix(name, consentElsewhere+string(oauth.DigestOf(uri))+" ")
	})
}
