package issuer

import (
	"net/http"
	"net/url"
	"strings"
)

// Mounted restores the paths of requests that come without the prefix of the
// endpoints, because a router or a proxy took it off.
type Mounted struct{ base, prefix string }

// NewMounted returns the paths of the endpoints below an issuer.
func NewMounted(issuer *url.URL, endpoints string) Mounted {
	return Mounted{base: Base(issuer, endpoints) + "/", prefix: strings.TrimSuffix(issuer.Path, "/")}
}

// Restore returns the request with the path of an endpoint. If [http.StripPrefix] took
// off a part of the path, the request line still has it. If a proxy did, the path is
// that of an endpoint without the path of the issuer. Any other request stays as it is.
func (m Mounted) Restore(r *http.Request) *http.Request {
	if m.ours(r.URL.Path) {
		return r
	}
	if sent, err := url.ParseRequestURI(r.RequestURI); err == nil && m.ours(sent.Path) && strings.HasSuffix(sent.Path, r.URL.Path) {
		return at(r, sent.Path, sent.RawPath)
	}
	raw := r.URL.RawPath
	if raw != "" {
		raw = m.prefix + raw
	}
	if full := m.prefix + r.URL.Path; m.prefix != "" && strings.HasPrefix(full, m.base) {
		return at(r, full, raw)
	}
	return r
}

// ours reports whether a path may be that of an endpoint or of a document about the
// issuer.
func (m Mounted) ours(path string) bool {
	return strings.HasPrefix(path, m.base) || strings.HasPrefix(path, "/.well-known/") && strings.HasSuffix(path, m.prefix)
}

// at returns the request with another path.
func at(r *http.Request, path, raw string) *http.Request {
	moved, to := *r, *r.URL
	to.Path, to.RawPath = path, raw
	moved.URL = &to
	return &moved
}
