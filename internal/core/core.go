// Package core has the parts of every server: the token endpoint, the authorization
// endpoint, the JSON API, the logos, and the grants that a setting turns on. A feature
// of the configuration is a part like them.
package core

import (
	"context"
	"time"

	"github.com/go-passport/passport/internal/brand"
	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/rooms"
	"github.com/go-passport/passport/internal/wire"
	"github.com/go-passport/passport/oauth"
)

// Settings are the settings of the configuration that the parts use.
type Settings struct {
	feature.Server
	Audience   string
	Scopes     []oauth.Scope
	Grants     []oauth.Grant
	Responders []oauth.Responder
	Brand      brand.Brand

	RefreshTokenGrace    time.Duration
	PasswordGrant        bool
	ImplicitGrant        bool
	DisableJSONAPI       bool
	RecentAuthentication bool // the JSON API requires one before it creates a token
	NumericClientIDs     bool
	NumericUserIDs       bool

	// Of the authorization endpoint: see its Config.
	RequirePKCE       bool
	SkipConsent       func(ctx context.Context, c *oauth.Client, u *oauth.User) bool
	SkipNativeConsent bool
}

// Part is a feature, or an endpoint that every server has.
type Part struct {
	feature.Part
	Routes func(*rooms.Rooms) []wire.Endpoint // nil for none
}

// Parts returns the additions of each endpoint to the server. No other function checks
// which of them are enabled.
func (s Settings) Parts() []Part {
	parts := []Part{s.token(), s.resource()}
	if !s.HasUsers {
		parts = append(parts, withoutUsers)
	} else {
		parts = append(parts, s.authorize(), s.logos(), s.scripts(), s.password(), s.implicit())
		for i, r := range s.Responders {
			parts = append(parts, Part{Part: feature.OfResponder(i, r)})
		}
	}
	for i, g := range s.Grants {
		parts = append(parts, Part{Part: feature.OfGrant(i, g)})
	}
	return parts
}
