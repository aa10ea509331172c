package passport

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/go-passport/passport/internal/reauth"
	"github.com/go-passport/passport/internal/users"
)

// RecentAuthentication is how long an authentication counts as recent.
const RecentAuthentication = reauth.Within

// Reauthenticated is the return of a browser from the sign-in page, to which
// [Server.Reauthenticate] sent it.
type Reauthenticated struct {
	// Form is what the user had typed. It is nil if it had more than 2 KiB, or if another
	// user has signed in. Show it; never act on it before the user sends it again.
	Form url.Values

	// Other means that another user has signed in.
	Other bool

	// Unmoved means that [User.AuthenticatedAt] is what it was before: the sign-in page
	// led back without a new authentication. Don't send the browser there again, or it
	// may run in circles.
	Unmoved bool
}

// Format implements [fmt.Formatter]. It does not print what the user had typed.
func (v Reauthenticated) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "passport.Reauthenticated(other %t, unmoved %t)", v.Other, v.Unmoved)
}

// LogValue implements [slog.LogValuer], like Format.
func (v Reauthenticated) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(v)) }

// AuthenticatedRecently reports whether a user has authenticated within
// [RecentAuthentication]. Without [User.AuthenticatedAt] no user has.
//
// Require it before sensitive actions, because a browser may be left open: package
// dashboard does so for personal access tokens.
func (s *Server) AuthenticatedRecently(u *User) bool { return reauth.Recent(u) }

// Reauthenticate returns the URL of the sign-in page for the signed-in user of
// [Server.CurrentUser], who must authenticate again. It leads back to path, a path on
// this host without a query, where [Server.Reauthenticated] returns the form. form is what
// the user has typed, without passwords. It travels encrypted and is kept for 30 minutes.
//
// [oauth.SignInRequest.Recent] tells the provider why.
func (s *Server) Reauthenticate(r *http.Request, ref UserRef, u *User, path string, form url.Values) (string, error) {
	return s.reauth.URL(r, users.Account{Ref: ref, User: u}, path, form)
}

// Reauthenticated returns what a browser brings back from [Server.Reauthenticate] to the
// path of r. It returns nil if the browser does not come from there, or came too late.
func (s *Server) Reauthenticated(r *http.Request, ref UserRef, u *User) *Reauthenticated {
	return (*Reauthenticated)(s.reauth.Returned(r, users.Account{Ref: ref, User: u}))
}
