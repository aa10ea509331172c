package grant

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-passport/passport/oauth"
)

// stillThere refuses what was granted by an account that has gone since, or may
// no longer act.
func stillThere(ctx context.Context, r *oauth.TokenRequest, user oauth.UserRef) error {
	provider := r.Users(user.Provider)
	if provider == nil {
		return fmt.Errorf("the user provider %q is not configured any more: %w", user.Provider,
			oauth.InvalidGrant.Errorf("the account may no longer act"))
	}
	found, err := provider.UserByID(ctx, user.ID)
	switch {
	case errors.Is(err, oauth.ErrNotFound):
		return oauth.InvalidGrant.Errorf("the account may no longer act")
	case err != nil:
		return fmt.Errorf("find user: %w", err)
	case found == nil || found.ID != user.ID:
		return fmt.Errorf("UserByID of the provider %q returned another user than it was asked for; return oauth.ErrNotFound for one who is gone", user.Provider)
	}
	return nil
}
