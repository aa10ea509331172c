// Package rooms has the shared parts of a server, from which its endpoints are
// built. Package passport fills it; each feature uses the parts that it needs.
package rooms

import (
	"context"
	"net/url"
	"sync/atomic"

	"github.com/go-passport/passport/internal/authorize"
	"github.com/go-passport/passport/internal/backchannel"
	"github.com/go-passport/passport/internal/clients"
	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/firstparty"
	"github.com/go-passport/passport/internal/idtoken"
	"github.com/go-passport/passport/internal/keyring"
	"github.com/go-passport/passport/internal/lastused"
	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/internal/policy"
	"github.com/go-passport/passport/internal/sameorigin"
	"github.com/go-passport/passport/internal/tokens"
	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/internal/wire"
	"github.com/go-passport/passport/oauth"
)

// Rooms are the shared parts of one server.
type Rooms struct {
	Issuer *url.URL
	Base   string // the common path of the endpoints, including the issuer's path
	Log    wire.Log
	Parts  *feature.Joined

	Keys     *keyring.Live
	Policy   *policy.Policy
	Users    *users.Directory
	Forms    *sameorigin.Guard
	Pages    *page.Set
	Clients  *clients.Registry
	Tokens   *tokens.Service
	Personal *tokens.Personal
	IDTokens *idtoken.Service    // nil if the server isn't an OpenID provider
	Logouts  *backchannel.Sender // nil if the server isn't an OpenID provider
	Cookies  *firstparty.Cookies
	Uses     *lastused.Uses // nil if the store does not keep them

	Reader  *tokens.Reader            // of the store, for grants
	Pending oauth.PendingRequestStore // nil if the store is none

	Authorize *authorize.Endpoint // nil without users

	// SignInRequest is that of the endpoints that send users to sign in; nil without one.
	SignInRequest func(ctx context.Context, returnTo string) (*oauth.SignInRequest, error)

	AppsPage *atomic.Pointer[string] // see passport.Server.SetAppsPage
}
