package passport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-passport/passport/internal/clock"
	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/oauth"
)

// ConnectedApp is a client that may act for a user: it has live tokens, or a consent
// with which it gets new ones without another question.
type ConnectedApp struct {
	// Client is the app. It has no redirect URIs, no attributes and no secrets.
	Client *oauth.Client

	// Scopes are the registered scopes of the app's newest tokens and of its
	// consents, in the order of the consent page.
	Scopes []Scope

	// Since is when the user allowed it: the first time of all that still counts.
	Since time.Time

	// ExpiresAt is when the last of its tokens ends at the latest. It is zero for an
	// app that has a consent and no live tokens.
	ExpiresAt time.Time
}

// ConnectedApps returns the connected apps of a user, the newest first. Removing one is
// [Server.Withdraw]. It considers at most [oauth.MaxListed] token families and as many
// clients. Apps without live tokens are missing if the store is not an
// [oauth.ConsentListStore].
func (s *Server) ConnectedApps(ctx context.Context, user UserRef) ([]*ConnectedApp, error) {
	found, err := s.tokens.Apps(ctx, user, clock.Now())
	if err != nil {
		return nil, fmt.Errorf("list connected apps: %w", err)
	}
	apps := make([]*ConnectedApp, 0, len(found))
	for _, a := range found {
		apps = append(apps, &ConnectedApp{
			Client: a.Client, Scopes: s.policy.Described(a.Scopes), Since: a.Since, ExpiresAt: a.ExpiresAt,
		})
	}
	return apps, nil
}

// WithdrawAll calls [Server.Withdraw] for each of a user's connected apps, and returns
// how many it removed. On an error it stops; the apps that it removed stay removed.
func (s *Server) WithdrawAll(ctx context.Context, user UserRef) (n int, err error) {
	for range maxWithdrawals {
		apps, err := s.tokens.Apps(ctx, user, clock.Now())
		if err != nil {
			return n, fmt.Errorf("list connected apps: %w", err)
		}
		for _, a := range apps {
			if err := s.Withdraw(ctx, user, a.Client.ID); err != nil {
				return n, err
			}
			n++
		}
		if len(apps) < oauth.MaxListed { // the list was complete
			return n, nil
		}
	}
	return n, errors.New("withdraw all: the user has too many connected apps; call WithdrawAll again")
}

// maxWithdrawals bounds the number of lists that WithdrawAll reads.
const maxWithdrawals = 100

// CurrentUser returns the user that is signed in to the browser that sent r. An empty
// provider means any: the default one first, then the others by name. The error is
// [oauth.ErrNotFound] if no user is signed in.
func (s *Server) CurrentUser(r *http.Request, provider string) (UserRef, *User, error) {
	find := s.users.InBrowser
	if provider != "" {
		find = func(r *http.Request) (*users.Account, error) { return s.users.Current(r, provider) }
	}
	who, err := find(r)
	if err != nil {
		return UserRef{}, nil, err
	}
	if who == nil {
		return UserRef{}, nil, oauth.ErrNotFound
	}
	return who.Ref, who.User, nil
}

// SignInURL returns the URL of a provider's sign-in page, which leads back to returnTo,
// a path on this host. An empty provider means the first of [Server.Providers].
func (s *Server) SignInURL(r *http.Request, provider, returnTo string) (string, error) {
	names := s.users.Names()
	if provider == "" && len(names) > 0 {
		provider = names[0]
	}
	p := s.users.Provider(provider)
	if provider == "" || p == nil {
		return "", fmt.Errorf("the user provider %q is not configured", provider)
	}
	url := p.SignInURL(r, returnTo)
	if url == "" {
		return "", errors.New("SignInURL of the provider " + provider + " returned nothing; return the address of a sign-in page")
	}
	return url, nil
}
