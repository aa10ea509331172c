package users

import (
	"context"
	"net/http"

	"github.com/go-passport/passport/oauth"
)

// Validated is a provider that checks itself when the server starts.
type Validated interface {
	oauth.UserProvider
	Validate() error
}

// The optional functions of a provider.
type (
	byPassword func(ctx context.Context, username, password string) (*oauth.User, error)
	signOut    func(w http.ResponseWriter, r *http.Request) error
)

// UserByPassword implements [oauth.PasswordAuthenticator].
func (f byPassword) UserByPassword(ctx context.Context, username, password string) (*oauth.User, error) {
	return f(ctx, username, password)
}

// SignOut implements [oauth.SignOuter].
func (f signOut) SignOut(w http.ResponseWriter, r *http.Request) error { return f(w, r) }

// WithPowers returns p with the optional interfaces whose function is not nil.
func WithPowers(p Validated, password byPassword, out signOut) oauth.UserProvider {
	switch {
	case password != nil && out != nil:
		return struct {
			Validated
			byPassword
			signOut
		}{p, password, out}
	case password != nil:
		return struct {
			Validated
			byPassword
		}{p, password}
	case out != nil:
		return struct {
			Validated
			signOut
		}{p, out}
	}
	return p
}
