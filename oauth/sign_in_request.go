package oauth

import "context"

// SignInRequest tells [UserProvider.SignInURL] why the server sends a browser to the
// sign-in page, and for which client.
type SignInRequest struct {
	// Again asks for a new sign-in, although a user is signed in: prompt=login
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
