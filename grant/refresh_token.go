package grant

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-passport/passport/oauth"
)

// RefreshToken exchanges a refresh token for new tokens, and rotates it
// (RFC 6749 §6, RFC 9700 §4.14).
type RefreshToken struct {
	// Grace is how long after a refresh the same request is answered with the
	// same tokens, for clients that lost the answer. Zero: not at all. A request
	// that is older than the refresh by less than Grace counts too.
	Grace time.Duration
}

// GrantType implements [oauth.Grant].
func (RefreshToken) GrantType() string { return "refresh_token" }

// Traits implements [oauth.TraitedGrant]. A refresh carries on what the first grant
// gave, which may be the scope *.
func (RefreshToken) Traits() oauth.GrantTraits { return oauth.GrantTraits{AllScopes: true} }

// Authorize implements [oauth.Grant].
func (g RefreshToken) Authorize(ctx context.Context, r *oauth.TokenRequest) (*oauth.Authorization, error) {
	if r.Form.Get("refresh_token") == "" {
		return nil, oauth.InvalidRequest.Errorf("refresh_token is required")
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

// retried reports whether a spent token may have come again by accident. Without
// a grace it never has.
//
// The grace counts in both directions. A request may be older than the one that
// spent the token: it waited for the database meanwhile, or its node's clock is
// behind. Neither takes as long as the grace. Without the lower bound a request
// with an old time would count as a retry however late it asks.
func (g RefreshToken) retried(old *oauth.RefreshToken, at time.Time) bool {
	return g.Grace > 0 && old.Successor != nil && old.Successor.SpentAt.IsZero() && at.Sub(old.SpentAt).Abs() < g.Grace
}

// narrowed returns the scopes asked for, which must be among those granted, or
// else all of those (RFC 6749 §6).
func narrowed(granted []string, r *oauth.TokenRequest) ([]string, error) {
	if strings.Trim(r.Form.Get("scope"), " ") == "" { // r.Scopes are the defaults then
		return granted, nil
	}
	if slices.Contains(granted, oauth.AllScopes) {
		return r.Scopes, nil
	}
	if slices.ContainsFunc(r.Scopes, func(id string) bool { return !oauth.Covers(granted, id, r.InheritScopes) }) {
		return nil, oauth.InvalidScope.Errorf("a scope was not granted")
	}
	return r.Scopes, nil
}
