package page

import (
	"strings"

	"github.com/go-passport/passport/oauth"
)

// maxGroup is the maximum length of the name of a group, in characters.
const maxGroup = 80

// ScopeGroup returns the heading over a scope: its group, or the start of its ID.
func ScopeGroup(scope oauth.Scope) string {
	if name := Text(scope.Group, maxGroup); name != "" {
		return name
	}
	name, _, ok := strings.Cut(scope.ID, ":")
	if !ok || name == "" {
		return ""
	}
	return Text(strings.ToUpper(name[:1])+name[1:], maxGroup) // an ID is ASCII
}
