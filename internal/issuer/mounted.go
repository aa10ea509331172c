package issuer

import (
	"net/http"
	"net/url"
	"strings"
)

// Mounted restores the paths of requests if a router removed a prefix.
type Mounted struct{ base, prefix string }

// NewMounted returns the paths of the endpoints below an issuer.
func NewMounted(issuer *url.URL, endpoints string) Mounted {
	return Mounted{base: Base(issuer, endpoints) + "/", prefix: strings.TrimSuffix(issuer.Path, "/")}
}

// Restore returns the request with the full path of an endpoint if
// [http.StripPrefix] removed a part of it. The request line still has the full path.
// Restore does not change any other request, so no endpoint responds below a path
// other than the issuer's.
func (m Mounted) Restore(r *http.Request) *http.Request {
	if m.ours(r.URL.Path) {
		return r
	}
	if sent, err := url.ParseRequestURI(r.RequestURI); err == nil && m.ours(sent.Path) && strings.HasSuffix(sent.Path, r.URL.Path) {
		return at(r, sent.Path, sent.RawPath)
	}
	return r
}

// ours reports whether a path may belong to an endpoint or to a document about the
// issuer.
func (m Mounted) ours(path string) bool {
	const wellKnown = "/.well-known/"
	return strings.HasPrefix(path, m.base) || strings.HasPrefix(path, wellKnown) && strings.HasSuffix(path, m.prefix) ||
		strings.HasPrefix(path, m.prefix+wellKnown)
}

// at returns the request with another path.
func at(r *http.Request, path, raw string) *http.Request {
	moved, to := *r, *r.URL
	to.Path, to.RawPath = path, raw
	moved.URL = &to
	return &moved
}
