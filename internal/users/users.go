// Package users loads accounts. No other package calls UserByID for the server, and
// this one checks the result.
package users

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-passport/passport/oauth"
)

// ErrGone is in the chain of an error for an account that is deleted or disabled. It
// wraps [oauth.ErrNotFound]. Each endpoint maps it to its own error code.
var ErrGone = fmt.Errorf("the account is deleted or disabled: %w", oauth.ErrNotFound)

// Load returns the account that ref names. provider returns the user provider with
// a name, or nil. The error is [ErrGone] if the account is not found or its
// provider is not configured. If UserByID returns another account, Load fails.
func Load(ctx context.Context, provider func(name string) oauth.UserProvider, ref oauth.UserRef) (*oauth.User, error) {
	p := provider(ref.Provider)
	if p == nil {
		return nil, fmt.Errorf("the user provider %q is not configured: add it to Config.Providers; `passport serve` has only the provider users: %w", ref.Provider, ErrGone)
	}
	user, err := p.UserByID(ctx, ref.ID)
	switch {
	case errors.Is(err, oauth.ErrNotFound):
		return nil, fmt.Errorf("user %.100q: %w", ref.Provider+":"+ref.ID, ErrGone)
	case err != nil:
		return nil, fault(err)
	case user == nil || user.ID != ref.ID:
		return nil, fmt.Errorf("UserByID of the provider %q returned a user with another ID; return oauth.ErrNotFound for a deleted user", ref.Provider)
	}
	return user, nil
}

// fault wraps an error of UserByID for an endpoint. It keeps only error codes that
// can be about an account, because a code about a client or a token would mislead
// the caller: invalid_client would mean that the caller's own secret is wrong.
func fault(err error) error {
	switch code := oauth.AsError(err).Code; {
	case code == oauth.AccessDenied, code == oauth.TemporarilyUnavailable,
		code == oauth.ServerError && !errors.Is(err, oauth.ErrSpent) && !errors.Is(err, oauth.ErrConflict):
		return fmt.Errorf("find user: %w", err)
	}
	return fmt.Errorf("find user: %v", err) //nolint:errorlint // the code must not be found
}

// GoneAs gives [ErrGone] an endpoint's error code for it, and returns every other
// error unchanged.
func GoneAs(code oauth.ErrorCode, err error) error {
	if !errors.Is(err, ErrGone) {
		return err
	}
	return fmt.Errorf("%w: %w", err, code.Errorf("the account may no longer act"))
}

// SessionDigest returns the digest of a browser session's ID, which a family
// stores; empty without a session.
func SessionDigest(id string) oauth.Digest {
	if id == "" {
		return ""
	}
	return oauth.DigestOf(id)
}
