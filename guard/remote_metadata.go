package guard

import (
	"cmp"
	"log/slog"
	"net/http"

	"github.com/go-passport/passport/internal/methods"
	"github.com/go-passport/passport/internal/protected"
	"github.com/go-passport/passport/internal/wire"
)

// Metadata returns the path of the API's metadata, such as
// "/.well-known/oauth-protected-resource", and its handler (RFC 9728). With it, clients
// find the authorization server. From now on, challenges name its URL, so call Metadata
// only to register the handler, for the methods GET, HEAD and OPTIONS at least. See also
// [Remote.Mount].
//
// Metadata panics if Audience is not an http or https URL with a plain path, because no
// such document can describe it; and as [Remote.Guard] does.
func (r *Remote) Metadata() (path string, handler http.Handler) {
	r.start()
	path, ok := protected.Path(r.Audience)
	if !ok {
		panic("guard: Remote.Audience has no address for metadata: it must be an http or https URL with a plain path and without a query (RFC 9728 §3.1)")
	}
	r.served.Store(true)
	text := protected.New(r.Audience, r.Issuer, r.Name, r.Scopes).JSON()
	return path, wire.Document("application/json", func() []byte { return text }, wire.Log{Logger: cmp.Or(r.Logger, slog.Default())})
}

// Mount registers the metadata on a mux: an [http.ServeMux], or a router whose Handle
// method accepts the same patterns. See [Remote.Metadata].
func (r *Remote) Mount(mux interface {
	Handle(pattern string, handler http.Handler)
}) {
	path, handler := r.Metadata()
	for _, method := range methods.All {
		mux.Handle(method+" "+path, handler)
	}
}

// metadataURL returns the URL of the metadata, or "" if there is none.
func (r *Remote) metadataURL() string { return protected.URL(r.Audience) }
