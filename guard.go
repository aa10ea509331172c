package passport

import (
	"net/http"
	"slices"

	"github.com/go-passport/passport/guard"
)

// Guard returns middleware that admits users of the default provider, or of
// those that a [guard.Provider] rule names, if their token passes the rules.
// A client's own token is refused. Scripts of the application's own pages need
// no token; see [Server.FreshToken].
func (s *Server) Guard(rules ...guard.Rule) func(http.Handler) http.Handler {
	return s.guards.New(guard.Users(DefaultProvider, rules))
}

// GuardClient returns middleware that admits clients that act for themselves,
// and refuses users.
func (s *Server) GuardClient(rules ...guard.Rule) func(http.Handler) http.Handler {
	return s.guards.New(slices.Concat([]guard.Rule{guard.Clients}, rules))
}

// GuardAny returns middleware that admits whom Guard admits, and clients that act
// for themselves.
func (s *Server) GuardAny(rules ...guard.Rule) func(http.Handler) http.Handler {
	return s.guards.New(guard.UsersAndClients(DefaultProvider, rules))
}
