package passport

import (
	"iter"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/go-passport/passport/internal/reqinfo"
)

// Route is one endpoint, for an application that mounts them itself.
type Route struct {
	Name    string // such as "passport.token"
	Method  string // empty for all, where the handler answers 405 itself
	Path    string // with the path of the issuer
	Handler http.Handler
}

// Routes yields the server's endpoints.
func (s *Server) Routes() iter.Seq[Route] {
	return func(yield func(Route) bool) {
		for _, r := range s.routes() {
			r.Handler = s.entry(r.Handler)
			if !yield(r) {
				return
			}
		}
	}
}

func (s *Server) routes() []Route {
	base := s.base()
	routes := []Route{
		{"passport.token", "", base + "/token", http.HandlerFunc(s.token)},
		{"passport.jwks", "GET", base + "/jwks", http.HandlerFunc(s.jwks)},
		{"passport.metadata", "GET", wellKnown(s.issuer, "oauth-authorization-server"), http.HandlerFunc(s.metadata)},
	}
	if s.hasUsers() {
		routes = append(routes,
			Route{"passport.authorizations.authorize", "", base + "/authorize", http.HandlerFunc(s.authorize)},
			Route{"passport.token.refresh", "POST", base + "/token/refresh", http.HandlerFunc(s.refreshFirstParty)})
	}
	for path, resource := range s.apiResources(base) {
		routes = append(routes, resource.routes(path, s.api(resource))...)
	}
	return routes
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

// Mount registers every endpoint on a mux: an [http.ServeMux], or whatever has
// its Handle method.
func (s *Server) Mount(mux interface {
	Handle(pattern string, handler http.Handler)
}) {
	for path, resource := range s.apiResources(s.base()) {
		mux.Handle(path, s.entry(s.api(resource))) // first, for some muxes: what no route names is told so in JSON
	}
	for r := range s.Routes() {
		mux.Handle(strings.TrimPrefix(r.Method+" "+r.Path, " "), r.Handler)
	}
}

// maxBody is as large as the body of a request to an endpoint may be.
const maxBody = 64 << 10

// entry is what every request passes first.
func (s *Server) entry(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.noticeProxy(r)
		r = s.proxies.Attach(w, r)
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
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
