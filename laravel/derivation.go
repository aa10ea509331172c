package laravel

import (
	"context"
	"crypto/sha256"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/go-passport/passport/internal/recent"
	"github.com/go-passport/passport/oauth"
)

// slow runs the slow derivations of this process: those of bcrypt and of PBKDF2. Each
// takes a processor for about 50 milliseconds. Half of the processors stay free for
// other requests.
var slow = newDerivations(max(1, runtime.GOMAXPROCS(0)/2))

// patience is how long a request waits for a derivation.
const patience = 5 * time.Second

// remembered is how many results are remembered at most. None is larger than half of a
// ciphertext in hexadecimal, so they take 4 MB at most.
const remembered = 1000

var errBusy = oauth.TemporarilyUnavailable.Errorf("too many codes, refresh tokens and secrets of Laravel are being checked: try again later")

// digest is the key of a derivation. It has the same value only for the same work.
type digest [sha256.Size]byte

// derivation is slow work that a request needs.
type derivation struct {
	key    digest
	at     time.Time              // when the request was received
	may    func() error           // its error refuses the work and its result, after too many wrong values
	derive func() ([]byte, error) // an error means a wrong value
}

// take returns the result of another request's derivation.
func (d derivation) take(result []byte, err error) ([]byte, error) {
	if refused := d.may(); refused != nil {
		return nil, refused
	}
	return result, err
}

// derivations runs slow derivations, a few at once.
//
//   - Requests that need the same derivation at the same time share one.
//   - The oldest request goes first. Otherwise a request that needs two derivations queues
//     for the second one behind newcomers. Under load its time is then over before its
//     turn, and its first derivation was in vain.
//   - Results of right values are remembered. They never change, so they need no lifetime.
//     Wrong values are not remembered, so guesses cannot fill the memory.
//
// It starts no goroutine: one of the requests that need a derivation runs it. If that
// request ends while it waits, another one runs the derivation.
type derivations struct {
	mu      sync.Mutex
	free    int                 // slots
	waiting []*turn             // for a slot, the oldest request first
	current map[digest]*outcome // of derivations that wait or run
	known   recent.Map[digest, []byte]
}

// outcome is the result of a derivation, for all requests that need it.
type outcome struct {
	running bool
	done    chan struct{} // closed when result and err are set
	result  []byte
	err     error
}

// turn is the place of a request in the queue.
type turn struct {
	key   digest
	at    time.Time
	of    *outcome
	holds bool          // a slot
	slot  chan struct{} // closed when the request holds a slot, and must run the derivation
}

func newDerivations(slots int) *derivations {
	return &derivations{free: slots, current: map[digest]*outcome{}, known: recent.Map[digest, []byte]{Generation: remembered / 2}}
}

// do returns the result of a derivation, which it runs unless another request does or has
// done so. The caller must not change the result.
func (d *derivations) do(ctx context.Context, want derivation) ([]byte, error) {
	t, result := d.enter(want)
	if t == nil {
		return want.take(result, nil)
	}
	defer d.leave(t)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-t.slot:
		if err := want.may(); err != nil {
			return nil, err
		}
		result, err := want.derive()
		d.finish(t, result, err)
		return result, err
	case <-t.of.done:
		return want.take(t.of.result, t.of.err)
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-timer.C:
		return nil, fmt.Errorf("no processor was free within %s, and each such value takes one until its first use has succeeded; if this lasts, add processors or nodes: %w", patience, errBusy)
	}
}

// enter returns a turn, or a remembered result.
func (d *derivations) enter(want derivation) (*turn, []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if result, ok := d.known.Get(want.key); ok {
		return nil, result
	}
	o := d.current[want.key]
	if o == nil {
		o = &outcome{done: make(chan struct{})}
		d.current[want.key] = o
	}
	t := &turn{key: want.key, at: want.at, of: o, slot: make(chan struct{})}
	// Of equal times, the last comer goes first: it may come for its second derivation.
	i, _ := slices.BinarySearchFunc(d.waiting, t.at, func(t *turn, at time.Time) int { return t.at.Compare(at) })
	d.waiting = slices.Insert(d.waiting, i, t)
	d.grant()
	return t, nil
}

// grant gives free slots to the first requests whose derivation does not run. The caller
// holds the lock.
func (d *derivations) grant() {
	d.waiting = slices.DeleteFunc(d.waiting, func(t *turn) bool {
		if d.free == 0 || t.of.running {
			return false
		}
		d.free--
		t.of.running, t.holds = true, true
		close(t.slot)
		return true
	})
}

// finish sets the outcome of a derivation.
func (d *derivations) finish(t *turn, result []byte, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil {
		d.known.Put(t.key, result)
	}
	d.waiting = slices.DeleteFunc(d.waiting, func(other *turn) bool { return other.of == t.of })
	delete(d.current, t.key)
	t.of.result, t.of.err = result, err
	close(t.of.done)
}

// leave ends a turn. If the request held a slot and has not finished, because it was
// refused or its code panicked, another request runs the derivation.
func (d *derivations) leave(t *turn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t.holds {
		d.free++
		t.of.running = false
	}
	d.waiting = slices.DeleteFunc(d.waiting, func(other *turn) bool { return other == t })
	needed := t.of.running || slices.ContainsFunc(d.waiting, func(other *turn) bool { return other.of == t.of })
	if !needed && d.current[t.key] == t.of {
		delete(d.current, t.key)
	}
	d.grant()
}
