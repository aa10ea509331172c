package passport

import (
	"context"
	"time"

	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/oidc"
	"github.com/go-passport/passport/internal/rooms"
	"github.com/go-passport/passport/internal/wire"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/openid"
)

// OpenID is the feature of OpenID Connect: "sign in with" this server. Clients request
// the scope openid and get an ID token, which says who signed in. Keys needs an RSA key,
// because every client can verify RS256 (OpenID Connect Core §15.1).
type OpenID struct {
	// UserClaims returns what the application knows about a user. It is called when a
	// client asks for the claims, with the scopes that the user granted to the client.
	// Its error is a server_error. Default: no claims beside sub.
	UserClaims func(ctx context.Context, user *oauth.User, client *oauth.Client, scopes []string) (openid.Claims, error)

	// StandardClaims are the standard claims that UserClaims may return, such as "name" and
	// "email". The server gives no others to clients, and lists these in claims_supported.
	// Default: every claim of package openid.
	StandardClaims []string

	// ExtraClaims declares the claims that UserClaims returns in Claims.Extra.
	ExtraClaims []openid.ExtraClaim

	// IDTokenTTL is the lifetime of an ID token. A client can have its own. Default, also
	// for 0: one hour.
	IDTokenTTL time.Duration

	// BackchannelAllowedHosts are hosts in private networks that may be the target of a
	// back-channel logout, such as "app.internal" or "10.0.0.5:8443". Default: public
	// addresses only.
	BackchannelAllowedHosts []string
}

// Part implements [Feature].
func (o OpenID) Part(s feature.Server) feature.Part { return oidc.Settings(o).Part(s) }

// Routes implements [Feature].
func (o OpenID) Routes(r *rooms.Rooms) []wire.Endpoint { return oidc.Settings(o).Routes(r) }
