package oauth

import "context"

// SignInRequest tells [UserProvider.SignInURL] why the server sends a browser to the
// sign-in page, and for which client.
type SignInRequest struct {
	// Again asks for a new sign-in, although a user is signed in: prompt=login
	// (OpenID Connect Core §3.1.2.1). A page that returns without one causes
	// login_required.
	Again bool

	// SelectAccount asks the user which account to use, although one is signed in:
	// prompt=select_account. The page may return with the same one.
	SelectAccount bool

	// Client is the client whose request needs a user. If a user registered it
	// (Client.Owner), its name is not checked.
	Client *Client
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
