package policy

import (
	"slices"
	"strings"

	"github.com/go-passport/passport/oauth"
)

// Parts of the names under which consents are stored, beside the IDs of scopes. Both
// contain a space, so they never equal a scope.
const (
	ConsentToSignIn  = "sign in" // a request without scopes
	ConsentElsewhere = "at "     // at another audience: two digests follow, of the audience and of the scope
)

// Described returns the scopes of an app in the order of the consent page, without
// duplicates. granted are scopes of tokens and names of stored consents. A scope that is
// no longer registered comes last, with its ID as the description.
func (p *Policy) Described(granted []string) (found []oauth.Scope) {
	has := map[string]bool{}
	for _, name := range granted {
		if digests, ok := strings.CutPrefix(name, ConsentElsewhere); ok {
			_, name, _ = strings.Cut(digests, " ")
		}
		has[name] = true
	}
	for _, scope := range p.Scopes {
		if has[scope.ID] || has[oauth.AllScopes] && !p.byName[scope.ID] || has[string(oauth.DigestOf(scope.ID))] {
			found = append(found, scope)
		}
	}
	for _, name := range granted {
		unknown := !strings.Contains(name, " ") && name != oauth.AllScopes
		if unknown && !slices.ContainsFunc(found, func(s oauth.Scope) bool { return s.ID == name }) {
			found = append(found, oauth.Scope{ID: name, Description: name})
		}
	}
	return found
}
