// Package authorize is the authorization endpoint (RFC 6749 §3.1). It checks the
// request, finds the signed-in user, decides whether to show a consent page, and
// returns the request's outcome. A single function writes outcomes.
package authorize

import (
	"context"
	"net/http"
	"net/url"
	"sync/atomic"

	"github.com/go-passport/passport/internal/clients"
	"github.com/go-passport/passport/internal/cookie"
	"github.com/go-passport/passport/internal/idtoken"
	"github.com/go-passport/passport/internal/keyring"
	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/internal/policy"
	"github.com/go-passport/passport/internal/sameorigin"
	"github.com/go-passport/passport/internal/tokens"
	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/internal/wire"
	"github.com/go-passport/passport/oauth"
)

// Config holds the dependencies and settings of an [Endpoint]. All fields but the
// last seven are required.
type Config struct {
	Issuer     *url.URL
	LogoPath   string // of the logos of clients
	Site       string // the server's name on its pages
	Home       string // the URL of the home page
	Path       string // of the endpoint, including the issuer's path
	Keys       *keyring.Live
	Policy     *policy.Policy
	Responders map[string]oauth.Responder // by response_type
	Clients    *clients.Registry
	Tokens     *tokens.Service
	Users      *users.Directory
	Forms      *sameorigin.Guard
	Pages      *page.Set
	Log        wire.Log
	AppsPage   *atomic.Pointer[string] // the path of the page on which users remove apps; holds nil without one

	IDTokens                         *idtoken.Service          // nil if the server isn't an OpenID provider
	Pending                          oauth.PendingRequestStore // nil if the store does not implement it
	RequirePKCE                      bool
	SkipConsent                      func(ctx context.Context, client *oauth.Client, user *oauth.User) bool
	SkipNativeConsent                bool
	NumericClientIDs, NumericUserIDs bool // in JSON
}

// Endpoint is the authorization endpoint. It is safe for concurrent use.
type Endpoint struct {
	Config
	tickets  tickets
	consents consents
}

var _ http.Handler = (*Endpoint)(nil)

// New returns the authorization endpoint.
func New(c Config) *Endpoint {
	return &Endpoint{
		Config:   c,
		tickets:  tickets{keys: c.Keys, names: cookie.Of(c.Issuer.String()), https: c.Issuer.Scheme == "https", decidedTTL: c.Policy.CodeTTL},
		consents: consents{audience: c.Policy.Audience, inherit: c.Policy.InheritScopes, scopes: c.Policy.Scopes},
	}
}
