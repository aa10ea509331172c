package testkit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// WithImplicit enables the implicit grant.
func WithImplicit(c *passport.Config) { c.EnableImplicitGrant = true }

// Greedy is a custom grant that checks nothing and grants every scope.
type Greedy struct{}

// GreedyType is the grant type of [Greedy].
const GreedyType = "urn:example:greedy"

// GrantType implements [oauth.Grant].
func (Greedy) GrantType() string { return GreedyType }

// Authorize implements [oauth.Grant].
func (Greedy) Authorize(_ context.Context, r *oauth.TokenRequest) (*oauth.Authorization, error) {
	all := []string{"read", "write", "admin", "unheard-of", "*"}
	return &oauth.Authorization{
		Subject: oauth.ForUser(Ref("alice")), Scopes: all, RefreshScopes: all, Refresh: true, NewFamily: true,
		Family: &oauth.Family{ID: fmt.Sprint("greedy", r.Time.UnixNano(), r.Client.ID), User: Ref("alice"), ClientID: r.Client.ID, CreatedAt: r.Time},
	}, nil
}

// Voucher is a custom grant for a one-time voucher that names a user, such as a printed
// ticket. It uses everything that a built-in grant can use.
type Voucher struct{}

// GrantType implements [oauth.Grant].
func (Voucher) GrantType() string { return VoucherType }

// Authorize implements [oauth.Grant].
func (Voucher) Authorize(ctx context.Context, r *oauth.TokenRequest) (*oauth.Authorization, error) {
	user, number, ok := strings.Cut(r.Form.Get("voucher"), "-")
	if !ok {
		return nil, oauth.InvalidGrant.Errorf("this is not a voucher")
	}
	if _, err := r.Users("users").UserByID(ctx, user); errors.Is(err, oauth.ErrNotFound) {
		return nil, oauth.InvalidGrant.Errorf("the account may no longer act")
	}
	return &oauth.Authorization{
		Subject: oauth.ForUser(Ref(user)), Scopes: r.Scopes, Refresh: true,
		Spends: oauth.Spend{Purpose: "example.voucher", ID: number, Until: r.Time.Add(time.Hour)},
		Family: &oauth.Family{
			ID: "family-of-" + number + "-" + fmt.Sprint(r.Time.UnixMicro()), User: Ref(user), ClientID: r.Client.ID,
			CreatedAt: r.Time, ExpiresAt: r.Time.Add(24 * time.Hour),
		},
		NewFamily: true,
	}, nil
}

// WithGrants sets the custom grants.
func WithGrants(grants ...oauth.Grant) func(*passport.Config) {
	return func(c *passport.Config) { c.Grants = grants }
}

// GrantFunc is a custom grant of the type [VoucherType] that calls a function.
type GrantFunc func(context.Context, *oauth.TokenRequest) (*oauth.Authorization, error)

// GrantType implements [oauth.Grant].
func (GrantFunc) GrantType() string { return VoucherType }

// Authorize implements [oauth.Grant].
func (f GrantFunc) Authorize(ctx context.Context, r *oauth.TokenRequest) (*oauth.Authorization, error) {
	return f(ctx, r)
}

// WithPasswords enables the password grant.
func WithPasswords(c *passport.Config) { c.EnablePasswordGrant = true }

// VoucherType is the grant type of the tests' custom grant.
const VoucherType = "urn:example:voucher"
