// Package oidc is the feature of OpenID Connect: its settings, its scopes and metadata,
// and its endpoints.
package oidc

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/go-passport/passport/internal/endpoint"
	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/issuer"
	"github.com/go-passport/passport/internal/rooms"
	"github.com/go-passport/passport/internal/wire"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/openid"
)

// Settings are the settings of the feature. passport.OpenID documents them.
type Settings struct {
	UserClaims              func(ctx context.Context, user *oauth.User, client *oauth.Client, scopes []string) (openid.Claims, error)
	StandardClaims          []string
	ExtraClaims             []openid.ExtraClaim
	IDTokenTTL              time.Duration
	BackchannelAllowedHosts []string
}

// Part returns the scopes, the metadata and the faults of the feature.
func (s Settings) Part(server feature.Server) feature.Part {
	scopes := s.scopes()
	return feature.Part{
		Name: "OpenID", Scopes: scopes, Metadata: s.metadata(server, scopes),
		OpenID: &feature.OpenID{UserClaims: s.UserClaims, StandardClaims: s.StandardClaims, ExtraClaims: s.ExtraClaims, IDTokenTTL: s.IDTokenTTL, BackchannelAllowedHosts: s.BackchannelAllowedHosts},
		Faults: s.faults(server), Warnings: logoutWarnings(server), Store: checkStore,
	}
}

// checkStore returns an error for a store that cannot keep the sessions that clients know.
func checkStore(store oauth.Store) error {
	if _, ok := oauth.StoreAs[oauth.LogoutStore](store); ok {
		return nil
	}
	return errors.New("the feature OpenID needs a store that is an oauth.LogoutStore: use sqlstore or memstore. If the store wraps another one, give it the method Unwrap() oauth.Store")
}

// Routes returns the endpoints of the feature. Each has a file in this package.
func (s Settings) Routes(r *rooms.Rooms) []wire.Endpoint {
	routes := []wire.Endpoint{
		wire.Single("passport.userinfo", r.Base+userInfoPath, newUserInfo(r), http.MethodGet, http.MethodHead, http.MethodPost, http.MethodOptions),
	}
	for _, path := range issuer.Discovery(r.Issuer) {
		routes = append(routes, wire.Single("passport.openid", path, endpoint.Metadata(r.Parts.Metadata, r.IDTokens, r.Log), http.MethodGet, http.MethodHead, http.MethodOptions))
	}
	return append(routes, logoutRoutes(r)...)
}
