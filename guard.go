package passport

import (
	"net/http"
	"slices"

	"github.com/go-passport/passport/guard"
)

// Guard returns middleware that admits requests with a user's access token, if the
// token satisfies all rules. The user must belong to the default provider, or to a
// provider of a [guard.Provider] rule. A client's own token is refused. Scripts on
// the application's own pages need no token; see [Server.FreshToken].
func (s *Server) Guard(rules ...guard.Rule) func(http.Handler) http.Handler {
	return s.guards.New(guard.Users(DefaultProvider, rules))
}

// GuardClient returns middleware that admits clients that act for themselves, and
// refuses users.
func (s *Server) GuardClient(rules ...guard.Rule) func(http.Handler) http.Handler {
	return s.guards.New(slices.Concat([]guard.Rule{guard.Clients}, rules))
}

// GuardAny returns middleware that admits users, like [Server.Guard], and clients
// that act for themselves.
func (s *Server) GuardAny(rules ...guard.Rule) func(http.Handler) http.Handler {
	return s.guards.New(guard.UsersAndClients(DefaultProvider, rules))
}
