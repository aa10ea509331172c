package passport

import (
	"context"
	"time"

	"github.com/go-passport/passport/internal/authorize"
	"github.com/go-passport/passport/oauth"
)

// Run does the server's background work until ctx ends. Every hour it purges
// records that ended longer than Config.PurgeAfter ago, and ends the oldest families
// above Config.MaxFamiliesPerClient. Every minute it reads
// Config.Keys again, if they came from files or a store; see [RotateKeys]. Every ten
// seconds it writes when tokens were last used at this node, if the store is an
// [oauth.LastUsedStore]. With [OpenID] it tells clients that a user has signed out: at
// once if that was at this node, and otherwise within five seconds. Start it in a
// goroutine before the server handles requests. Without it the server still works
// correctly, but its tables grow, new keys wait for the next start, no last use is known,
// and no client is told. Any number of nodes may run it at once.
//
// Run also purges the given stores, such as the sessions of package account. A
// failed purge is logged and retried an hour later. When ctx ends, Run writes the last
// uses once more, in at most five seconds, waits for the requests to clients that have
// begun, in at most 20 seconds, and returns nil. So wait for it before the process ends.
func (s *Server) Run(ctx context.Context, also ...oauth.Purger) error {
	s.upkeep.Run(ctx, append([]oauth.Purger{s.store}, also...)...)
	return nil
}

// Purge deletes records that ended before the given times, in batches, and returns
// the number of deleted rows. It keeps spent tokens and codes as long as a replay
// must be detected. A long purge logs its progress every ten seconds.
func (s *Server) Purge(ctx context.Context, before oauth.PurgeBefore) (n int, err error) {
	return s.upkeep.Purge(ctx, s.store, before)
}

// LongestLife returns the longest lifetime of a value that a key signs or seals,
// such as an access token, an ID token or a cookie. Rotation.Overlap must be at least as long.
func (s *Server) LongestLife(ctx context.Context) (time.Duration, error) {
	longest := max(s.policy.LongestLife(s.personalJWTs), s.idTokens.LongestLife(), authorize.TicketTTL, authorize.SignInTTL)
	clients, err := s.clients.LongestTokenLife(ctx)
	return max(longest, clients), err
}

// LogoutStatus returns what became of the logout tokens that were sent to a client
// (OpenID Connect Back-Channel Logout). It has the zero value if none was sent, or if the
// store is not an [oauth.LogoutStore].
func (s *Server) LogoutStatus(ctx context.Context, clientID string) (*oauth.LogoutStatus, error) {
	store, ok := oauth.StoreAs[oauth.LogoutStore](s.store)
	if !ok {
		return new(oauth.LogoutStatus), nil
	}
	return store.LogoutStatus(ctx, clientID)
}

// Ready returns nil if the server can handle requests, and otherwise an error with
// the cause: the store is unreachable, or one of its tables or columns is missing.
// It queries the store and changes nothing, and is cheap enough for a probe every
// second. If the store is not an [oauth.Checker], Ready looks up a code that does
// not exist.
//
// Use it for a readiness probe, not for a liveness probe: otherwise every node
// would be restarted while the database is unreachable.
func (s *Server) Ready(ctx context.Context) error { return s.upkeep.Ready(ctx) }
