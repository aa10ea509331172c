package grant

import (
	"context"

	"github.com/go-passport/passport/oauth"
)

// ClientCredentials lets a confidential client act for itself (RFC 6749 §4.4).
type ClientCredentials struct{}

// GrantType implements [oauth.Grant].
func (ClientCredentials) GrantType() string { return "client_credentials" }

// Authorize implements [oauth.Grant]. There is no refresh token: the client can
// always ask again (RFC 6749 §4.4.3).
func (ClientCredentials) Authorize(_ context.Context, r *oauth.TokenRequest) (*oauth.Authorization, error) {
	if r.Client.Public() {
		return nil, oauth.UnauthorizedClient.Errorf("a public client cannot use client_credentials")
	}
	return &oauth.Authorization{Subject: oauth.ForClient(), Scopes: r.Scopes, Resources: r.Resources}, nil
}
