package passport

import (
	"iter"
	"net/http"

	"github.com/go-passport/passport/internal/methods"
)

// Route is one method of an endpoint's path, for an application that mounts the
// endpoints itself: mux.Handle(r.Method+" "+r.Path, r.Handler).
type Route struct {
	// Name is the endpoint's name, such as "passport.token". Several routes share a
	// name: each path has a route for each of GET, HEAD, POST, PUT, PATCH, DELETE
	// and OPTIONS. Routes for unsupported methods respond with 405 and have the
	// name of the path's first endpoint. A handler that replaces an endpoint by its
	// name gets them, too.
	Name    string
	Method  string // never empty
	Path    string // including the issuer's path
	Handler http.Handler
}

// Routes yields the server's endpoints, one route per method of each path. Mount
// all routes of an endpoint or none: if a method is missing, the application's
// route for "/" gets its requests.
//
// An HTML form can request PUT or DELETE with the field _method. Only [Server.Mount]
// and the Server itself route by that field. A [Route] serves only the endpoint of
// its name.
func (s *Server) Routes() iter.Seq[Route] {
	return func(yield func(Route) bool) {
		for _, e := range s.endpoints {
			for _, method := range methods.All {
				name, handler := e.At(method)
				if !yield(Route{Name: name, Method: method, Path: e.Path, Handler: s.entry.Wrap(handler)}) {
					return
				}
			}
		}
	}
}

// Mount registers every endpoint on a mux: an [http.ServeMux], or a router whose
// Handle method accepts the same patterns, such as "GET /oauth/jwks". It registers
// each path for every method separately. So an application's "/" or "GET /" can be
// registered beside it, and does not get an endpoint's requests with these methods.
//
// Use the mux of the whole application: the paths include the issuer's path, and the
// metadata is outside of it. In a group of routes below a prefix, register the
// Server itself as the handler of the group.
//
// The rules of [http.ServeMux] set limits. A pattern with a host is more specific,
// and gets all requests to that host. A pattern without a method gets those with a
// method that no endpoint has, such as TRACE. "HEAD /" and patterns that overlap an
// endpoint's in part, such as "/oauth/tokens/mine", panic.
func (s *Server) Mount(mux interface {
	Handle(pattern string, handler http.Handler)
}) {
	for _, e := range s.endpoints {
		handler := s.entry.Wrap(e.Handler)
		for _, method := range methods.All {
			mux.Handle(method+" "+e.Path, handler)
		}
	}
}
