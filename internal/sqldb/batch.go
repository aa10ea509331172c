package sqldb

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// maxBatch is the maximum number of calls in a batch. It limits how long the first
// call of a batch waits for the last.
const maxBatch = 64

// stall is how long an impatient call waits before it leads a separate batch.
const stall = 100 * time.Millisecond

var (
	// errCanceled is the outcome of a call whose caller stopped waiting.
	errCanceled = errors.New("stopped waiting for the batch")

	// errNotBatched tells a caller to do its work outside of a batch.
	errNotBatched = errors.New("not done in a batch")
)

// batcher collects the calls that arrive while a batch is running, and serves them
// in the next batch. A single caller never waits. Under load, more callers share
// the expensive part of the work.
//
// It has no goroutine. A caller that finds a free leader slot becomes a leader: it
// serves itself and the waiting calls, and then hands the slot to a call that has
// arrived meanwhile.
type batcher[T any] struct {
	mu      sync.Mutex
	waiting []*call[T] // empty unless all leader slots are taken
	leading int
}

// batchPolicy configures a batcher.
type batchPolicy struct {
	leaders int // maximum number of concurrent leaders

	// impatient lets a canceled call return at once, even while it is being served.
	// It also lets a call that has waited for stall lead in addition to the other
	// leaders: their connections may be dead.
	impatient bool
}

// call waits for its outcome, or for its turn to lead. Both channels are buffered, so
// that the sender never blocks.
type call[T any] struct {
	input   T
	outcome chan error
	lead    chan struct{}
}

func newCall[T any](input T) *call[T] {
	return &call[T]{input: input, outcome: make(chan error, 1), lead: make(chan struct{}, 1)}
}

// finish sets the call's outcome. Only the first outcome counts.
func (c *call[T]) finish(err error) {
	select {
	case c.outcome <- err:
	default:
	}
}

// do waits until c has been served, and returns its outcome or errCanceled. If c has
// to lead, do calls lead, which must serve c and the calls that take returns, finish
// them, and call handOver.
func (b *batcher[T]) do(ctx context.Context, c *call[T], p batchPolicy, lead func()) error {
	if b.leadOrWait(c, p) {
		lead()
		return <-c.outcome
	}
	var stalled <-chan time.Time
	if p.impatient {
		timer := time.NewTimer(stall)
		defer timer.Stop()
		stalled = timer.C
	}
	canceled := ctx.Done()
	for {
		select {
		case err := <-c.outcome:
			return err
		case <-c.lead:
			lead()
			return <-c.outcome
		case <-stalled:
			stalled = nil
			if b.dequeue(c, true) {
				c.lead <- struct{}{}
			}
		case <-canceled:
			switch {
			case b.dequeue(c, false):
				return errCanceled
			case p.impatient:
				b.abandon(c, p)
				return errCanceled
			}
			canceled = nil // the call is being served, or leads next
		}
	}
}

// leadOrWait takes a leader slot, and reports whether one was free. Otherwise it queues
// c, unless c is nil. A leader must call handOver at the end.
func (b *batcher[T]) leadOrWait(c *call[T], p batchPolicy) (leads bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.leading < p.leaders {
		b.leading++
		return true
	}
	if c != nil {
		b.waiting = append(b.waiting, c)
	}
	return false
}

// dequeue removes a waiting call that was canceled, or that leads in addition to the
// other leaders. It returns false if the call is being served or already leads.
func (b *batcher[T]) dequeue(c *call[T], leads bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.Index(b.waiting, c)
	if i < 0 {
		return false
	}
	b.waiting = slices.Delete(b.waiting, i, i+1)
	if leads {
		b.leading++
	}
	return true
}

// abandon passes on the leader slot of a canceled call, if it has one.
func (b *batcher[T]) abandon(c *call[T], p batchPolicy) {
	select {
	case <-c.lead:
		b.handOver(p)
	default: // the call is being served; its outcome is dropped
	}
}

// take returns the calls of the next batch, including the leader's own.
func (b *batcher[T]) take(leader *call[T]) []*call[T] {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(len(b.waiting), maxBatch-1)
	taken := append(make([]*call[T], 0, n+1), leader)
	taken = append(taken, b.waiting[:n]...)
	b.waiting = slices.Delete(b.waiting, 0, n)
	return taken
}

// handOver passes the caller's slot to the first waiting call, or frees it.
func (b *batcher[T]) handOver(p batchPolicy) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == 0 || b.leading > p.leaders {
		b.leading--
		return
	}
	b.waiting[0].lead <- struct{}{}
	b.waiting = slices.Delete(b.waiting, 0, 1)
}
