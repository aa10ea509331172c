package sqldb

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// maxCrowd is how many are served together at most: it bounds how long the first
// of them waits for the last.
const maxCrowd = 64

// crowd has those served together who come while others are being served. So a
// single caller waits for nobody, and the more there are the more of them share
// what is dear.
//
// It has no goroutine of its own. Who finds a leader's place free leads: serves
// himself and whoever waits, and hands his place to one of those who came meanwhile.
type crowd[T any] struct {
	mu      sync.Mutex
	waiting []*waiter[T]
	leading int
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

// enter takes one of so many places to lead, and reports whether one was free.
func (c *crowd[T]) enter(leaders int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.enterLocked(leaders)
}

func (c *crowd[T]) enterLocked(leaders int) bool {
	if c.leading >= leaders {
		return false
	}
	c.leading++
	return true
}

// errLeft says that somebody gave up waiting before his turn had come.
var errLeft = errors.New("gave up waiting for others")

// join waits until w was served, and returns its outcome, or errLeft. lead is called
// where w is to lead: it serves w and those whom take returns, answers them, and
// calls handOver.
func (c *crowd[T]) join(ctx context.Context, w *waiter[T], leaders int, lead func()) error {
	c.mu.Lock()
	leads := c.enterLocked(leaders)
	if !leads {
		c.waiting = append(c.waiting, w)
	}
	c.mu.Unlock()
	if !leads {
		select {
		case err := <-w.outcome:
			return err
		case <-w.lead:
		case <-ctx.Done():
			if c.leave(w) {
				return errLeft
			}
			// Its turn has come all the same.
			select {
			case err := <-w.outcome:
				return err
			case <-w.lead:
			}
		}
	}
	lead()
	return <-w.outcome
}

// leave takes a waiter out who has given up. It reports false when it is too late
// for that: it is being served, or is to lead.
func (c *crowd[T]) leave(w *waiter[T]) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.waiting, w)
	if i < 0 {
		return false
	}
	c.waiting = slices.Delete(c.waiting, i, i+1)
	return true
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
func (c *crowd[T]) handOver() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 {
		c.leading--
		return
	}
	c.waiting[0].lead <- struct{}{}
	c.waiting = slices.Delete(c.waiting, 0, 1)
}
