package feature

import (
	"context"
	"time"

	"github.com/go-passport/passport/internal/jws"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/openid"
)

// OpenID makes the server an OpenID provider. Only one part can have it.
type OpenID struct {
	UserClaims  func(ctx context.Context, user *oauth.User, client *oauth.Client, scopes []string) (openid.Claims, error) // nil for none
	ExtraClaims []openid.ExtraClaim
	IDTokenTTL  time.Duration // of clients without their own

	StandardClaims []string // that UserClaims may return; nil for all

	// BackchannelAllowedHosts may be targets of a back-channel logout, although they have no
	// public address: "host" or "host:port".
	BackchannelAllowedHosts []string
}

// AllowedHosts returns BackchannelAllowedHosts: none without OpenID Connect.
func (o *OpenID) AllowedHosts() []string {
	if o == nil {
		return nil
	}
	return o.BackchannelAllowedHosts
}

// RequiredAlgs returns the algorithms that the keys of the server must have: none without
// OpenID Connect.
func (o *OpenID) RequiredAlgs() []string {
	if o == nil {
		return nil
	}
	return []string{jws.RS256}
}
