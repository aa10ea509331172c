package sqldb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

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

// maxGroup is how many writes share a transaction at most: it bounds how long
// the first of them waits for the last.
const maxGroup = 64

// group collects the writes that come while one is being committed: they are the
// next to share a transaction. So at one caller nothing waits, and the more there
// are the more of them share the dearest part of a write, its COMMIT.
//
// It has no goroutine of its own. Who finds nobody leading leads: runs what
// waits, himself included, and hands over to one of those who came meanwhile.
type group struct {
	mu      sync.Mutex
	waiting []*waiter
	leading bool
}

// waiter is a member that waits for its outcome, or to lead. Both channels have
// room for what is sent, so that who sends never waits.
type waiter struct {
	Member
	outcome chan error
	lead    chan struct{}
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
	w := &waiter{Member: m, outcome: make(chan error, 1), lead: make(chan struct{}, 1)}
	if db.group.join(w) {
		db.leadGroup(ctx)
		return <-w.outcome
	}
	select {
	case err := <-w.outcome:
		return err
	case <-w.lead:
		db.leadGroup(ctx)
		return <-w.outcome
	case <-ctx.Done():
		if db.group.leave(w) {
			return &gaveUp{ctx.Err(), fmt.Errorf("wait for other writes: %w", ctx.Err())}
		}
	}
	// Its turn has come all the same: it is being written, or it is to lead.
	select {
	case err := <-w.outcome:
		return err
	case <-w.lead:
		db.leadGroup(ctx)
		return <-w.outcome
	}
}

// join reports whether the waiter is to lead.
func (g *group) join(w *waiter) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = append(g.waiting, w)
	lead := !g.leading
	g.leading = true
	return lead
}

// leave takes a waiter out whose caller has gone. It reports false when it is
// too late for that: the write was taken, or the waiter was told to lead.
func (g *group) leave(w *waiter) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.waiting, w)
	if i < 0 || len(w.lead) > 0 {
		return false
	}
	g.waiting = slices.Delete(g.waiting, i, i+1)
	return true
}

// take returns those whose turn it is.
func (g *group) take() []*waiter {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := min(len(g.waiting), maxGroup)
	taken := slices.Clone(g.waiting[:n])
	g.waiting = slices.Delete(g.waiting, 0, n)
	return taken
}

// handOver lets one of those who wait lead, or nobody.
func (g *group) handOver() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) == 0 {
		g.leading = false
		return
	}
	g.waiting[0].lead <- struct{}{}
}

// leadGroup runs what waits. Where the database has one writer its turn is waited
// for first: who comes meanwhile joins.
func (db *DB) leadGroup(ctx context.Context) {
	var taken []*waiter
	defer func() {
		for _, w := range taken { // after a panic, which is the leader's to answer for
			w.answer(unavailable(errors.New("the write that this one was to share was given up")))
		}
		db.group.handOver()
	}()
	own := context.WithoutCancel(ctx)
	err := db.queue(own)
	taken = db.group.take()
	if err != nil {
		for _, w := range taken {
			w.answer(err)
		}
		return
	}
	if len(taken) == 1 {
		db.leave()
		taken[0].answer(db.alone(own, taken[0].Member))
		return
	}
	together := func() bool {
		defer db.leave()
		return db.together(own, taken)
	}()
	if !together {
		for _, w := range taken {
			w.answer(db.alone(own, w.Member))
		}
	}
}

// answer tells the outcome, the first time that it is called.
func (w *waiter) answer(err error) {
	select {
	case w.outcome <- err:
	default:
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
func (db *DB) together(ctx context.Context, taken []*waiter) bool {
	slices.SortStableFunc(taken, func(a, b *waiter) int { return strings.Compare(a.Key, b.Key) })
	spent := make([]error, len(taken))
	own, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	db.prepareMet(own)
	committing := false
	_, err := db.once(own, func(ctx context.Context, tx *Tx) error {
		for i, w := range taken {
			spent[i] = w.Run(ctx, tx)
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
