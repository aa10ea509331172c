package passport

import (
	"github.com/go-passport/passport/internal/brand"
	"github.com/go-passport/passport/internal/core"
	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/rooms"
	"github.com/go-passport/passport/internal/wire"
)

// Feature is an optional part of the server, for Config.Features. Its settings are
// its fields. Only packages of this module can implement it.
type Feature interface {
	// Part returns the feature's additions to grants and metadata, and the faults
	// of its settings. It must not build anything.
	Part(feature.Server) feature.Part

	// Routes returns the endpoints of the feature.
	Routes(*rooms.Rooms) []wire.Endpoint
}

// parts returns the additions of each endpoint and feature to the server.
func (c Config) parts() []core.Part {
	staySignedIn := c.directory().WithoutSignOut()
	s := core.Settings{
		Server: feature.Server{
			Issuer: c.Issuer, Path: c.Path, HasUsers: c.Users != nil || len(c.Providers) > 0, HasKey: c.Keys.has,
			SignsOut: len(staySignedIn) < len(c.directory().Names()), WithoutSignOut: staySignedIn,
		}, Audience: c.Audience, Scopes: c.Scopes, Grants: c.Grants, Responders: c.Responders,
		Brand: brand.Brand(c.Brand), RefreshTokenGrace: c.RefreshTokenGrace, PasswordGrant: c.EnablePasswordGrant, ImplicitGrant: c.EnableImplicitGrant,
		DisableJSONAPI: c.DisableJSONAPI, RecentAuthentication: c.RequireRecentAuthentication, NumericClientIDs: c.ClientIDs == Integers, NumericUserIDs: c.NumericUserIDs,
		RequirePKCE: c.RequirePKCE, SkipConsent: c.SkipConsent, SkipNativeConsent: c.InsecureSkipNativeConsent,
	}
	parts := s.Parts()
	for i, f := range c.Features {
		parts = append(parts, core.OfFeature(i, f, s.Server))
	}
	return parts
}
