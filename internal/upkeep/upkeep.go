// Package upkeep does the server's background work: it purges ended records, ends
// the oldest families above the limit, reads the keys again, writes when tokens were
// last used, and sends logout tokens.
package upkeep

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/go-passport/passport/internal/backchannel"
	"github.com/go-passport/passport/internal/clock"
	"github.com/go-passport/passport/internal/keyring"
	"github.com/go-passport/passport/internal/lastused"
	"github.com/go-passport/passport/oauth"
)

// How often the work is done, how many rows one step of a purge deletes, and how
// often a long purge logs its progress.
const (
	purgeEvery    = time.Hour
	reloadEvery   = time.Minute
	purgeBatch    = 1000
	progressEvery = 10 * time.Second
	flushEvery    = 10 * time.Second
)

// flushAtEnd is the maximum time of the last write, after Run was told to end.
const flushAtEnd = 5 * time.Second

// newFamilies is the maximum age of the families that a run considers. It is twice
// the time between two runs, so that a restart or a failed run misses none.
const newFamilies = 2 * purgeEvery

// Upkeep does the background work of one server. All fields except Checker, Uses and
// Logouts are required.
type Upkeep struct {
	Checker    oauth.Checker               // the store, if it is one
	Ask        func(context.Context) error // sends any query to the store
	Keys       *keyring.Live
	PurgeAfter time.Duration // how long ended records are kept

	// LimitFamilies ends the oldest families above the limit, for each user and
	// client with a family that began after since. It returns the number of these
	// pairs.
	LimitFamilies func(ctx context.Context, since time.Time) (n int, err error)

	Uses *lastused.Uses // nil if the store does not keep them

	Logouts *backchannel.Sender // nil if the server isn't an OpenID provider

	Log *slog.Logger
}

// Run works until ctx ends, and then writes when tokens were last used. Several nodes
// may run it at once.
func (u Upkeep) Run(ctx context.Context, stores ...oauth.Purger) {
	// Nodes that start together do not purge together.
	purge := time.NewTimer(rand.N(purgeEvery)) //nolint:gosec // an attacker gains nothing by guessing it
	defer purge.Stop()
	reload := time.NewTicker(reloadEvery)
	defer reload.Stop()
	flush := time.NewTicker(flushEvery)
	defer flush.Stop()
	u.Uses.Begin()
	defer u.flushLast(ctx)
	var sending sync.WaitGroup
	sending.Go(func() { u.Logouts.Run(ctx) })
	defer sending.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case <-reload.C:
			u.reloadKeys(ctx)
		case <-flush.C:
			u.flush(ctx)
		case <-purge.C:
			u.purgeAll(ctx, stores)
			u.limitFamilies(ctx)
			purge.Reset(purgeEvery)
		}
	}
}

func (u Upkeep) purgeAll(ctx context.Context, stores []oauth.Purger) {
	before := oauth.EndedBefore(clock.Now().Add(-u.PurgeAfter))
	flushed := time.Now()
	for _, store := range stores {
		started := time.Now()
		n, err := u.purge(ctx, store, before, func() {
			if time.Since(flushed) >= flushEvery {
				u.flush(ctx)
				flushed = time.Now()
			}
		})
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			u.Log.ErrorContext(ctx, "purge failed; the next attempt is in an hour", "rows", n, "err", err)
		case n > 0:
			u.Log.InfoContext(ctx, "purged ended records", "rows", n, "duration", time.Since(started))
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

// Purge deletes records that ended before the given times, in batches, and returns
// the number of deleted rows.
func (u Upkeep) Purge(ctx context.Context, store oauth.Purger, before oauth.PurgeBefore) (total int, err error) {
	return u.purge(ctx, store, before, func() {})
}

// purge is Purge. It calls meanwhile before each batch.
func (u Upkeep) purge(ctx context.Context, store oauth.Purger, before oauth.PurgeBefore, meanwhile func()) (total int, err error) {
	said := time.Now()
	for {
		meanwhile()
		if time.Since(said) >= progressEvery {
			said = time.Now()
			u.Log.InfoContext(ctx, "purging ended records", "rows", total)
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

// reloadKeys reads the keys again. After an error the previous keys stay in use.
func (u Upkeep) reloadKeys(ctx context.Context) {
	switch changed, err := u.Keys.Reload(ctx); {
	case err != nil:
		u.Log.ErrorContext(ctx, "the keys could not be read again; the previous keys stay in use", "err", err)
	case changed != nil:
		u.Log.InfoContext(ctx, "the keys have changed", "keys", changed)
	}
}

// flush writes when tokens were last used.
func (u Upkeep) flush(ctx context.Context) {
	if err := u.Uses.Flush(ctx); err != nil && ctx.Err() == nil {
		u.Log.ErrorContext(ctx, "the last uses of tokens were not written; the next attempt is in 10 seconds", "err", err)
	}
}

// flushLast writes what is left when the context has ended.
func (u Upkeep) flushLast(ended context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ended), flushAtEnd)
	defer cancel()
	if err := u.Uses.Flush(ctx); err != nil {
		u.Log.ErrorContext(ctx, "the last uses of tokens were not written, and are lost", "err", err)
	}
	u.Uses.End()
}

// Ready returns nil if the server can handle requests, and otherwise the cause.
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
