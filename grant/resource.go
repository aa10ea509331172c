package grant

import (
	"fmt"

	"github.com/go-passport/passport/internal/nearest"
	"github.com/go-passport/passport/internal/resource"
	"github.com/go-passport/passport/oauth"
)

// resources returns the audience of a token: the requested resources, which
// must be among the granted ones. Without a resource parameter it returns all
// granted resources (RFC 8707 §2.2).
func resources(granted []string, r *oauth.TokenRequest) ([]string, error) {
	if r.Resources == nil {
		return granted, nil
	}
	if len(granted) == 0 { // a user that agreed to no resource agreed to the server's own audience
		granted = []string{r.Audience}
	}
	for _, uri := range r.Resources {
		if _, ok := resource.Find(uri, granted); !ok {
			return nil, fmt.Errorf("resource %q; %s: %w", nearest.Shown(uri), nearest.URI(uri, granted), oauth.InvalidTarget.Errorf("a resource was not part of the authorization request"))
		}
	}
	return r.Resources, nil
}
