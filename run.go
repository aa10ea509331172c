package passport

import (
	"context"
	"time"

	"github.com/go-passport/passport/internal/authorize"
	"github.com/go-passport/passport/oauth"
)

// Run does, until ctx ends, what has to be done from time to time: every hour it
// forgets what ended longer ago than Config.PurgeAfter, and every minute it reads
// Config.Keys again, where they came from a place that can change; see
// [RotateKeys]. It is the one loop that an application may start, in a goroutine of
// its own; without it everything is as correct, the tables grow, and new keys wait
// for the next start. Several nodes may run it at once.
//
// What else is given is purged along with the server's store, such as the
// sessions of package account. A failed purge is logged and tried again an hour
// later. Run returns nil when ctx ends.
func (s *Server) Run(ctx context.Context, also ...oauth.Purger) error {
	s.upkeep.Run(ctx, append([]oauth.Purger{s.store}, also...)...)
	return nil
}

// Purge forgets what ended before the given times, in batches, and returns how
// many rows that were. What could still be replayed is kept as long as it
// matters. On a long run the log has a line of progress every ten seconds.
func (s *Server) Purge(ctx context.Context, before oauth.PurgeBefore) (n int, err error) {
	return s.upkeep.Purge(ctx, s.store, before)
}

// LongestLife is how long the longest lives of what a key signs or seals: access
// tokens, and the cookie of first-party scripts. It is the least for
// Rotation.Overlap.
func (s *Server) LongestLife(ctx context.Context) (time.Duration, error) {
	longest := max(s.policy.LongestLife(s.personalJWTs), authorize.TicketTTL, authorize.SignInTTL)
	clients, err := s.clients.LongestTokenLife(ctx)
	return max(longest, clients), err
}

// Ready returns nil when the server can do its work, and otherwise an error that
// says what is missing: the store is out of reach, or its tables are not there or
// are those of another version. It asks the store and changes nothing; a store
// that is no [oauth.Checker] is asked for a code that does not exist.
//
// It is for the readiness probe of whatever runs the process. That the process
// lives needs no question: a probe for that which asked the database would have
// every node restarted when the database is away.
func (s *Server) Ready(ctx context.Context) error { return s.upkeep.Ready(ctx) }
