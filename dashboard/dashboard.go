package dashboard

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/bodylimit"
	"github.com/go-passport/passport/internal/methods"
	"github.com/go-passport/passport/internal/pageform"
	"github.com/go-passport/passport/internal/reqinfo"
)

// Dashboard serves the pages. It is safe for concurrent use and starts no goroutine.
type Dashboard struct {
	auth    *passport.Server
	config  Config
	log     *slog.Logger
	site    string // the name of the server on the pages
	path    string // of the list, with the issuer's path
	origin  string // of the issuer
	logos   string // the path of the logos of clients
	proxies *reqinfo.Proxies
	forms   pageform.Reader
	bodies  *bodylimit.Limit
	pages   pages
}

// New returns the pages for the users of a server. Its error lists every fault in the
// configuration and how to fix it.
func New(auth *passport.Server, config Config) (*Dashboard, error) {
	if auth == nil {
		return nil, errors.New("dashboard: the server is nil: pass the result of passport.New")
	}
	config = config.withDefaults()
	if err := config.validate(auth); err != nil {
		return nil, err
	}
	issuer, err := url.Parse(auth.Issuer())
	if err != nil {
		return nil, err // passport.New refuses such an issuer
	}
	parsed, err := parsePages(config, auth)
	if err != nil {
		return nil, err
	}
	return &Dashboard{
		auth: auth, config: config, log: config.Logger,
		site:    config.site(issuer),
		path:    strings.TrimSuffix(issuer.Path, "/") + config.Path,
		origin:  issuer.Scheme + "://" + issuer.Host,
		logos:   pathOf(auth, "passport.client.logo"),
		proxies: reqinfo.NewProxies(config.TrustedProxies, config.Logger),
		forms:   formsOf(auth.Issuer(), config.FormField != nil),
		bodies:  bodylimit.New(maxBody, config.Logger),
		pages:   parsed,
	}, nil
}

// maxBody is the maximum size of a form. It holds an encoded client ID, and a field of
// the application.
const maxBody = 16 << 10

// The pages below the list.
const (
	removePath    = "/remove"
	removeAllPath = "/remove-all"

	tokensPath      = "/tokens"
	newTokenPath    = "/tokens/new"
	revokeTokenPath = "/tokens/revoke"
)

// Mount registers the pages, and lets the consent page link to the list. The mux is an
// [http.ServeMux] or a type whose Handle method accepts the same patterns, such as
// "GET /account".
func (d *Dashboard) Mount(mux interface {
	Handle(pattern string, handler http.Handler)
}) {
	d.auth.SetAppsPage(d.path)
	for _, method := range methods.All {
		mux.Handle(method+" "+d.path, d.entry(d.show(d.list)))
		mux.Handle(method+" "+d.path+removePath, d.entry(d.form(d.askToRemove, d.remove)))
		mux.Handle(method+" "+d.path+removeAllPath, d.entry(d.form(d.askToRemoveAll, d.removeAll)))
		if d.config.DisableTokens {
			continue
		}
		mux.Handle(method+" "+d.path+tokensPath, d.entry(d.show(d.listTokens)))
		mux.Handle(method+" "+d.path+newTokenPath, d.entry(d.form(d.askForToken, d.createToken)))
		mux.Handle(method+" "+d.path+revokeTokenPath, d.entry(d.form(d.askToRevoke, d.revoke)))
	}
}

// entry wraps the handler of every page.
func (d *Dashboard) entry(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = d.proxies.Attach(w, r)
		d.bodies.Apply(w, r)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// show serves a page without a form.
func (d *Dashboard) show(show http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			d.fail(w, r, errMethod)
			return
		}
		show(w, r)
	})
}

// form serves a page whose form is posted to the same URL.
func (d *Dashboard) form(show, submit http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			show(w, r)
		case http.MethodPost:
			submit(w, r)
		default:
			w.Header().Set("Allow", "GET, HEAD, POST")
			d.fail(w, r, errMethod)
		}
	})
}
