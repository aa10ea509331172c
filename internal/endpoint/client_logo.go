package endpoint

import (
	"errors"
	"net/http"

	"github.com/go-passport/passport/internal/brand"
	"github.com/go-passport/passport/internal/wire"
	"github.com/go-passport/passport/oauth"
)

// ClientLogoPath is the path of the logos of clients, below that of the endpoints.
const ClientLogoPath = "/client-logo"

// Logos returns the endpoints of the images on the pages: the logos of clients, and
// those of the brand.
func Logos(c Callers, b brand.Brand, base string) []wire.Endpoint {
	all := []wire.Endpoint{wire.Single("passport.client.logo", base+ClientLogoPath, clientLogo(c), http.MethodGet, http.MethodHead)}
	for _, logo := range b.Logos() {
		all = append(all, wire.Single("passport.logo", base+logo.Path, logo, http.MethodGet, http.MethodHead))
	}
	return all
}

// clientLogo serves the logos of clients for the consent page. The parameter client_id
// names the client, and digest its logo.
func clientLogo(c Callers) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			c.Log.WrongMethod(w, r, "GET, HEAD", oauth.InvalidRequest.Errorf("this document accepts only GET"))
			return
		}
		q := r.URL.Query()
		if !q.Has("client_id") {
			c.Log.WriteError(w, r, oauth.InvalidRequest.Errorf("client_id is missing"))
			return
		}
		logo, err := c.Clients.Logo(r.Context(), q.Get("client_id"), oauth.Digest(q.Get("digest")))
		switch {
		case errors.Is(err, oauth.ErrNotFound):
			w.WriteHeader(http.StatusNotFound)
		case err != nil:
			c.Log.WriteError(w, r, err)
		default:
			brand.ServePNG(w, r, logo)
		}
	})
}
