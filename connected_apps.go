package passport

import (
	"context"
	"net/http"

	"github.com/go-passport/passport/internal/clock"
	"github.com/go-passport/passport/oauth"
)

// ConnectedApps returns the connected apps of a user, the newest first: one for each
// client. [Server.Withdraw] removes one. It considers at most [oauth.MaxListed] token
// families and as many clients. Apps without live tokens are missing if the store is not
// an [oauth.ConsentListStore].
func (s *Server) ConnectedApps(ctx context.Context, user UserRef) ([]*oauth.ConnectedApp, error) {
	return s.tokens.Apps(ctx, user, clock.Now())
}

// WithdrawAll calls [Server.Withdraw] for each of a user's connected apps, and returns
// how many it removed. On an error it stops; the apps that it removed stay removed.
func (s *Server) WithdrawAll(ctx context.Context, user UserRef) (n int, err error) {
	return s.tokens.WithdrawAll(ctx, user)
}

// SetAppsPage sets the path of the page on which users remove apps. The consent page links
// to it. Mount of package dashboard calls it.
func (s *Server) SetAppsPage(path string) { s.appsPage.Store(&path) }

// CurrentUser returns the user that is signed in to the browser that sent r. An empty
// provider means any: the default one first, then the others by name. The error is
// [oauth.ErrNotFound] if no user is signed in.
func (s *Server) CurrentUser(r *http.Request, provider string) (UserRef, *User, error) {
	return s.users.SignedIn(r, provider)
}

// SignInURL returns the URL of a provider's sign-in page, which leads back to returnTo,
// a path on this host. An empty provider means the first of [Server.Providers].
func (s *Server) SignInURL(r *http.Request, provider, returnTo string) (string, error) {
	return s.users.SignInURL(r, provider, returnTo)
}
