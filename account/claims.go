package account

import (
	"context"
	"fmt"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/openid"
)

// StandardClaims returns the names of the claims of [Claims], for StandardClaims of
// passport.OpenID.
func StandardClaims() []string { return []string{"name", "updated_at", "email", "email_verified"} }

// Claims returns what an account knows about its user: name, email address and the time of
// their last change. Use it as UserClaims of passport.OpenID, alone or in your own function.
// For a user of another provider it returns no claims.
//
// EmailVerified is true after the user has confirmed the address with a link of
// [Accounts.VerifyLink], or the operator has; see [Accounts.ConfirmEmail]. An invitation and
// a reset of the password confirm nothing, because their links may travel in another way
// than by mail.
func Claims(_ context.Context, user *oauth.User, _ *oauth.Client, _ []string) (openid.Claims, error) {
	u, ok := user.Data.(*User)
	if !ok {
		return openid.Claims{}, nil
	}
	return openid.Claims{
		Name:          u.Name, // not DisplayName, which may be the address
		Email:         u.Email,
		EmailVerified: !u.EmailVerifiedAt.IsZero(),
		UpdatedAt:     latest(u.CreatedAt, u.EmailVerifiedAt),
	}, nil
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

const confirmEmail = `UPDATE passport_users SET email_verified_at = ? WHERE id = ? AND email_verified_at IS NULL`

// ConfirmEmail records that the operator knows that the address of an account is the
// user's, without a link. It keeps the time of an earlier confirmation. It returns
// [oauth.ErrNotFound] if there is no such account.
func (a *Accounts) ConfirmEmail(ctx context.Context, userID string) (*User, error) {
	if _, err := a.User(ctx, userID); err != nil {
		return nil, err
	}
	if _, err := a.db.Exec(ctx, confirmEmail, sqldb.At(time.Now()), userID); err != nil {
		return nil, fmt.Errorf("confirm the address of an account: %w", err)
	}
	return a.User(ctx, userID)
}
