package passport

import (
	"context"
	"net/http"

	"github.com/go-passport/passport/internal/firstparty"
)

// FreshToken returns middleware for the application's pages whose scripts call its
// API without an access token. The response to a signed-in user's GET sets two
// cookies. Guards accept the cookie Config.CookieName as a token with every scope.
// Scripts must return the value of the cookie XSRF-TOKEN in the header X-XSRF-TOKEN
// or X-CSRF-TOKEN, against CSRF. axios does so by default.
//
// The cookie is valid only while CurrentUser returns the same user in the same
// session, so signing out leaves nothing to revoke. The user is the one of
// Config.Users, or of the first of Config.Providers, by name, with a signed-in
// user.
//
// The response becomes private to the browser: FreshToken adds Cache-Control:
// private unless the header is at least as strict. A response that its handler
// offers to shared caches (public or s-maxage) gets no cookie. Neither does a
// response that already sets a cookie of that name.
func (s *Server) FreshToken(next http.Handler) http.Handler { return s.cookies.FreshToken(next) }

// CSRFToken returns the value that scripts of a page behind [Server.FreshToken]
// send as X-CSRF-TOKEN. Put it into a meta element for scripts that do not read the
// cookie XSRF-TOKEN. It is empty if no user is signed in. For a request other than
// GET, it is also empty if the browser has no cookie yet.
func CSRFToken(ctx context.Context) string { return firstparty.CSRFToken(ctx) }

// ForgetToken deletes the cookies of [Server.FreshToken] if the request has them.
// Call it in the response to a sign-out. The cookies are invalid once CurrentUser
// returns no user; ForgetToken only cleans up the browser.
func (s *Server) ForgetToken(w http.ResponseWriter, r *http.Request) { s.cookies.Forget(w, r) }
