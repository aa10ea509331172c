package grant

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/nearest"
	"github.com/go-passport/passport/oauth"
)

// RefreshToken exchanges a refresh token for new tokens and rotates the refresh
// token (RFC 6749 §6, RFC 9700 §4.14).
type RefreshToken struct {
	// Grace is how long after a refresh the same request gets the same response
	// again, for clients that lost the response. A request that is older than
	// the refresh by less than Grace counts too. Zero: never.
	Grace time.Duration
}

// GrantType implements [oauth.Grant].
func (RefreshToken) GrantType() string { return "refresh_token" }

// Traits implements [oauth.TraitedGrant]. A refresh keeps the scopes of the
// first grant, which may be *.
func (RefreshToken) Traits() oauth.GrantTraits { return oauth.GrantTraits{AllScopes: true} }

// Presents implements [oauth.PresentingGrant].
func (RefreshToken) Presents(form url.Values) oauth.Spend {
	return presents(oauth.SpendRefreshToken, form.Get("refresh_token"))
}

// Authorize implements [oauth.Grant].
func (g RefreshToken) Authorize(ctx context.Context, r *oauth.TokenRequest) (*oauth.Authorization, error) {
	if r.Form.Get("refresh_token") == "" {
		return nil, oauth.InvalidRequest.Errorf("refresh_token is missing")
	}
	old, err := r.Store.RefreshToken(ctx, oauth.DigestOf(r.Form.Get("refresh_token")))
	if errors.Is(err, oauth.ErrNotFound) {
		return nil, oauth.InvalidGrant.Errorf("the refresh token is unknown")
	}
	if err != nil {
		return nil, fmt.Errorf("find refresh token: %w", err)
	}
	switch {
	case old.Family.ClientID != r.Client.ID:
		return nil, oauth.InvalidGrant.Errorf("the refresh token was issued to another client")
	case !old.Family.Live(r.Time):
		return nil, oauth.InvalidGrant.Errorf("the authorization was revoked or has ended")
	case !old.SpentAt.IsZero() && !g.retried(old, r.Time):
		return nil, oauth.Replayed(oauth.SpendRefreshToken, old.Family)
	case !r.Time.Before(old.ExpiresAt):
		return nil, oauth.InvalidGrant.Errorf("the refresh token has expired")
	}
	scopes, err := narrowed(old.Scopes, r)
	if err != nil {
		return nil, err
	}
	audience, err := resources(old.Family.Resources, r)
	if err != nil {
		return nil, err
	}
	return &oauth.Authorization{
		Subject:       oauth.ForUser(old.Family.User),
		Scopes:        scopes,
		RefreshScopes: old.Scopes,
		Resources:     audience,
		Refresh:       true,
		Spends:        oauth.Spend{Purpose: oauth.SpendRefreshToken, ID: string(old.Digest)},
		Family:        old.Family,
		Retried:       old.Successor,

		Attributes: old.Attributes,
	}, nil
}

// retried reports whether a spent token may be a client's retry. Without a
// grace it never is.
//
// The grace applies in both directions. A request may be older than the request
// that spent the token, because it waited for the database or because its
// node's clock is behind. Both delays are shorter than the grace. Without the
// lower bound, a request with an old time would count as a retry no matter how
// late it arrives.
func (g RefreshToken) retried(old *oauth.RefreshToken, at time.Time) bool {
	return g.Grace > 0 && old.Successor != nil && old.Successor.SpentAt.IsZero() && at.Sub(old.SpentAt).Abs() < g.Grace
}

// openID asks for an ID token. [oauth.AllScopes] doesn't include it.
const openID = "openid"

// narrowed returns the requested scopes, which must be among the granted ones.
// Without a scope parameter it returns all granted scopes (RFC 6749 §6).
func narrowed(granted []string, r *oauth.TokenRequest) ([]string, error) {
	if strings.Trim(r.Form.Get("scope"), " ") == "" { // r.Scopes then has the defaults
		return granted, nil
	}
	all := slices.Contains(granted, oauth.AllScopes)
	for _, id := range r.Scopes {
		if (!all || id == openID) && !oauth.Covers(granted, id, r.InheritScopes) {
			return nil, fmt.Errorf("scope %q; %s: %w", nearest.Shown(id), nearest.Word(id, granted), oauth.InvalidScope.Errorf("a scope was not granted"))
		}
	}
	return r.Scopes, nil
}
