package passport

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"

	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/internal/audit"
	"github.com/go-passport/passport/internal/bodylimit"
	"github.com/go-passport/passport/internal/ctxtoken"
	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/keyring"
	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/internal/policy"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/internal/sameorigin"
	"github.com/go-passport/passport/internal/throttle"
	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/oauth"
)

// Server is an authorization server. It is an http.Handler for all its routes
// and is safe for concurrent use. It starts no goroutine.
type Server struct {
	config Config
	issuer *url.URL
	keys   *keyring.Live
	parts  *feature.Joined
	policy *policy.Policy
	grants map[string]oauth.Grant // of parts
	forms  *sameorigin.Guard
	pages  *page.Set
	audit  audit.Log
	users  *users.Directory
	mux    *http.ServeMux

	clientThrottle *throttle.Throttle
	proxies        *reqinfo.Proxies
	proxyNoticed   sync.Once
	bodies         *bodylimit.Limit
}

// New returns a server for the given configuration, or everything that is wrong
// with it, each fault with its remedy.
func New(config Config) (*Server, error) {
	config = config.withDefaults()
	if err := config.validate(); err != nil {
		return nil, err
	}
	s := &Server{config: config, mux: http.NewServeMux(), clientThrottle: newClientThrottle()}
	s.config.Store = stampedStore{config.Store, config.InheritScopes}
	s.issuer, _ = url.Parse(config.Issuer) // validated
	s.proxies = reqinfo.NewProxies(config.TrustedProxies, config.Logger)
	s.bodies = bodylimit.New(maxBody, config.Logger)
	s.keys = keyring.NewLive(config.Keys.ring, config.Secrets)
	s.forms = sameorigin.New(config.Issuer)
	var err error
	if s.pages, err = page.NewSet(config.Views); err != nil {
		return nil, fmt.Errorf("passport: %w", err) // the server's own: those of the application were checked
	}
	s.audit = audit.Log{Enabled: config.AuditLog, OnEvent: config.OnEvent}
	s.users = &users.Directory{Default: config.Users, Further: config.Providers}
	s.parts, _ = feature.Join(config.parts()...) // validated
	s.policy = policy.New(config.policy(), s.parts.Traits)
	s.grants = throttleGuesses(s.parts)
	for _, warning := range config.Keys.ring.Warnings() {
		config.Logger.Warn("keys", "warning", warning)
	}
	ctx, cancel := context.WithTimeout(context.Background(), startPatience)
	defer cancel()
	if err := s.checkPersonalClient(ctx); err != nil {
		return nil, err
	}
	for _, warning := range s.parts.Warnings {
		config.Logger.Warn("settings", "warning", warning)
	}
	for _, e := range s.endpoints() {
		s.mux.Handle(e.path, s.entry(e.handler)) // nothing stands beside it: every method there is
	}
	return s, nil
}

func (s *Server) hasUsers() bool { return s.config.Users != nil || len(s.config.Providers) > 0 }

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Guard returns middleware that admits users of the default provider, or of
// those that a [guard.Provider] rule names, if their token passes the rules.
// A client's own token is refused. Scripts of the application's own pages need
// no token; see [Server.FreshToken].
func (s *Server) Guard(rules ...guard.Rule) func(http.Handler) http.Handler {
	return s.guard(guard.Users(DefaultProvider, rules))
}

// GuardClient returns middleware that admits clients that act for themselves,
// and refuses users.
func (s *Server) GuardClient(rules ...guard.Rule) func(http.Handler) http.Handler {
	return s.guard(slices.Concat([]guard.Rule{guard.Clients}, rules))
}

// GuardAny returns middleware that admits whom Guard admits, and clients that act
// for themselves.
func (s *Server) GuardAny(rules ...guard.Rule) func(http.Handler) http.Handler {
	return s.guard(guard.UsersAndClients(DefaultProvider, rules))
}

func (s *Server) guard(rules []guard.Rule) func(http.Handler) http.Handler {
	admit := guard.New(guard.Config{
		Verify: s.verify, WithoutBearer: s.verifyFirstParty, OnRefusal: s.config.OnRefusal, Logger: s.config.Logger,
	}, rules...)
	return func(next http.Handler) http.Handler {
		admitted := admit(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			admitted.ServeHTTP(w, s.own(s.proxies.Attach(w, r)))
		})
	}
}

// own returns r for a guard of this server. What another guard of it let in is
// not verified twice, nor is what a test says; what another server let in is
// worth nothing here: its user 1 is not ours.
func (s *Server) own(r *http.Request) *http.Request {
	a, _ := ctxtoken.From(r.Context())
	switch {
	case a.Token != nil && a.By == s:
		return r
	case a.Token != nil && a.By == nil: // a test knows neither setting
		token := *a.Token
		token.Audience = []string{s.config.Audience}
		a.Token = s.stamp(&token)
		return r.WithContext(ctxtoken.With(r.Context(), a))
	}
	return r.WithContext(ctxtoken.With(r.Context(), ctxtoken.Admitted{By: s}))
}
