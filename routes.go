package passport

import (
	"iter"
	"net/http"

	"github.com/go-passport/passport/internal/wire"
)

// Route is one method of one endpoint, for an application that mounts the
// endpoints itself: mux.Handle(r.Method+" "+r.Path, r.Handler).
type Route struct {
	// Name is the endpoint's, such as "passport.token". Several routes have one
	// name: each path has a route for every method in GET, HEAD, POST, PUT,
	// PATCH, DELETE and OPTIONS, also for those that its endpoints refuse with
	// status 405. Those bear the name of the first endpoint at the path. A
	// handler that replaces one by its name gets them too.
	Name    string
	Method  string // never empty
	Path    string // with the path of the issuer
	Handler http.Handler
}

// Routes yields the server's endpoints, one route per method of each path. Mount
// all routes of an endpoint, or none: a method that is left out reaches the
// application's own pages where it has a route for "/".
//
// The field _method, by which an HTML form asks for PUT or DELETE, is read in the
// bodies that [Server.Mount] and the Server itself route. A route from here with
// the name of one endpoint never serves another.
func (s *Server) Routes() iter.Seq[Route] {
	return func(yield func(Route) bool) {
		for _, e := range s.endpoints {
			for _, method := range wire.Methods {
				name, handler := e.At(method)
				if !yield(Route{Name: name, Method: method, Path: e.Path, Handler: s.entry.Wrap(handler)}) {
					return
				}
			}
		}
	}
}

// Mount registers every endpoint on a mux: an [http.ServeMux], or another that
// has its Handle method and its patterns, such as "GET /oauth/jwks". It
// registers each path for every method, one by one. So an application's own
// "/" or "GET /" can stand beside it, and never answers for an endpoint.
func (s *Server) Mount(mux interface {
	Handle(pattern string, handler http.Handler)
}) {
	for _, e := range s.endpoints {
		handler := s.entry.Wrap(e.Handler)
		for _, method := range wire.Methods {
			mux.Handle(method+" "+e.Path, handler)
		}
	}
}
