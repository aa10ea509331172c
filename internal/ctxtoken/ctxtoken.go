// Package ctxtoken carries the access token and the user of a request in its
// context, from the guard (or from a test) to the handler.
package ctxtoken

import (
	"context"

	"github.com/go-passport/passport/oauth"
)

type key struct{}

// Admitted has the token and the user that a guard admitted.
type Admitted struct {
	Token *oauth.AccessToken
	User  *oauth.User // nil when a client acts for itself
	By    any         // the server whose guard admitted them; nil in a test without a guard
}

// With returns ctx carrying a.
func With(ctx context.Context, a Admitted) context.Context { return context.WithValue(ctx, key{}, a) }

// From returns what ctx carries; ok is false if no guard admitted the request.
func From(ctx context.Context) (a Admitted, ok bool) {
	a, ok = ctx.Value(key{}).(Admitted)
	return a, ok
}
