package passport

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/go-passport/passport/internal/clock"
	"github.com/go-passport/passport/oauth"
)

// purgeEvery and reloadEvery are how often [Server.Run] does its work, purgeBatch
// is how many rows one step of a purge deletes.
const (
	purgeEvery  = time.Hour
	reloadEvery = time.Minute
	purgeBatch  = 1000
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
	// Nodes that start together do not purge together.
	purge := time.NewTimer(rand.N(purgeEvery)) //nolint:gosec // nobody gains by guessing it
	defer purge.Stop()
	reload := time.NewTicker(reloadEvery)
	defer reload.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-reload.C:
			s.reloadKeys(ctx)
		case <-purge.C:
			s.purgeAll(ctx, append([]oauth.Purger{s.config.Store}, also...))
			purge.Reset(purgeEvery)
		}
	}
}

func (s *Server) purgeAll(ctx context.Context, stores []oauth.Purger) {
	before := oauth.EndedBefore(clock.Now().Add(-s.config.PurgeAfter))
	for _, store := range stores {
		started := time.Now()
		n, err := s.purge(ctx, store, before)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			s.config.Logger.ErrorContext(ctx, "purge failed, and is tried again in an hour", "rows", n, "err", err)
		case n > 0:
			s.config.Logger.InfoContext(ctx, "purged what has ended", "rows", n, "duration", time.Since(started))
		}
	}
}

// Purge forgets what ended before the given times, in batches, and returns how
// many rows that were. What could still be replayed is kept as long as it
// matters. On a long run the log has a line of progress every ten seconds.
func (s *Server) Purge(ctx context.Context, before oauth.PurgeBefore) (n int, err error) {
	return s.purge(ctx, s.config.Store, before)
}

// progressEvery is how often a long purge says how far it is.
const progressEvery = 10 * time.Second

func (s *Server) purge(ctx context.Context, store oauth.Purger, before oauth.PurgeBefore) (total int, err error) {
	said := time.Now()
	for {
		if time.Since(said) >= progressEvery {
			said = time.Now()
			s.config.Logger.InfoContext(ctx, "purging what has ended", "rows", total)
		}
		n, err := store.Purge(ctx, before, purgeBatch)
		total += n
		if err != nil {
			return total, fmt.Errorf("purge: %w", err)
		}
		if n == 0 {
			return total, nil
		}
	}
}

// reloadKeys takes over what has changed where the keys came from. What cannot be
// read leaves the keys as they are.
func (s *Server) reloadKeys(ctx context.Context) {
	switch changed, err := s.keys.Reload(ctx); {
	case err != nil:
		s.config.Logger.ErrorContext(ctx, "the keys were not read again, and those from before go on", "err", err)
	case changed != nil:
		s.config.Logger.InfoContext(ctx, "the keys have changed", "keys", changed)
	}
}

// LongestLife is how long the longest lives of what a key signs or seals: access
// tokens, and the cookie of first-party scripts. It is the least for
// Rotation.Overlap.
func (s *Server) LongestLife(ctx context.Context) (time.Duration, error) {
	longest := max(s.config.AccessTokenTTL, s.config.CookieTTL, ticketTTL, markTTL)
	for _, ttl := range s.config.AccessTokenTTLByGrant {
		longest = max(longest, ttl)
	}
	if s.config.PersonalTokenFormat == JWT {
		longest = max(longest, s.config.PersonalTokenTTL)
	}
	for c, err := range s.config.Store.Clients(ctx) {
		if err != nil {
			return 0, fmt.Errorf("list clients: %w", err)
		}
		if c.RevokedAt.IsZero() {
			longest = max(longest, c.AccessTokenTTL)
		}
	}
	return longest, nil
}
