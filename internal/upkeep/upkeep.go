// Package upkeep does what has to be done from time to time: it purges what has ended,
// ends the oldest families above the limit and reads the keys again.
package upkeep

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/go-passport/passport/internal/clock"
	"github.com/go-passport/passport/internal/keyring"
	"github.com/go-passport/passport/oauth"
)

// How often the work is done, how many rows one step of a purge deletes, and how
// often a long purge logs its progress.
const (
	purgeEvery    = time.Hour
	reloadEvery   = time.Minute
	purgeBatch    = 1000
	progressEvery = 10 * time.Second
)

// newFamilies is the age of the families that a run considers new. It is twice the
// time between two runs, so that a restart or a failed run misses none.
const newFamilies = 2 * purgeEvery

// Upkeep is the upkeep of one server. All fields but Checker are required.
type Upkeep struct {
	Checker    oauth.Checker               // the store, if it is one
	Ask        func(context.Context) error // asks the store anything
	Keys       *keyring.Live
	PurgeAfter time.Duration // how long what has ended is kept

	// LimitFamilies ends the oldest families above the limit, for each user and
	// client with a family that began after since. It returns for how many.
	LimitFamilies func(ctx context.Context, since time.Time) (n int, err error)

	Log *slog.Logger
}

// Run works until ctx ends. Several nodes may run it at once.
func (u Upkeep) Run(ctx context.Context, stores ...oauth.Purger) {
	// Nodes that start together do not purge together.
	purge := time.NewTimer(rand.N(purgeEvery)) //nolint:gosec // an attacker gains nothing by guessing it
	defer purge.Stop()
	reload := time.NewTicker(reloadEvery)
	defer reload.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-reload.C:
			u.reloadKeys(ctx)
		case <-purge.C:
			u.purgeAll(ctx, stores)
			u.limitFamilies(ctx)
			purge.Reset(purgeEvery)
		}
	}
}

func (u Upkeep) purgeAll(ctx context.Context, stores []oauth.Purger) {
	before := oauth.EndedBefore(clock.Now().Add(-u.PurgeAfter))
	for _, store := range stores {
		started := time.Now()
		n, err := u.Purge(ctx, store, before)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			u.Log.ErrorContext(ctx, "purge failed, and is tried again in an hour", "rows", n, "err", err)
		case n > 0:
			u.Log.InfoContext(ctx, "purged what has ended", "rows", n, "duration", time.Since(started))
		}
	}
}

func (u Upkeep) limitFamilies(ctx context.Context) {
	switch n, err := u.LimitFamilies(ctx, clock.Now().Add(-newFamilies)); {
	case ctx.Err() != nil:
	case err != nil:
		u.Log.ErrorContext(ctx, "the oldest families above the limit were not ended; the next attempt is in an hour", "err", err)
	case n > 0:
		u.Log.InfoContext(ctx, "ended the oldest families of users above the limit at one client", "users", n)
	}
}

// Purge deletes what ended before the given times, in batches, and returns how many
// rows that were.
func (u Upkeep) Purge(ctx context.Context, store oauth.Purger, before oauth.PurgeBefore) (total int, err error) {
	said := time.Now()
	for {
		if time.Since(said) >= progressEvery {
			said = time.Now()
			u.Log.InfoContext(ctx, "purging what has ended", "rows", total)
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

// reloadKeys reads the keys again. If it cannot, the keys stay as they are.
func (u Upkeep) reloadKeys(ctx context.Context) {
	switch changed, err := u.Keys.Reload(ctx); {
	case err != nil:
		u.Log.ErrorContext(ctx, "the keys were not read again, and those from before go on", "err", err)
	case changed != nil:
		u.Log.InfoContext(ctx, "the keys have changed", "keys", changed)
	}
}

// Ready returns why the server cannot do its work; nil when it can.
func (u Upkeep) Ready(ctx context.Context) error {
	ask := u.Ask
	if u.Checker != nil {
		ask = u.Checker.Check
	}
	if err := ask(ctx); err != nil {
		return fmt.Errorf("not ready: %w", err)
	}
	return nil
}
