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
	scopes   []oauth.Scope
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

// audiences returns the audiences of a request.
func (c consents) audiences(resources []string) []string {
	if len(resources) == 0 {
		return []string{c.audience}
	}
	return resources
}

// names returns the names for a scope at the audiences of a request.
func (c consents) names(resources []string, scope string) (names []string) {
	for _, uri := range c.audiences(resources) {
		names = append(names, c.name(uri, scope))
	}
	return names
}

// memory is what a user has granted to a client and what the user has declined. Both
// lists have names, and no name is in both.
type memory struct {
	consents
	granted, declined []string
}

// missing returns the names that the user has not consented to, for the given
// scopes at the audiences of a request. Consent to any scope includes consent to a
// request without scopes.
func (m memory) missing(resources []string, scopes ...string) (names []string) {
	for _, uri := range m.audiences(resources) {
		if len(scopes) == 0 && !m.at(uri) {
			names = append(names, m.name(uri, consentToSignIn))
		}
		for _, scope := range scopes {
			if !m.has(uri, scope) {
				names = append(names, m.name(uri, scope))
			}
		}
	}
	return names
}

// has reports whether the user has consented to a scope at an audience. Where
// scopes are inherited, consent to a parent scope counts, unless the user has declined
// a part of what would be granted.
func (m memory) has(uri, scope string) bool {
	for part := scope; ; {
		switch name := m.name(uri, part); {
		case slices.Contains(m.declined, name):
			return false
		case slices.Contains(m.granted, name):
			return len(m.declinedBelow(uri, scope)) == 0
		}
		above := strings.LastIndexByte(part, ':')
		if !m.inherit || above < 0 {
			return false
		}
		part = part[:above]
	}
}

// declinedBelow returns the names of the scopes that the user has declined at an
// audience and that a scope includes.
func (m memory) declinedBelow(uri, scope string) (names []string) {
	if !m.inherit || len(m.declined) == 0 {
		return nil
	}
	for _, below := range m.scopes {
		if name := m.name(uri, below.ID); strings.HasPrefix(below.ID, scope+":") && slices.Contains(m.declined, name) {
			names = append(names, name)
		}
	}
	return names
}

// includesDeclined reports whether a scope includes one that the user has declined.
func (m memory) includesDeclined(resources, scopes []string) bool {
	return slices.ContainsFunc(m.audiences(resources), func(uri string) bool {
		return slices.ContainsFunc(scopes, func(scope string) bool { return len(m.declinedBelow(uri, scope)) > 0 })
	})
}

// declines reports whether the user has declined a scope for a request: at one of its
// audiences, and there is none at which the user has not decided.
func (m memory) declines(resources []string, scope string) (declines bool) {
	for _, uri := range m.audiences(resources) {
		switch {
		case slices.Contains(m.declined, m.name(uri, scope)):
			declines = true
		case !m.has(uri, scope):
			return false
		}
	}
	return declines
}

// at reports whether the user has consented to anything at an audience.
func (m memory) at(uri string) bool {
	return slices.ContainsFunc(m.granted, func(name string) bool {
		if uri == m.audience {
			return !strings.HasPrefix(name, consentElsewhere)
		}
		return strings.HasPrefix(name, consentElsewhere+string(oauth.DigestOf(uri))+" ")
	})
}
