package redirect

import (
	"errors"
	"fmt"

	"github.com/go-passport/passport/internal/safeurl"
)

// CheckApplicationType returns an error if a client of a type can't have its redirect URIs
// (application_type, OpenID Connect Dynamic Client Registration §2). A web application has
// a server, so none of its URIs is on the user's device. An empty type allows all.
func CheckApplicationType(kind string, redirectURIs []string) error {
	switch kind {
	case "", "native":
		return nil
	case "web":
	default:
		return errors.New("is neither web nor native")
	}
	for _, uri := range redirectURIs {
		if Loopback(uri) || PrivateUse(uri) {
			return fmt.Errorf("is web, but the redirect URI %q leads to an app on the user's device: choose native", safeurl.Text(uri))
		}
	}
	return nil
}
