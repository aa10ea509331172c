// Package ctxtoken carries the access token and the user of a request in its
// context, from the guard (or a test that stands in for it) to the handler.
package ctxtoken

import (
	"context"

	"github.com/go-passport/passport/oauth"
)

type key struct{}

// Admitted is what a guard let in.
type Admitted struct {
	Token *oauth.AccessToken
	User  *oauth.User // nil when a client acts for itself
	By    any         // the server whose guard it was, or is to be; nil for a test that stands in
}

// With returns ctx carrying a.
func With(ctx context.Context, a Admitted) context.Context { return context.WithValue(ctx, key{}, a) }

// From returns what ctx carries; ok is false when no guard let the request in.
func From(ctx context.Context) (a Admitted, ok bool) {
	a, ok = ctx.Value(key{}).(Admitted)
	return a, ok
}
