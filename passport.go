package passport

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"

	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/internal/audit"
	"github.com/go-passport/passport/internal/backchannel"
	"github.com/go-passport/passport/internal/brand"
	"github.com/go-passport/passport/internal/clients"
	"github.com/go-passport/passport/internal/core"
	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/firstparty"
	"github.com/go-passport/passport/internal/guards"
	"github.com/go-passport/passport/internal/idtoken"
	"github.com/go-passport/passport/internal/issuer"
	"github.com/go-passport/passport/internal/keyring"
	"github.com/go-passport/passport/internal/lastused"
	"github.com/go-passport/passport/internal/nearpath"
	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/internal/policy"
	"github.com/go-passport/passport/internal/protected"
	"github.com/go-passport/passport/internal/reauth"
	"github.com/go-passport/passport/internal/rooms"
	"github.com/go-passport/passport/internal/sameorigin"
	"github.com/go-passport/passport/internal/tokens"
	"github.com/go-passport/passport/internal/upkeep"
	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/internal/wire"
	"github.com/go-passport/passport/oauth"
)

// Server is an OAuth 2.0 authorization server. It is an [http.Handler] for all its
// endpoints. It is safe for concurrent use, and starts no goroutine. Create one
// with [New].
type Server struct {
	issuer    string
	origin    string // of the issuer
	clientIDs IDFormat
	store     oauth.Store
	log       wire.Log

	policy   *policy.Policy
	users    *users.Directory
	clients  *clients.Registry
	tokens   *tokens.Service
	personal *tokens.Personal
	cookies  *firstparty.Cookies
	guards   *guards.Guards
	upkeep   upkeep.Upkeep
	idTokens *idtoken.Service
	appsPage *atomic.Pointer[string] // see SetAppsPage

	personalJWTs  bool
	reauth        *reauth.Desk
	signInRequest func(ctx context.Context, returnTo string) (*oauth.SignInRequest, error)

	entry     *wire.Entry
	endpoints []wire.Endpoint
	mux       *http.ServeMux
	mounted   issuer.Mounted
	handler   http.Handler // mux behind entry, with a log line for unknown paths
}

// New returns a server with the given configuration. If the configuration is
// invalid, the error lists every fault with its remedy. If the store is an
// [oauth.Checker], New checks it, which takes at most ten seconds. New logs a warning
// for each optional power that the store lacks; see [oauth.StoreAs].
func New(config Config) (*Server, error) {
	config = config.withDefaults()
	parts := config.parts()
	if err := config.validate(parts, true); err != nil {
		return nil, err
	}
	r, err := config.rooms(parts)
	if err != nil {
		return nil, fmt.Errorf("passport: %w", err)
	}
	checker, _ := oauth.StoreAs[oauth.Checker](config.Store)
	s := &Server{
		issuer: config.Issuer, origin: r.Issuer.Scheme + "://" + r.Issuer.Host, clientIDs: config.ClientIDs, store: config.Store, log: r.Log,
		policy: r.Policy, users: r.Users, clients: r.Clients, tokens: r.Tokens, personal: r.Personal, cookies: r.Cookies, appsPage: r.AppsPage, idTokens: r.IDTokens,
		upkeep:       upkeep.Upkeep{Checker: checker, Ask: r.Tokens.Reach, Keys: r.Keys, PurgeAfter: config.PurgeAfter, LimitFamilies: r.Tokens.LimitNewFamilies, Uses: r.Uses, Logouts: r.Logouts, Log: config.Logger},
		personalJWTs: config.PersonalTokenFormat == JWT,
		entry:        wire.NewEntry(config.TrustedProxies, r.Logouts.Serving, config.Logger), mux: http.NewServeMux(), mounted: issuer.NewMounted(r.Issuer, config.Path),
	}
	s.guards = &guards.Guards{Entry: s.entry, Policy: s.policy, Uses: r.Uses, Config: guard.Config{
		Verify: s.tokens.Verify, WithoutBearer: s.cookies.Verify, OnRefusal: config.OnRefusal, ResourceMetadata: protected.At(config.Issuer, config.Audience), Logger: config.Logger,
	}}
	for _, p := range parts {
		if p.Routes != nil {
			s.endpoints = append(s.endpoints, p.Routes(r)...)
		}
	}
	s.reauth = &reauth.Desk{Keys: r.Keys, Users: r.Users}
	s.signInRequest = s.reauth.Reasons(r.SignInRequest)
	for _, e := range s.endpoints {
		s.mux.Handle(e.Path, e.Handler) // for every method, including those that Mount does not register
	}
	s.handler = s.entry.Wrap(nearpath.New(wire.Paths(s.endpoints), r.Base, config.Logger).Around(s.mux)) // also for a path that is not an endpoint
	for _, warning := range slices.Concat(config.Keys.ring.Warnings(), r.Parts.Warnings, feature.StoreWarnings(config.Store)) {
		config.Logger.Warn("configuration", "warning", warning)
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if err := r.Personal.CheckClient(ctx); err != nil {
		return nil, fmt.Errorf("passport: %w", err)
	}
	if err := r.Logouts.Prepare(ctx); err != nil {
		return nil, fmt.Errorf("passport: %w", err)
	}
	return s, nil
}

// rooms builds the server's rooms, each from the rooms that it depends on.
func (c Config) rooms(parts []core.Part) (*rooms.Rooms, error) {
	u, err := url.Parse(c.Issuer)
	if err != nil {
		return nil, err // validated
	}
	store := tokens.Stamped(c.Store, c.InheritScopes)
	joined, _ := core.Join(parts) // validated
	r := &rooms.Rooms{
		Issuer: u, Base: issuer.Base(u, c.Path), Log: wire.Log{Logger: c.Logger},
		Reader: tokens.NewReader(c.Store, c.InheritScopes), Forms: sameorigin.New(c.Issuer),
		Users: c.directory(), Keys: keyring.NewLive(c.Keys.ring, c.Secrets, joined.OpenID.RequiredAlgs()...), AppsPage: new(atomic.Pointer[string]), Parts: joined,
	}
	uses, _ := oauth.StoreAs[oauth.LastUsedStore](c.Store)
	r.Uses = lastused.New(uses, c.LastUsedTimeOnly, c.Logger)
	r.Pending, _ = oauth.StoreAs[oauth.PendingRequestStore](c.Store)
	if err := r.Parts.CheckStore(c.Store); err != nil {
		return nil, err
	}
	if r.Pages, err = page.NewSet(c.Views, brand.Brand(c.Brand), r.Base); err != nil {
		return nil, err // a fault of the built-in views; the application's were checked
	}
	log := audit.Log{Enabled: c.AuditLog, OnEvent: c.OnEvent}
	r.Policy = policy.New(c.policy(r.Parts), r.Parts.Traits)
	metadata, _ := oauth.StoreAs[oauth.ClientMetadataStore](c.Store)
	r.IDTokens = idtoken.New(idtoken.Config{Issuer: c.Issuer, Keys: r.Keys, OpenID: r.Parts.OpenID, InheritScopes: c.InheritScopes})
	r.Clients = clients.New(clients.Config{
		Store: store, Metadata: metadata, IDTokenAlg: r.IDTokens.CheckAlg, Parts: r.Parts, Policy: r.Policy, Users: r.Users, Audit: log, Log: c.Logger, Limit: max(c.MaxClientsPerUser, 0), Numbered: c.ClientIDs == Integers,
	})
	logouts, _ := oauth.StoreAs[oauth.LogoutStore](c.Store)
	r.Logouts, err = backchannel.New(backchannel.Config{
		Store: logouts, Client: r.Clients.Client, IDTokens: r.IDTokens, Allowed: r.Parts.OpenID.AllowedHosts(), Audit: log, Log: c.Logger,
	})
	if err != nil {
		return nil, err
	}
	r.Tokens = tokens.New(tokens.Config{
		Issuer: c.Issuer, OpaquePrefix: c.PersonalTokenPrefix, Store: store, Keys: r.Keys, Policy: r.Policy, Users: r.Users, Audit: log, FamilyLimit: max(c.MaxFamiliesPerClient, 0), TimeOnly: c.LastUsedTimeOnly, Claims: c.Claims, Client: r.Clients.Client, IDTokens: r.IDTokens,
		SessionsEnded: r.Logouts.Ended, Foreign: r.Parts.Foreign, MayOpen: r.Clients.MayTry, NotOpened: r.Clients.Failed,
	})
	r.Personal = tokens.NewPersonal(tokens.PersonalConfig{
		Tokens: r.Tokens, Clients: r.Clients, Opaque: c.PersonalTokenFormat == Opaque, Limit: max(c.MaxPersonalTokensPerUser, 0),
		ClientID: c.PersonalAccessClientID, ClientSecret: c.PersonalAccessClientSecret,
	})
	r.Cookies = firstparty.New(firstparty.Config{
		Issuer: c.Issuer, Name: c.CookieName, TTL: c.CookieTTL, Keys: r.Keys, Policy: r.Policy, Users: r.Users, Forms: r.Forms, Log: r.Log,
	})
	return r, nil
}

// ServeHTTP implements [http.Handler]. It serves all endpoints at their full paths,
// which begin with the issuer's path. If [http.StripPrefix] has taken off a part of the
// path, ServeHTTP puts it back.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.handler.ServeHTTP(w, s.mounted.Restore(r))
}
