package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// PINGrantType is the grant_type of [PIN].
const PINGrantType = "urn:example:grant-type:till-pin"

// shift is how long a till stays open. After it, all tokens of the employee at the
// till end.
const shift = 10 * time.Hour

// PIN is a grant for the tills of the shop. An employee opens a till with a number,
// a PIN and a single-use slip from the manager. For routes that require a fresh
// PIN, the employee renews the tokens with the PIN and the refresh token.
type PIN struct {
	Staff *Staff

	// Grace is how long after a renewal the same request gets the same response.
	Grace time.Duration
}

// GrantType implements oauth.Grant.
func (PIN) GrantType() string { return PINGrantType }

// Traits implements oauth.TraitedGrant.
func (PIN) Traits() oauth.GrantTraits {
	return oauth.GrantTraits{
		AllScopes:  true,  // employees do not consent to scopes
		FirstParty: true,  // a till isn't an app that the employee connected
		Redirects:  false, // a till has no redirect URI
		Guesses:    guessedEmployee,
		CheckClient: func(client *oauth.Client, _ oauth.UserProvider) error {
			if client.Public() {
				return errors.New("a till needs a secret, so that only tills can try PINs")
			}
			return nil
		},
	}
}

// guessedEmployee returns the account whose PIN the request contains; empty for an
// incomplete request.
func guessedEmployee(r *oauth.TokenRequest) string {
	if r.Form.Get("pin") == "" || !complete(r) {
		return ""
	}
	return r.Form.Get("employee")
}

func complete(r *oauth.TokenRequest) bool {
	return r.Form.Get("employee") != "" && r.Form.Get("pin") != "" && (r.Form.Get("slip") != "" || r.Form.Get("refresh_token") != "")
}

// errWrong is the same for every wrong value, so that an attacker learns nothing.
var errWrong = oauth.InvalidGrant.Errorf("the employee, the PIN or the slip is wrong")

// Authorize implements oauth.Grant.
func (g PIN) Authorize(ctx context.Context, r *oauth.TokenRequest) (*oauth.Authorization, error) {
	if !complete(r) {
		return nil, oauth.InvalidRequest.Errorf("employee, pin, and slip or refresh_token are required")
	}
	user := passport.UserRef{Provider: passport.DefaultProvider, ID: r.Form.Get("employee")}
	if !g.Staff.Knows(user.ID, r.Form.Get("pin")) {
		return nil, errWrong
	}
	// The server calls UserByID again when it issues. With this call, an employee who
	// left gets the same response as for a wrong PIN.
	if _, err := r.Users(user.Provider).UserByID(ctx, user.ID); errors.Is(err, oauth.ErrNotFound) {
		return nil, errWrong
	} else if err != nil {
		return nil, fmt.Errorf("find employee: %w", err)
	}
	if token := r.Form.Get("refresh_token"); token != "" {
		return g.renew(ctx, r, user, token)
	}
	return g.open(r, user)
}

// open begins a family and spends the slip.
func (g PIN) open(r *oauth.TokenRequest, user passport.UserRef) (*oauth.Authorization, error) {
	slip, ok := g.Staff.Slip(r.Form.Get("slip"))
	if !ok || slip.Employee != user.ID || !r.Time.Before(slip.Expires) {
		return nil, errWrong
	}
	return &oauth.Authorization{
		Subject: oauth.ForUser(user), Scopes: r.Scopes, Resources: r.Resources, Refresh: true, Attributes: enteredAt(r.Time),
		Spends:    oauth.Spend{Purpose: "shop.slip", ID: slip.Number, Until: slip.Expires},
		NewFamily: true,
		Family: &oauth.Family{
			ID: rand.Text(), User: user, ClientID: r.Client.ID, Resources: r.Resources,
			AuthTime: r.Time, CreatedAt: r.Time, ExpiresAt: r.Time.Add(shift),
		},
	}, nil
}

// renew exchanges a refresh token of the till for new tokens with the same scopes.
// A retry within the grace gets the same response. Any other second use is a
// replay, which revokes the family.
func (g PIN) renew(ctx context.Context, r *oauth.TokenRequest, user passport.UserRef, token string) (*oauth.Authorization, error) {
	old, err := r.Store.RefreshToken(ctx, oauth.DigestOf(token))
	switch {
	case errors.Is(err, oauth.ErrNotFound):
		return nil, oauth.InvalidGrant.Errorf("the refresh token is unknown")
	case err != nil:
		return nil, fmt.Errorf("find refresh token: %w", err)
	case old.Family.ClientID != r.Client.ID || old.Family.User != user:
		return nil, oauth.InvalidGrant.Errorf("the refresh token belongs to another till or employee")
	case !old.Family.Live(r.Time):
		return nil, oauth.InvalidGrant.Errorf("the shift has ended")
	case !old.SpentAt.IsZero() && !g.retried(old, r.Time):
		return nil, oauth.Replayed(oauth.SpendRefreshToken, old.Family)
	case !r.Time.Before(old.ExpiresAt):
		return nil, oauth.InvalidGrant.Errorf("the refresh token has expired")
	}
	return &oauth.Authorization{
		Subject: oauth.ForUser(user), Scopes: old.Scopes, Resources: old.Family.Resources, Refresh: true, Attributes: enteredAt(r.Time),
		Spends:  oauth.Spend{Purpose: oauth.SpendRefreshToken, ID: string(old.Digest)},
		Family:  old.Family,
		Retried: old.Successor,
	}, nil
}

// retried reports whether a spent refresh token is a retry of a till that lost the
// response, and not a replay.
func (g PIN) retried(old *oauth.RefreshToken, at time.Time) bool {
	return old.Successor != nil && old.Successor.SpentAt.IsZero() && at.Sub(old.SpentAt).Abs() < g.Grace
}

// enteredAt returns the attributes of tokens after a PIN was entered.
func enteredAt(at time.Time) map[string]string {
	return map[string]string{"pin-entered": at.Format(time.RFC3339Nano)}
}

// freshPIN is a rule for routes that require a PIN entered shortly before.
func freshPIN(token *oauth.AccessToken) error {
	at, err := time.Parse(time.RFC3339Nano, token.Attributes["pin-entered"])
	if err != nil || time.Since(at) > 5*time.Minute {
		return oauth.InsufficientScope.Errorf("the PIN must be entered again")
	}
	return nil
}
