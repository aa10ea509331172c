package passport

import (
	"iter"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/go-passport/passport/internal/reqinfo"
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

// methods are those that a path is registered for. A path without a method
// could not be registered beside an application's "GET /": neither pattern is
// more specific than the other, and ServeMux panics. A path with a few methods
// would leave the others to the application's "/".
var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
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
		for _, e := range s.endpoints() {
			handler, refusal := s.entry(e.handler), s.entry(e.refusal)
			for _, method := range methods {
				route := Route{Name: e.routes[0].name, Method: method, Path: e.path, Handler: refusal}
				for _, r := range e.routes {
					if slices.Contains(r.methods, method) {
						route.Name, route.Handler = r.name, handler
					}
				}
				if !yield(route) {
					return
				}
			}
		}
	}
}

// endpoint is all that is served at one path.
type endpoint struct {
	path    string
	routes  []route
	handler http.Handler // for every method; those that no route names get a 405
	refusal http.Handler // answers 405, whatever the request's body asks for
}

// route is a named part of an endpoint.
type route struct {
	name    string
	methods []string // that it takes
}

func (s *Server) endpoints() []endpoint {
	base := s.base()
	single := func(name, at string, handler http.HandlerFunc, methods ...string) endpoint {
		return endpoint{at, []route{{name, methods}}, handler, handler}
	}
	endpoints := []endpoint{
		single("passport.token", base+"/token", s.token, "POST", "OPTIONS"),
		single("passport.jwks", base+"/jwks", document(s.jwks), "GET", "HEAD"),
		single("passport.metadata", wellKnown(s.issuer, "oauth-authorization-server"), document(s.metadata), "GET", "HEAD"),
	}
	if s.hasUsers() {
		endpoints = append(endpoints,
			single("passport.authorizations.authorize", base+"/authorize", s.authorize, "GET", "POST", "DELETE"),
			single("passport.token.refresh", base+"/token/refresh", s.refreshFirstParty, "POST"))
	}
	for at, resource := range s.apiResources(base) {
		endpoints = append(endpoints, endpoint{at, resource.routes(), s.api(resource), s.refusalOf(resource)})
	}
	return endpoints
}

// apiResources yields the paths of the JSON API.
func (s *Server) apiResources(base string) iter.Seq2[string, apiResource] {
	return func(yield func(string, apiResource) bool) {
		if !s.hasUsers() || s.config.DisableJSONAPI {
			return
		}
		for _, resource := range []struct {
			path string
			apiResource
		}{
			{"/clients", apiResource{
				"GET": {"passport.clients.index", apiListClients}, "POST": {"passport.clients.store", apiCreateClient},
			}},
			{"/clients/{id}", apiResource{
				"PUT": {"passport.clients.update", apiUpdateClient}, "DELETE": {"passport.clients.destroy", apiDeleteClient},
			}},
			{"/tokens", apiResource{"GET": {"passport.tokens.index", apiListTokens}}},
			{"/tokens/{id}", apiResource{"DELETE": {"passport.tokens.destroy", apiDeleteToken}}},
			{"/scopes", apiResource{"GET": {"passport.scopes.index", apiListScopes}}},
			{"/personal-access-tokens", apiResource{
				"GET": {"passport.personal.tokens.index", apiListPersonalTokens}, "POST": {"passport.personal.tokens.store", apiCreatePersonalToken},
			}},
			{"/personal-access-tokens/{id}", apiResource{"DELETE": {"passport.personal.tokens.destroy", apiDeleteToken}}},
		} {
			if !yield(base+resource.path, resource.apiResource) {
				return
			}
		}
	}
}

// base is the path below which the endpoints lie.
func (s *Server) base() string {
	return strings.TrimSuffix(s.issuer.Path, "/") + strings.TrimSuffix(s.config.Path, "/")
}

// wellKnown is where a document about the issuer lies: the name stands before
// the issuer's own path (RFC 8414 §3.1).
func wellKnown(issuer *url.URL, name string) string {
	return "/.well-known/" + name + strings.TrimSuffix(issuer.Path, "/")
}

// Mount registers every endpoint on a mux: an [http.ServeMux], or another that
// has its Handle method and its patterns, such as "GET /oauth/jwks". It
// registers each path for every method, one by one. So an application's own
// "/" or "GET /" can stand beside it, and never answers for an endpoint.
func (s *Server) Mount(mux interface {
	Handle(pattern string, handler http.Handler)
}) {
	for _, e := range s.endpoints() {
		handler := s.entry(e.handler)
		for _, method := range methods {
			mux.Handle(method+" "+e.path, handler)
		}
	}
}

// maxBody is as large as the body of a request to an endpoint may be.
const maxBody = 64 << 10

// entry is what every request passes first.
func (s *Server) entry(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.noticeProxy(r)
		r = s.proxies.Attach(w, r)
		s.bodies.Apply(w, r)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// noticeProxy warns, once, of a proxy that nobody has named: then all users seem
// to come from one address, and whoever guesses secrets holds up all of them.
func (s *Server) noticeProxy(r *http.Request) {
	if len(s.config.TrustedProxies) > 0 || !reqinfo.Forwarded(r) {
		return
	}
	var none *reqinfo.Proxies
	addr, err := netip.ParseAddr(none.Address(r))
	if err != nil || !addr.IsLoopback() && !addr.IsPrivate() && !addr.IsLinkLocalUnicast() {
		return // anybody can send the header; a proxy of one's own is near
	}
	s.proxyNoticed.Do(func() {
		s.config.Logger.WarnContext(r.Context(), "a proxy that Config.TrustedProxies does not name sends X-Forwarded-For: name it, or limits and logs take its address for everybody's",
			"proxy", addr.String())
	})
}
