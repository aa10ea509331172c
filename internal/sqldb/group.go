package sqldb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-passport/passport/oauth"
)

// Member is a write that may share a transaction with other writes.
type Member struct {
	// Key identifies the row that the write locks first. Members run in the order of
	// their keys, so that groups on two nodes cannot deadlock.
	Key string

	// Run does the write. Its first statement checks whether a one-time value is spent:
	// if Run returns [oauth.ErrSpent], it has changed nothing.
	Run func(ctx context.Context, tx *Tx) error

	// Alone does the same write without a transaction. It is used if there are no
	// concurrent writes. It may be nil.
	Alone func(ctx context.Context) error
}

// Group does a write together with concurrent writes in one transaction (group commit).
// It returns after the COMMIT. A write that returns [oauth.ErrSpent] does not affect
// the others. After any other error the transaction is rolled back, and each caller
// does its write separately. If the database does not reply to COMMIT, all members get
// [oauth.ErrUnavailable].
func (db *DB) Group(ctx context.Context, m Member) error {
	if err := ctx.Err(); err != nil {
		return &gaveUp{err, err}
	}
	if !db.dialect.grouped {
		return db.alone(ctx, m)
	}
	w := newCall(m)
	limited, cancel := context.WithTimeout(ctx, 2*Patience)
	defer cancel()
	err := db.writes.do(limited, w, writing, func() { db.leadGroup(ctx, w) })
	switch {
	case errors.Is(err, errCanceled):
		return failure(ctx, fmt.Errorf("wait for other writes: %w", limited.Err()))
	case errors.Is(err, errNotBatched):
		return db.alone(context.WithoutCancel(ctx), m)
	}
	return err
}

// A write that is being served cannot be canceled.
var writing = batchPolicy{leaders: 1}

// leadGroup runs the waiting writes. On a database with a single writer it first waits
// for the writer's semaphore, and more writes can join during that time.
func (db *DB) leadGroup(ctx context.Context, w *call[Member]) {
	taken := []*call[Member]{w}
	defer func() {
		for _, w := range taken { // after a panic in the leader
			w.finish(unavailable(errors.New("the group of this write failed")))
		}
		db.writes.handOver(writing)
	}()
	own := context.WithoutCancel(ctx)
	err := db.acquireWriter(own)
	taken = db.writes.take(w)
	switch {
	case err != nil:
		for _, w := range taken {
			w.finish(err)
		}
	case len(taken) == 1:
		db.releaseWriter()
		w.finish(db.alone(own, w.input))
	default:
		defer db.releaseWriter()
		db.together(own, taken)
	}
}

// alone does one write outside a group.
func (db *DB) alone(ctx context.Context, m Member) error {
	if m.Alone != nil {
		return m.Alone(ctx)
	}
	return db.Tx(ctx, m.Run)
}

// maxGroupTime limits how long a group runs. The remaining members then run separately.
// With a distant database, 64 writes would take longer than a caller waits.
const maxGroupTime = Patience / 4

// together does the writes in one transaction and finishes their calls. If nothing was
// written and there is time, each caller does its write separately in its own
// goroutine. In sequence, the last caller would wait for all others.
func (db *DB) together(ctx context.Context, taken []*call[Member]) {
	slices.SortStableFunc(taken, func(a, b *call[Member]) int { return strings.Compare(a.input.Key, b.input.Key) })
	spent := make([]error, 0, len(taken))
	own, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	db.prepareMet(own)
	begun, committing := time.Now(), false
	_, err := db.once(own, func(ctx context.Context, tx *Tx) error {
		for _, w := range taken {
			if len(spent) > 0 && time.Since(begun) > maxGroupTime {
				break
			}
			err := w.input.Run(ctx, tx)
			if err != nil && !errors.Is(err, oauth.ErrSpent) {
				return err
			}
			spent = append(spent, err)
		}
		committing = true
		return nil
	})
	late := time.Since(begun) > Patience*9/10
	for i, w := range taken {
		switch ran := i < len(spent); {
		case err == nil && ran:
			w.finish(spent[i])
		case committing && classOf(err) != conflict && ran: // the outcome is unknown
			w.finish(err)
		case err != nil && !committing && late: // nothing was written, and no time is left to retry
			w.finish(db.explained(own, unavailable(err)))
		default:
			w.finish(errNotBatched)
		}
	}
}
