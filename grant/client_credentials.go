package grant

import (
	"context"
	"errors"

	"github.com/go-passport/passport/oauth"
)

// ClientCredentials lets a confidential client act for itself (RFC 6749 §4.4).
type ClientCredentials struct{}

// GrantType implements [oauth.Grant].
func (ClientCredentials) GrantType() string { return "client_credentials" }

// Traits implements [oauth.TraitedGrant]. No user agrees to scopes, so the
// scope may be *.
func (ClientCredentials) Traits() oauth.GrantTraits {
	return oauth.GrantTraits{AllScopes: true, ClientOnly: true, CheckClient: func(c *oauth.Client, _ oauth.UserProvider) error {
		if c.Public() {
			return errors.New("a public client cannot use client_credentials: it has no secret to authenticate with")
		}
		return nil
	}}
}

// Authorize implements [oauth.Grant]. It issues no refresh token, because the
// client can request another access token at any time (RFC 6749 §4.4.3).
func (ClientCredentials) Authorize(_ context.Context, r *oauth.TokenRequest) (*oauth.Authorization, error) {
	if r.Client.Public() {
		return nil, oauth.UnauthorizedClient.Errorf("a public client cannot use client_credentials")
	}
	return &oauth.Authorization{Subject: oauth.ForClient(), Scopes: r.Scopes, Resources: r.Resources}, nil
}
