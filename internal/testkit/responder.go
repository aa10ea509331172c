package testkit

import (
	"context"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// Responder is a custom responder for the response type badge.
type Responder func(r *oauth.AuthorizationRequest) (*oauth.Authorization, error)

// BadgeType is the grant type that a client of [Responder] needs.
const BadgeType = "urn:example:badge"

// ResponseType implements [oauth.Responder].
func (Responder) ResponseType() string { return "badge" }

// GrantType implements [oauth.Responder].
func (Responder) GrantType() string { return BadgeType }

// Respond implements [oauth.Responder].
func (f Responder) Respond(_ context.Context, r *oauth.AuthorizationRequest) (*oauth.Authorization, error) {
	return f(r)
}

// WithResponder sets the custom responder.
func WithResponder(f Responder) func(*passport.Config) {
	return func(c *passport.Config) { c.Responders = []oauth.Responder{f} }
}

// Badge returns what a well-behaved responder grants.
func Badge(r *oauth.AuthorizationRequest) *oauth.Authorization {
	return &oauth.Authorization{Subject: oauth.ForUser(r.Family.User), Scopes: r.Scopes, Resources: r.Resources}
}
