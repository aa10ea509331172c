package sqldb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-passport/passport/oauth"
)

// Member is a write that may share a transaction with others.
type Member struct {
	// Key names what the write locks first. Members are run in the order of
	// their keys, so that groups at two nodes do not wait for each other.
	Key string

	// Run makes the write. It begins with the statement that may find something
	// spent: when it returns [oauth.ErrSpent] it has changed nothing.
	Run func(ctx context.Context, tx *Tx) error

	// Alone, if there is one, makes the same write without a transaction, for
	// when nobody else is there.
	Alone func(ctx context.Context) error
}

// Group makes a write, together with those of others that come at the same time:
// all in one transaction, answered after its COMMIT. A write that finds something
// spent leaves the others alone; after any other error nothing was written, and
// each is made anew by itself. If COMMIT is not answered, none of them knows
// whether it happened.
func (db *DB) Group(ctx context.Context, m Member) error {
	if err := ctx.Err(); err != nil {
		return &gaveUp{err, err}
	}
	if !db.dialect.grouped {
		return db.alone(ctx, m)
	}
	w := newWaiter(m)
	err := db.writes.join(ctx, w, 1, func() { db.leadGroup(ctx, w) })
	if errors.Is(err, errLeft) {
		return &gaveUp{ctx.Err(), fmt.Errorf("wait for other writes: %w", ctx.Err())}
	}
	return err
}

// leadGroup runs what waits. Where the database has one writer its turn is waited
// for first: who comes meanwhile joins.
func (db *DB) leadGroup(ctx context.Context, w *waiter[Member]) {
	taken := []*waiter[Member]{w}
	defer func() {
		for _, w := range taken { // after a panic, which is the leader's to answer for
			w.answer(unavailable(errors.New("the write that this one was to share was given up")))
		}
		db.writes.handOver()
	}()
	own := context.WithoutCancel(ctx)
	err := db.queue(own)
	taken = db.writes.take(w)
	if err != nil {
		for _, w := range taken {
			w.answer(err)
		}
		return
	}
	if len(taken) == 1 {
		db.leave()
		w.answer(db.alone(own, w.what))
		return
	}
	together := func() bool {
		defer db.leave()
		return db.together(own, taken)
	}()
	if !together {
		for _, w := range taken {
			w.answer(db.alone(own, w.what))
		}
	}
}

// alone makes one write as if there were no groups.
func (db *DB) alone(ctx context.Context, m Member) error {
	if m.Alone != nil {
		return m.Alone(ctx)
	}
	return db.Tx(ctx, m.Run)
}

// together makes the writes in one transaction and answers them. It reports false
// when nothing was written, and they are to be made one by one.
func (db *DB) together(ctx context.Context, taken []*waiter[Member]) bool {
	slices.SortStableFunc(taken, func(a, b *waiter[Member]) int { return strings.Compare(a.what.Key, b.what.Key) })
	spent := make([]error, len(taken))
	own, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	db.prepareMet(own)
	committing := false
	_, err := db.once(own, func(ctx context.Context, tx *Tx) error {
		for i, w := range taken {
			spent[i] = w.what.Run(ctx, tx)
			if spent[i] != nil && !errors.Is(spent[i], oauth.ErrSpent) {
				return spent[i]
			}
		}
		committing = true
		return nil
	})
	if err != nil && (!committing || classOf(err) == conflict) {
		return false
	}
	for i, w := range taken {
		if err != nil {
			spent[i] = err
		}
		w.answer(spent[i])
	}
	return true
}
