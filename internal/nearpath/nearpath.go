// Package nearpath finds the endpoint that a request for another path meant, for the
// log. A client that sends its requests to /oauth/token/ gets a plain 404, so only
// the server's log can say what is wrong.
package nearpath

import (
	"log/slog"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/go-passport/passport/internal/reqinfo"
)

// Paths are the paths of a server, with the wildcards of [http.ServeMux].
type Paths struct {
	all   []string
	exact map[string]bool
	base  string // of the OAuth endpoints, such as "/oauth"
	log   *slog.Logger
	seen  notices
}

// New returns the paths of a server. base is the path of the OAuth endpoints.
func New(paths []string, base string, log *slog.Logger) *Paths {
	p := &Paths{all: slices.Compact(slices.Sorted(slices.Values(paths))), exact: map[string]bool{}, base: base, log: log}
	for _, known := range p.all {
		p.exact[known] = true
	}
	return p
}

// Around returns a handler for a mux. For a path that the mux does not have, it logs
// the path that was probably meant, at most [maxNotices] times an hour for each. It
// changes no response.
func (p *Paths) Around(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !p.exact[r.URL.Path] {
			if _, pattern := mux.Handler(r); pattern == "" || path.Clean(r.URL.Path) != strings.TrimSuffix(r.URL.Path, "/") {
				p.notice(r)
			}
		}
		mux.ServeHTTP(w, r)
	})
}

func (p *Paths) notice(r *http.Request) {
	meant := p.Near(r.URL.Path)
	if meant == "" || !p.seen.first(meant, reqinfo.Path(r)) {
		return
	}
	attrs := []any{"method", r.Method, "path", reqinfo.Path(r), "meant", meant}
	if id := reqinfo.From(r.Context()).ID; id != "" {
		attrs = append(attrs, "request_id", id)
	}
	p.log.InfoContext(r.Context(), "a request was sent to a path that does not exist: correct it in the client", attrs...)
}

// maxPath is the maximum length of a path that is compared, in bytes.
const maxPath = 256

// Near returns the path that a request for another path probably meant, or "". It
// recognizes another case, too many slashes, a missing or another prefix, other
// names of the endpoints, and the other paths for metadata (RFC 8414 §3.1, §5).
func (p *Paths) Near(asked string) string {
	if len(asked) > maxPath || p.has(asked) {
		return ""
	}
	asked = strings.ToLower(path.Clean("/" + asked))
	if document, ok := wellKnown(asked); ok {
		return p.wellKnown(document)
	}
	if known := p.find(func(known string) bool { return strings.ToLower(known) == asked }); known != "" {
		return known
	}
	segments := strings.Split(strings.TrimPrefix(asked, "/"), "/")
	for i := range segments { // the longest end first: token/refresh before refresh
		end := strings.Join(segments[i:], "/")
		if known := p.find(func(known string) bool { return end != "" && matches(p.relative(known), usual(end)) }); known != "" {
			return known
		}
	}
	return ""
}

// has reports whether a path is known.
func (p *Paths) has(asked string) bool {
	return p.exact[asked] || slices.ContainsFunc(p.all, func(known string) bool { return matches(known, asked) })
}

// matches reports whether a path matches a pattern with wildcards.
func matches(pattern, asked string) bool {
	want, got := strings.Split(pattern, "/"), strings.Split(asked, "/")
	return len(want) == len(got) && !slices.ContainsFunc(want, func(s string) bool { return strings.HasSuffix(s, "...}") }) &&
		slices.EqualFunc(want, got, func(w, g string) bool { return w == g || strings.HasPrefix(w, "{") && g != "" })
}

func (p *Paths) find(is func(known string) bool) string {
	if i := slices.IndexFunc(p.all, is); i >= 0 {
		return p.all[i]
	}
	return ""
}

// relative returns a known path without the base of the endpoints. For a page it
// returns the last segment, and for metadata an empty text.
func (p *Paths) relative(known string) string {
	switch rest, ok := strings.CutPrefix(known, p.base+"/"); {
	case strings.Contains(known, "/.well-known/"):
		return ""
	case ok:
		return rest
	}
	return path.Base(known)
}

// aliases are the last segments of endpoints of other servers.
var aliases = map[string]string{
	"access_token": "token", "auth": "authorize", "authorise": "authorize", "authorization": "authorize",
	"jwks.json": "jwks", "certs": "jwks", "keys": "jwks", "introspection": "introspect", "revocation": "revoke",
	"signin": "sign-in", "login": "sign-in", "signout": "sign-out", "logout": "sign-out",
}

// usual returns our name for an end of a path.
func usual(end string) string {
	if name, ok := aliases[end]; ok {
		return name
	}
	return end
}

const (
	oauthMetadata  = "oauth-authorization-server"
	openIDMetadata = "openid-configuration"
)

// wellKnown returns the document that a path with .well-known in any position
// requests.
func wellKnown(asked string) (document string, ok bool) {
	_, after, ok := strings.Cut(asked, "/.well-known/")
	document, _, _ = strings.Cut(after, "/")
	return document, ok && (document == oauthMetadata || document == openIDMetadata || document == "jwks.json")
}

func (p *Paths) wellKnown(document string) string {
	if document == "jwks.json" {
		return p.find(func(known string) bool { return p.relative(known) == "jwks" })
	}
	for _, name := range []string{document, oauthMetadata} { // the latter if OpenID Connect is disabled
		if known := p.find(func(known string) bool { return strings.Contains(known, "/.well-known/"+name) }); known != "" {
			return known
		}
	}
	return ""
}
