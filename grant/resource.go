package grant

import (
	"slices"

	"github.com/go-passport/passport/oauth"
)

// resources returns what a token is for: what the request names, which must be
// among what the user agreed to, or else all of that (RFC 8707 §2.2).
func resources(granted []string, r *oauth.TokenRequest) ([]string, error) {
	if r.Resources == nil {
		return granted, nil
	}
	if len(granted) == 0 { // who agreed to no resource in particular agreed to the server's own
		granted = []string{r.Audience}
	}
	if slices.ContainsFunc(r.Resources, func(uri string) bool { return !slices.Contains(granted, uri) }) {
		return nil, oauth.InvalidTarget.Errorf("a resource was not part of the authorization request")
	}
	return r.Resources, nil
}
