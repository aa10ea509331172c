package guard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-passport/passport/internal/authserver"
	"github.com/go-passport/passport/internal/ctxtoken"
	"github.com/go-passport/passport/internal/issuer"
	"github.com/go-passport/passport/internal/logline"
	"github.com/go-passport/passport/internal/origin"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/oauth"
)

// Remote protects an API in another process than its authorization server. Issuer and
// Audience are required:
//
//	api := &guard.Remote{
//		Issuer:   "https://auth.example.com",
//		Audience: "https://orders.example.com",
//	}
//	mux.Handle("GET /orders", api.Guard(guard.Scopes("check-status"))(orders))
//
// Remote verifies JWTs with the keys of the server, which it fetches when a request first
// needs them. Then a revocation takes effect when the token expires; with Introspect, it
// takes effect after that time.
//
// A Remote is safe for concurrent use, and starts no goroutine. Do not copy it or change
// its fields after the first call of a method.
type Remote struct {
	// Issuer is the issuer of the authorization server, exactly as in its
	// configuration.
	Issuer string

	// Audience is the URI of this API. Clients name it in the parameter resource (RFC
	// 8707), and the server has it in Config.Resources. Tokens for another audience
	// are refused.
	Audience string

	// ClientID and ClientSecret are the API's own credentials for introspection (RFC
	// 7662), from `passport client --api`. With them, opaque tokens are accepted, too.
	// Default: none.
	ClientID, ClientSecret string

	// Introspect is how long a response of the introspection endpoint is used. If it
	// is set, the server is asked about JWTs, too, also about those that it has imported
	// from another server. It requires ClientID. Default: 0.
	// Then each request with an opaque token asks the server, and no request with a
	// JWT does.
	Introspect time.Duration

	// Users returns the account of a token's user, or [oauth.ErrNotFound] to refuse
	// the token. The ID is the one from UserByID of the server. The account's Data is
	// what passport.UserFromContext returns. Default: an account that has only an ID.
	Users func(ctx context.Context, user oauth.UserRef) (*oauth.User, error)

	// InheritScopes is Config.InheritScopes of the server.
	InheritScopes bool

	// Name and Scopes are the name of the API and its scopes, for its metadata; see
	// [Remote.Metadata]. Default: none.
	Name   string
	Scopes []string

	// Origins are the origins of endpoints that are not at the origin of Issuer, such
	// as "https://keys.example.com". Default: none.
	Origins []string

	// InsecureAllowHTTP accepts an http issuer that is not a loopback address.
	InsecureAllowHTTP bool

	// HTTPClient sends the requests to the server. Redirects are never followed, and
	// cookies are not sent. A fetch of metadata and keys takes at most three seconds, and
	// so does an introspection. Default: a client with at most 64 connections.
	HTTPClient *http.Client

	// Realm, OnRefusal and Logger are as in [Config].
	Realm     string
	OnRefusal func(w http.ResponseWriter, r *http.Request, err *oauth.Error)
	Logger    *slog.Logger

	once   sync.Once
	server *authserver.Server
	served atomic.Bool // the API serves its metadata
}

// Guard returns middleware that admits requests with a user's access token, if the token
// satisfies all rules. The user must belong to the default provider, or to a provider of a
// [Provider] rule. A client's own token is refused.
//
// Guard panics if [Remote.Validate] returns an error.
func (r *Remote) Guard(rules ...Rule) func(http.Handler) http.Handler {
	return r.guard(Users(oauth.DefaultProvider, rules))
}

// GuardClient returns middleware that admits clients that act for themselves, and refuses
// users. It panics as [Remote.Guard] does.
func (r *Remote) GuardClient(rules ...Rule) func(http.Handler) http.Handler {
	return r.guard(append([]Rule{Clients}, rules...))
}

// GuardAny returns middleware that admits users, like [Remote.Guard], and clients that act
// for themselves. It panics as [Remote.Guard] does.
func (r *Remote) GuardAny(rules ...Rule) func(http.Handler) http.Handler {
	return r.guard(UsersAndClients(oauth.DefaultProvider, rules))
}

// Validate returns an error that names each missing or invalid field, with its remedy.
func (r *Remote) Validate() error {
	var faults []error
	add := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf("guard: Remote."+format, args...))
		}
	}
	for _, fault := range issuer.Check(r.Issuer, "/oauth", r.InsecureAllowHTTP) {
		add(true, "%w", fault)
	}
	u, err := url.Parse(r.Audience)
	add(r.Audience == "", "Audience is missing: set the URI of this API, which clients name in the parameter resource; without it, the API would accept tokens for other APIs")
	add(r.Audience != "" && (err != nil || !u.IsAbs() || strings.ContainsAny(r.Audience, "# ")), "Audience %q: want an absolute URI without fragment (RFC 8707 §2)", r.Audience)
	add((r.ClientID == "") != (r.ClientSecret == ""), "ClientID and ClientSecret: set both or neither")
	add(r.Introspect < 0, "Introspect is %v: want a positive duration, or 0", r.Introspect)
	add(r.Introspect > 0 && r.ClientID == "", "Introspect needs the API's own credentials: set ClientID and ClientSecret; `passport client --api` creates them")
	for _, o := range r.Origins {
		if err := origin.Check(o); err != nil {
			add(true, "Origins has %q: it %w", o, err)
		} else if insecure := !strings.HasPrefix(o, "https://") && !strings.HasPrefix(r.Issuer, "http://"); insecure {
			add(true, "Origins has %q: use https", o)
		}
	}
	return errors.Join(faults...)
}

// start builds the connection to the server, once. It panics on a fault of the settings,
// as the registration of a route does.
func (r *Remote) start() {
	r.once.Do(func() {
		if err := r.Validate(); err != nil {
			panic(err) // a programmer's or operator's mistake, at the start
		}
		c := authserver.Config{
			Issuer: r.Issuer, Origins: r.Origins, Client: authserver.Client(r.HTTPClient), TTL: r.Introspect,
			Log: logline.Bounded(cmp.Or(r.Logger, slog.Default()), nil),
		}
		if r.ClientID != "" {
			c.Authenticate = func(req *http.Request) {
				req.SetBasicAuth(url.QueryEscape(r.ClientID), url.QueryEscape(r.ClientSecret)) // RFC 6749 §2.3.1
			}
		}
		r.server = authserver.New(c)
	})
	if r.server == nil {
		panic(r.Validate()) // a program that recovered from the first panic
	}
}

func (r *Remote) guard(rules []Rule) func(http.Handler) http.Handler {
	r.start()
	c := Config{Verify: r.verify, Realm: r.Realm, OnRefusal: r.OnRefusal, Logger: r.Logger}
	plain := New(c, rules...)
	c.ResourceMetadata = r.metadataURL()
	described := New(c, rules...)
	return func(next http.Handler) http.Handler {
		without, with := plain(next), described(next)
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			var direct *reqinfo.Proxies
			req = r.own(direct.Attach(w, req))
			if r.served.Load() {
				with.ServeHTTP(w, req)
				return
			}
			without.ServeHTTP(w, req)
		})
	}
}

// own returns a request for a guard of r. It keeps a token that another guard of r, or a
// test, admitted. It drops a token that another server's guard admitted: that server's
// user 1 is another user.
func (r *Remote) own(req *http.Request) *http.Request {
	a, _ := ctxtoken.From(req.Context())
	switch {
	case a.Token != nil && a.By == r:
		return req
	case a.Token != nil && a.By == nil: // a test does not know the API's settings
		token := *a.Token
		token.InheritScopes, token.Audience = r.InheritScopes, []string{r.Audience}
		a.Token = &token
		return req.WithContext(ctxtoken.With(req.Context(), a))
	}
	return req.WithContext(ctxtoken.With(req.Context(), ctxtoken.Admitted{By: r}))
}

// Format implements [fmt.Formatter]. It prints only issuer and audience, so that
// ClientSecret does not leak.
func (r *Remote) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "guard.Remote(%s of %s)", r.Audience, r.Issuer)
}

// LogValue implements [slog.LogValuer]: issuer and audience.
func (r *Remote) LogValue() slog.Value {
	return slog.GroupValue(slog.String("issuer", r.Issuer), slog.String("audience", r.Audience))
}
