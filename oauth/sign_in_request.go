package oauth

import (
	"context"
	"time"
)

// SignInRequest tells [UserProvider.SignInURL] why the server sends a browser to the
// sign-in page, and for which client.
type SignInRequest struct {
	// Again asks for a new sign-in, although a user is signed in: prompt=login or max_age
	// (OpenID Connect Core §3.1.2.1), or Recent. A page that returns without one causes
	// login_required.
	Again bool

	// Recent says that the signed-in user is about to do something sensitive, such as
	// create a personal access token, and last authenticated too long ago. The page should
	// say so, and let the same user authenticate again. Again is true too, and Client is nil.
	Recent bool

	// SelectAccount asks the user which account to use, although one is signed in:
	// prompt=select_account. The page may return with the same one.
	SelectAccount bool

	// Client is the client whose request needs a user. If a user registered it
	// (Client.Owner), its name is not checked. It is nil for a page of this server, such
	// as that of the connected apps.
	Client *Client

	// LoginHint is what the client knows about the user, such as an email address: the
	// parameter login_hint (OpenID Connect Core §3.1.2.1). Any website can set it, so use it
	// only to fill in a field.
	LoginHint string

	// MaxAge is how long ago the last sign-in may be: the parameter max_age, or the default
	// of the client. Zero: any age, or Again. A page that returns with an older sign-in
	// causes login_required.
	MaxAge time.Duration

	// OtherUser says that the client expects another user than the signed-in one: the
	// parameter id_token_hint. The page should let the user sign in to another account. A
	// page that returns with the same one causes login_required. It is false in the result
	// of Server.SignInRequest, which does not know the signed-in user.
	OtherUser bool

	// ACRValues are the levels of authentication that the client prefers, in order: the
	// parameter acr_values. If the page can reach one of them, it should. [User.ACR] says
	// what was reached.
	ACRValues []string

	// UILocales are the languages that the user prefers, in order: the parameter
	// ui_locales, as BCP 47 tags. They are not checked.
	UILocales []string
}

type signInRequestKey struct{}

// WithSignInRequest returns a context that holds r.
func WithSignInRequest(ctx context.Context, r SignInRequest) context.Context {
	return context.WithValue(ctx, signInRequestKey{}, r)
}

// SignInRequestFrom returns the [SignInRequest] in a context. It is zero without one.
func SignInRequestFrom(ctx context.Context) SignInRequest {
	r, _ := ctx.Value(signInRequestKey{}).(SignInRequest)
	return r
}
