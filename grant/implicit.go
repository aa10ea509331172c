package grant

import (
	"context"

	"github.com/go-passport/passport/oauth"
)

// Implicit responds to an authorization request with an access token in the
// fragment of the redirect URI (RFC 6749 §4.2). It is off by default: a token
// in a URL is visible in the browser's history and to every script of the page,
// and it is not bound to a client (RFC 9700 §2.1.2).
type Implicit struct{}

// ResponseType implements [oauth.Responder].
func (Implicit) ResponseType() string { return "token" }

// GrantType implements [oauth.Responder].
func (Implicit) GrantType() string { return "implicit" }

// Respond implements [oauth.Responder]. It never issues a refresh token (RFC
// 6749 §4.2.2).
func (Implicit) Respond(_ context.Context, r *oauth.AuthorizationRequest) (*oauth.Authorization, error) {
	return &oauth.Authorization{Subject: oauth.ForUser(r.Family.User), Scopes: r.Scopes, Resources: r.Resources}, nil
}
