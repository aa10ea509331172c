package passport

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/go-passport/passport/internal/ctxtoken"
	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/oauth"
)

// Types of package oauth that every application needs.
type (
	// Scope is a permission that a client may request: see [oauth.Scope].
	Scope = oauth.Scope
	// User is an account of the application: see [oauth.User].
	User = oauth.User
	// UserRef identifies a user by provider and ID: see [oauth.UserRef].
	UserRef = oauth.UserRef
	// UserProvider connects the server to the application's accounts: see [oauth.UserProvider].
	UserProvider = oauth.UserProvider
)

// DefaultProvider is [oauth.DefaultProvider], the provider name of Config.Users.
const DefaultProvider = oauth.DefaultProvider

// UserFuncs is a [UserProvider] that calls functions. Current, ByID and SignInPage
// are required.
type UserFuncs struct {
	// Current implements CurrentUser, and ByID implements UserByID; see
	// [UserProvider].
	Current func(r *http.Request) (*User, error)
	ByID    func(ctx context.Context, id string) (*User, error)

	// ByPassword implements UserByPassword of [oauth.PasswordAuthenticator], for
	// the password grant. Without it no user can authenticate by password.
	ByPassword func(ctx context.Context, username, password string) (*User, error)

	// SignOut ends the session of the browser that sent r, and makes the provider an
	// [oauth.SignOuter]. Without it, clients can't sign users out (see [OpenID]). It adds
	// headers to w, such as a cookie, and writes no page.
	SignOut func(w http.ResponseWriter, r *http.Request) error

	// SignInPage is the path or URL of the application's sign-in page, such as
	// "/login". The server adds the query parameter return_to.
	SignInPage string
}

// CurrentUser implements [UserProvider].
func (f UserFuncs) CurrentUser(r *http.Request) (*User, error) { return f.Current(r) }

// UserByID implements [UserProvider].
func (f UserFuncs) UserByID(ctx context.Context, id string) (*User, error) { return f.ByID(ctx, id) }

// SignInURL implements [UserProvider].
func (f UserFuncs) SignInURL(_ *http.Request, returnTo string) string {
	page, err := url.Parse(f.SignInPage)
	if err != nil {
		return f.SignInPage // Validate refuses it
	}
	q := page.Query()
	q.Set("return_to", returnTo)
	page.RawQuery = q.Encode()
	return page.String()
}

// Validate returns an error that names each missing or invalid field. [New] calls
// it, as it does for every [UserProvider] with this method.
func (f UserFuncs) Validate() error {
	var faults []error
	if f.Current == nil {
		faults = append(faults, errors.New("UserFuncs.Current is missing: set a function that returns the signed-in user, or oauth.ErrNotFound"))
	}
	if f.ByID == nil {
		faults = append(faults, errors.New("UserFuncs.ByID is missing: set a function that returns the user with an ID, or oauth.ErrNotFound"))
	}
	if u, err := url.Parse(f.SignInPage); err != nil || f.SignInPage == "" || u.Opaque != "" {
		faults = append(faults, errors.New(`UserFuncs.SignInPage is missing or not a URL: set the address of the application's sign-in page, such as "/login"; it gets the query parameter return_to`))
	}
	return errors.Join(faults...)
}

// SignInRequest returns why the browser was sent to a sign-in page, and for which client,
// from the address returnTo that the page received. It returns [oauth.ErrNotFound] for
// any other address, and for a request that is no longer possible. For a return address of
// [Server.Reauthenticate], Recent is true and Client is nil.
//
// With it the page can name the app, and offer a way back. A form posts decision=deny to
// returnTo, and the client receives access_denied:
//
//	<form method="post" action="{{.ReturnTo}}"><button name="decision" value="deny">Cancel</button></form>
func (s *Server) SignInRequest(ctx context.Context, returnTo string) (*oauth.SignInRequest, error) {
	return s.signInRequest(ctx, returnTo)
}

// powered returns a provider with the optional interfaces that its functions
// implement.
func powered(p UserProvider) UserProvider {
	switch f := p.(type) {
	case UserFuncs:
		return users.WithPowers(f, f.ByPassword, f.SignOut)
	case *UserFuncs:
		if f != nil {
			return powered(*f)
		}
	}
	return p
}

// UserFromContext returns the application's own record of the user that a guard
// admitted: the value of User.Data from its [UserProvider]. ok is false for a
// client's own token, and if Data is not a U.
func UserFromContext[U any](ctx context.Context) (user U, ok bool) {
	a, _ := ctxtoken.From(ctx)
	if a.User == nil {
		return user, false
	}
	user, ok = a.User.Data.(U)
	return user, ok
}
