package wire

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-passport/passport/internal/redirect"
	"github.com/go-passport/passport/oauth"
)

// Preflight allows a browser to send a client's request from any origin, because
// the client is not known yet. Only that client's origins may read the response:
// see [AllowOrigin].
func Preflight(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Add("Vary", "Origin")
	if origin := r.Header.Get("Origin"); origin != "" && origin != "null" {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Methods", "POST")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
		h.Set("Access-Control-Max-Age", "600")
	}
	w.WriteHeader(http.StatusNoContent)
}

// AllowOrigin lets a page read the response if its origin is that of one of the
// client's redirect URIs. client may be nil.
func AllowOrigin(w http.ResponseWriter, r *http.Request, client *oauth.Client) {
	w.Header().Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" || client == nil || !ownOrigin(client, origin) {
		return
	}
	w.Header().Set("Access-Control-Allow-Origin", origin)
	w.Header().Set("Access-Control-Expose-Headers", "WWW-Authenticate")
}

// ownOrigin reports whether an origin is that of a redirect URI. For a public client,
// the port of a loopback origin is free, as that of its redirect URI is.
func ownOrigin(client *oauth.Client, origin string) bool {
	var origins []string
	for _, uri := range client.RedirectURIs {
		if own := originOf(uri); own != "" {
			origins = append(origins, own)
		}
	}
	return slices.Contains(origins, origin) || client.Public() && redirect.Match(origins, true, origin) != redirect.None
}

// originOf returns the origin of a URI as browsers write it (RFC 6454 §6.2): in
// lower case, without the scheme's default port.
func originOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	port := map[string]string{"https": ":443", "http": ":80"}[u.Scheme]
	return u.Scheme + "://" + strings.TrimSuffix(strings.ToLower(u.Host), port)
}
