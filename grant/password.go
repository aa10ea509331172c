package grant

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/internal/uuid"
	"github.com/go-passport/passport/oauth"
)

// Password exchanges a user's name and password for tokens (RFC 6749 §4.3). The
// client sees the password, so use it only for your organization's own clients
// that cannot be changed yet. RFC 9700 §2.4 forbids it for all others.
type Password struct {
	// DefaultProvider is the user provider of clients without a provider.
	DefaultProvider string
}

// GrantType implements [oauth.Grant].
func (Password) GrantType() string { return "password" }

// Traits implements [oauth.TraitedGrant]. An attacker can guess the password.
// The user does not agree to scopes, so the scope may be *.
func (g Password) Traits() oauth.GrantTraits {
	return oauth.GrantTraits{AllScopes: true, FirstParty: true, Guesses: guessedUser, CheckClient: g.checkClient}
}

func guessedUser(r *oauth.TokenRequest) string {
	if r.Form.Get("password") == "" {
		return ""
	}
	return r.Form.Get("username")
}

func (g Password) checkClient(c *oauth.Client, users oauth.UserProvider) error {
	if _, ok := users.(oauth.PasswordAuthenticator); !ok {
		return fmt.Errorf("the user provider %q checks no passwords: give it the method UserByPassword, or the client another provider", cmp.Or(c.Provider, g.DefaultProvider))
	}
	return nil
}

// errPassword is the same for every wrong attempt, so that attackers cannot
// find out which accounts exist.
var errPassword = oauth.InvalidGrant.Errorf("the user name or the password is wrong")

// Authorize implements [oauth.Grant]. The user belongs to the client's
// provider, which must be an [oauth.PasswordAuthenticator].
func (g Password) Authorize(ctx context.Context, r *oauth.TokenRequest) (*oauth.Authorization, error) {
	username, password := r.Form.Get("username"), r.Form.Get("password")
	if username == "" {
		return nil, oauth.InvalidRequest.Errorf("username is missing")
	}
	if password == "" {
		return nil, oauth.InvalidRequest.Errorf("password is missing")
	}
	provider := cmp.Or(r.Client.Provider, g.DefaultProvider)
	authenticator, ok := r.Users(provider).(oauth.PasswordAuthenticator)
	if !ok {
		return nil, fmt.Errorf("the user provider %q checks no passwords: give it the method UserByPassword, or the client another provider: %w", provider,
			oauth.UnauthorizedClient.Errorf("the client may not use the grant password"))
	}
	found, err := authenticator.UserByPassword(ctx, username, password)
	switch {
	case errors.Is(err, oauth.ErrNotFound):
		return nil, errPassword
	case err != nil:
		return nil, fmt.Errorf("check password: %w", err)
	case found == nil || found.ID == "":
		return nil, fmt.Errorf("UserByPassword of the provider %q returned a user without an ID; return oauth.ErrNotFound for a wrong password", provider)
	}
	user := oauth.UserRef{Provider: provider, ID: found.ID}
	// The server calls UserByID again when it issues the tokens. Calling it
	// here too gives a closed account the same response as a wrong password,
	// and counts the attempt as failed.
	if _, err := users.Load(ctx, r.Users, user); errors.Is(err, users.ErrGone) {
		return nil, fmt.Errorf("the password is right, but %w: %w", err, errPassword)
	} else if err != nil {
		return nil, err
	}
	return &oauth.Authorization{
		Subject: oauth.ForUser(user), Scopes: r.Scopes, Resources: r.Resources, Refresh: r.Client.Refreshes(),
		NewFamily: true, SessionExpiresAt: found.SessionExpiresAt,
		// CreatedAt is the time of the request, so that a revocation during the
		// password check also revokes this family.
		Family: &oauth.Family{
			ID: uuid.NewV7(), User: user, ClientID: r.Client.ID, Resources: r.Resources, AuthTime: r.Time, CreatedAt: r.Time,
			EndsWithSession: r.Client.EndsWithSession,
		},
	}, nil
}
