package sqldb

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// maxCrowd is how many are served together at most: it bounds how long the first
// of them waits for the last.
const maxCrowd = 64

// stall is how long somebody impatient waits before he leads beside the others.
const stall = 100 * time.Millisecond

var (
	// errLeft says that somebody gave up waiting before he was served.
	errLeft = errors.New("gave up waiting for others")

	// errAlone tells somebody to do by himself what was to be done together.
	errAlone = errors.New("not done together")
)

// crowd has those served together who come while others are being served. So a
// single caller waits for nobody, and the more there are the more of them share
// what is dear.
//
// It has no goroutine of its own. Who finds a leader's place free leads: serves
// himself and whoever waits, and hands his place to one of those who came meanwhile.
type crowd[T any] struct {
	mu      sync.Mutex
	waiting []*waiter[T] // while there are any, all places are taken
	leading int
}

// manners are how a crowd behaves.
type manners struct {
	leaders int // how many places there are

	// impatient says that who gives up leaves at once, also while he is being served,
	// and that who waits for a stall takes a place more than there are: those who lead
	// may have got hold of connections that are dead.
	impatient bool
}

// waiter waits for its outcome, or to lead. Both channels have room for what is
// sent, so that who sends never waits.
type waiter[T any] struct {
	what    T
	outcome chan error
	lead    chan struct{}
}

func newWaiter[T any](what T) *waiter[T] {
	return &waiter[T]{what: what, outcome: make(chan error, 1), lead: make(chan struct{}, 1)}
}

// answer tells the outcome, the first time that it is called.
func (w *waiter[T]) answer(err error) {
	select {
	case w.outcome <- err:
	default:
	}
}

// join waits until w was served, and returns its outcome, or errLeft. lead is called
// where w is to lead: it serves w and those whom take returns, answers them, and
// calls handOver.
func (c *crowd[T]) join(ctx context.Context, w *waiter[T], m manners, lead func()) error {
	if c.line(w, m) {
		lead()
		return <-w.outcome
	}
	var stalled <-chan time.Time
	if m.impatient {
		timer := time.NewTimer(stall)
		defer timer.Stop()
		stalled = timer.C
	}
	gone := ctx.Done()
	for {
		select {
		case err := <-w.outcome:
			return err
		case <-w.lead:
			lead()
			return <-w.outcome
		case <-stalled:
			stalled = nil
			if c.leave(w, true) {
				w.lead <- struct{}{}
			}
		case <-gone:
			switch {
			case c.leave(w, false):
				return errLeft
			case m.impatient:
				c.abandon(w, m)
				return errLeft
			}
			gone = nil // its turn has come all the same
		}
	}
}

// line takes a place to lead, and reports whether one was free; else w waits, if
// there is one. Who leads calls handOver in the end.
func (c *crowd[T]) line(w *waiter[T], m manners) (leads bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leading < m.leaders {
		c.leading++
		return true
	}
	if w != nil {
		c.waiting = append(c.waiting, w)
	}
	return false
}

// leave takes a waiter out who has given up, or who leads beside the others. It
// reports false when he is being served, or is to lead already.
func (c *crowd[T]) leave(w *waiter[T], leads bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.waiting, w)
	if i < 0 {
		return false
	}
	c.waiting = slices.Delete(c.waiting, i, i+1)
	if leads {
		c.leading++
	}
	return true
}

// abandon hands over what a waiter was to lead who has given up.
func (c *crowd[T]) abandon(w *waiter[T], m manners) {
	select {
	case <-w.lead:
		c.handOver(m)
	default: // he is being served, and nobody will read it
	}
}

// take returns the leader and those whose turn it is.
func (c *crowd[T]) take(leader *waiter[T]) []*waiter[T] {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(len(c.waiting), maxCrowd-1)
	taken := append(make([]*waiter[T], 0, n+1), leader)
	taken = append(taken, c.waiting[:n]...)
	c.waiting = slices.Delete(c.waiting, 0, n)
	return taken
}

// handOver lets the first of those who wait lead in place of the caller, or nobody.
func (c *crowd[T]) handOver(m manners) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 || c.leading > m.leaders {
		c.leading--
		return
	}
	c.waiting[0].lead <- struct{}{}
	c.waiting = slices.Delete(c.waiting, 0, 1)
}
