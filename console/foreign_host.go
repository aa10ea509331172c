package console

import (
	"cmp"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/loopback"
	"github.com/go-passport/passport/internal/reqinfo"
)

// machineEndpoints are the names of the routes without a page or a cookie. Clients may
// use another host name for them, such as a container's.
var machineEndpoints = map[string]bool{
	"passport.token": true, "passport.revoke": true, "passport.introspect": true, "passport.jwks": true, "passport.metadata": true,
}

// machinePaths returns the paths of [machineEndpoints] and further paths, which take
// tokens and no cookie.
func machinePaths(server *passport.Server, further []string) map[string]bool {
	paths := map[string]bool{}
	for _, path := range further {
		paths[path] = true
	}
	for route := range server.Routes() {
		if machineEndpoints[route.Name] {
			paths[route.Path] = true
		}
	}
	return paths
}

// ownHost refuses requests whose host isn't a loopback name, if the issuer is on
// loopback. Only exempt paths are served, so every page is protected.
func (p *pages) ownHost(next http.Handler, issuer *url.URL, exempt map[string]bool, logger *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := loopback.Check(issuer, r.Host)
		if err == nil || exempt[r.URL.Path] {
			next.ServeHTTP(w, r)
			return
		}
		id := reqinfo.From(r.Context()).ID
		logger.Info("a page was requested at another host than the issuer's: if the host is right, use it in the setting issuer",
			"host", r.Host, "request_id", id, "err", err)
		if p.look.Render(w, http.StatusMisdirectedRequest, p.foreignHost, plain{cmp.Or(p.site, "Passport"), issuer.String(), id}) != nil {
			w.WriteHeader(http.StatusMisdirectedRequest)
		}
	})
}
