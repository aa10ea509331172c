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
	limited, cancel := context.WithTimeout(ctx, 2*Patience)
	defer cancel()
	err := db.writes.join(limited, w, writing, func() { db.leadGroup(ctx, w) })
	switch {
	case errors.Is(err, errLeft):
		return failure(ctx, fmt.Errorf("wait for other writes: %w", limited.Err()))
	case errors.Is(err, errAlone):
		return db.alone(context.WithoutCancel(ctx), m)
	}
	return err
}

// writing is how those behave who write: who is being served cannot leave.
var writing = manners{leaders: 1}

// leadGroup runs what waits. Where the database has one writer its turn is waited
// for first: who comes meanwhile joins.
func (db *DB) leadGroup(ctx context.Context, w *waiter[Member]) {
	taken := []*waiter[Member]{w}
	defer func() {
		for _, w := range taken { // after a panic, which is the leader's to answer for
			w.answer(unavailable(errors.New("the write that this one was to share was given up")))
		}
		db.writes.handOver(writing)
	}()
	own := context.WithoutCancel(ctx)
	err := db.queue(own)
	taken = db.writes.take(w)
	switch {
	case err != nil:
		for _, w := range taken {
			w.answer(err)
		}
	case len(taken) == 1:
		db.leave()
		w.answer(db.alone(own, w.what))
	default:
		defer db.leave()
		db.together(own, taken)
	}
}

// alone makes one write as if there were no groups.
func (db *DB) alone(ctx context.Context, m Member) error {
	if m.Alone != nil {
		return m.Alone(ctx)
	}
	return db.Tx(ctx, m.Run)
}

// share is how long a group may take before those whose turn has not come are told to
// go by themselves: with a database far away, 64 writes take longer than anybody waits.
const share = Patience / 4

// together makes the writes in one transaction and answers them. Where nothing was
// written, and there is time, each is to be made by itself: in its own caller's
// goroutine, for one after the other would have the last wait for all.
func (db *DB) together(ctx context.Context, taken []*waiter[Member]) {
	slices.SortStableFunc(taken, func(a, b *waiter[Member]) int { return strings.Compare(a.what.Key, b.what.Key) })
	spent := make([]error, 0, len(taken))
	own, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	db.prepareMet(own)
	begun, committing := time.Now(), false
	_, err := db.once(own, func(ctx context.Context, tx *Tx) error {
		for _, w := range taken {
			if len(spent) > 0 && time.Since(begun) > share {
				break
			}
			err := w.what.Run(ctx, tx)
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
			w.answer(spent[i])
		case committing && classOf(err) != conflict && ran: // nobody knows whether it happened
			w.answer(err)
		case err != nil && !committing && late: // nothing was written, and nobody has patience left
			w.answer(db.explained(own, unavailable(err)))
		default:
			w.answer(errAlone)
		}
	}
}
