package grant

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/go-passport/passport/oauth"
)

// AuthorizationCode exchanges a code for tokens (RFC 6749 §4.1.3, RFC 7636).
type AuthorizationCode struct{}

// GrantType implements [oauth.Grant].
func (AuthorizationCode) GrantType() string { return "authorization_code" }

// Traits implements [oauth.TraitedGrant].
func (AuthorizationCode) Traits() oauth.GrantTraits { return oauth.GrantTraits{Redirects: true} }

// Presents implements [oauth.PresentingGrant].
func (AuthorizationCode) Presents(form url.Values) oauth.Spend {
	return presents(oauth.SpendCode, form.Get("code"))
}

// presents returns the value that a form presents; a zero Spend without one.
func presents(purpose oauth.Purpose, value string) oauth.Spend {
	if value == "" {
		return oauth.Spend{}
	}
	return oauth.Spend{Purpose: purpose, ID: string(oauth.DigestOf(value))}
}

// Authorize implements [oauth.Grant]. A refusal does not use up the code, so
// that an attacker that only saw a code cannot break the user's login.
func (AuthorizationCode) Authorize(ctx context.Context, r *oauth.TokenRequest) (*oauth.Authorization, error) {
	if r.Form.Get("code") == "" {
		return nil, oauth.InvalidRequest.Errorf("code is missing")
	}
	code, err := r.Store.Code(ctx, oauth.DigestOf(r.Form.Get("code")))
	if errors.Is(err, oauth.ErrNotFound) {
		return nil, oauth.InvalidGrant.Errorf("the code is unknown")
	}
	if err != nil {
		return nil, fmt.Errorf("find code: %w", err)
	}
	if err := checkCode(code, r); err != nil {
		return nil, err
	}
	return redeemed(code, oauth.SpendCode, r)
}

// redeemed authorizes the tokens of a code, which may also be the approval of a device.
func redeemed(code *oauth.Code, as oauth.Purpose, r *oauth.TokenRequest) (*oauth.Authorization, error) {
	audience, err := resources(code.Family.Resources, r)
	if err != nil {
		return nil, err
	}
	return &oauth.Authorization{
		Subject:   oauth.ForUser(code.Family.User),
		Scopes:    code.Scopes,
		Resources: audience,
		Refresh:   r.Client.Refreshes(),
		Spends:    oauth.Spend{Purpose: as, ID: string(code.Digest)},
		Family:    code.Family,
		Nonce:     code.Nonce,

		Attributes: code.Attributes,
	}, nil
}

// checkCode refuses a code that does not belong to this request. It reports a
// replay only if everything that binds the code matches, because then either
// the attacker or the client has used the code before.
func checkCode(code *oauth.Code, r *oauth.TokenRequest) error {
	if code.Family.ClientID != r.Client.ID {
		return oauth.InvalidGrant.Errorf("the code was issued to another client")
	}
	if !redirectURIMatches(code, r.Form) {
		return oauth.InvalidGrant.Errorf("redirect_uri differs from the authorization request")
	}
	if err := verifyPKCE(code.CodeChallenge, r.Form.Get("code_verifier")); err != nil {
		return err
	}
	switch {
	case !code.Family.Live(r.Time):
		return oauth.InvalidGrant.Errorf("the authorization was revoked or has ended")
	case !code.SpentAt.IsZero():
		return oauth.Replayed(oauth.SpendCode, code.Family)
	case !r.Time.Before(code.ExpiresAt):
		return oauth.InvalidGrant.Errorf("the code has expired")
	}
	return nil
}

// redirectURIMatches compares redirect_uri with the one in the authorization
// request. It may be missing if it was missing there, or if a code challenge
// binds the code (OAuth 2.1 §4.1.3).
func redirectURIMatches(code *oauth.Code, form url.Values) bool {
	sent := form.Get("redirect_uri")
	if sent == "" {
		return code.RedirectURI == "" || code.CodeChallenge != ""
	}
	return sent == code.RedirectURI
}
