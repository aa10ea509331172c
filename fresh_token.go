package passport

import (
	"context"
	"net/http"

	"github.com/go-passport/passport/internal/firstparty"
)

// FreshToken returns middleware for the pages of the application whose scripts
// use its API. A GET of a signed-in user gets two cookies: Config.CookieName, for
// which guards admit the user with every scope, and XSRF-TOKEN, whose value has to
// come back in the header X-XSRF-TOKEN or X-CSRF-TOKEN. axios sends it by itself.
//
// The cookie counts only while CurrentUser finds the same user in the same
// session, so nothing is left to revoke after signing out. The user is that of
// Config.Users, or else of the first of Config.Providers, by name, in which
// somebody is signed in.
//
// The answer becomes private to the browser: Cache-Control gets that directive
// where it has none as strict. One that its handler offers to shared caches, as
// public or with s-maxage, gets no cookie, nor does one that sets a cookie of that
// name itself.
func (s *Server) FreshToken(next http.Handler) http.Handler { return s.cookies.FreshToken(next) }

// CSRFToken returns what the scripts of a page behind [Server.FreshToken] may send
// as X-CSRF-TOKEN, for those that do not read the cookie XSRF-TOKEN: put it into a
// meta element. It is empty where nobody is signed in, and for a page that is not
// the answer to a GET if its browser has no cookie yet.
func CSRFToken(ctx context.Context) string { return firstparty.CSRFToken(ctx) }

// ForgetToken takes the cookies of [Server.FreshToken] away, if the browser that
// sent r has them. They are worth nothing once CurrentUser finds nobody; it is for
// the answer to a sign-out, to leave nothing behind.
func (s *Server) ForgetToken(w http.ResponseWriter, r *http.Request) { s.cookies.Forget(w, r) }
