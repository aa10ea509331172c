package laravel

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport/internal/wire"
	"github.com/go-passport/passport/oauth"
)

// cost is how long a derivation takes in these tests.
const cost = 100 * time.Millisecond

// bench runs derivations that sleep, in one slot. It is used in a synctest bubble.
type bench struct {
	*derivations
	derived atomic.Int32
}

func newBench() *bench { return &bench{derivations: newDerivations(1)} }

func numbered(n int) (d digest) {
	binary.BigEndian.PutUint64(d[:], uint64(n))
	return d
}

func always() error { return nil }

// right needs derivation n. Its result is the number.
func (b *bench) right(n int, at time.Time) derivation {
	return derivation{key: numbered(n), at: at, may: always, derive: func() ([]byte, error) {
		b.derived.Add(1)
		time.Sleep(cost)
		return fmt.Append(nil, n), nil
	}}
}

// wrong needs derivation n, of a guess.
func (b *bench) wrong(n int, at time.Time) derivation {
	want := b.right(n, at)
	derive := want.derive
	want.derive = func() ([]byte, error) {
		_, _ = derive()
		return nil, errWrong
	}
	return want
}

// works runs a derivation and checks its result.
func (b *bench) works(t *testing.T, n int, at time.Time) bool {
	result, err := b.do(t.Context(), b.right(n, at))
	if err == nil && string(result) != fmt.Sprint(n) {
		t.Errorf("derivation %d has the result %s", n, result)
	}
	return err == nil
}

// isIdle checks that no request has left anything behind.
func (b *bench) isIdle(t *testing.T) {
	t.Helper()
	if b.free != 1 || len(b.waiting) != 0 || len(b.current) != 0 {
		t.Errorf("after all requests, %d slots are free, %d requests wait, and %d derivations are kept, want 1, 0 and 0", b.free, len(b.waiting), len(b.current))
	}
}

// Requests of one client with one refresh token share the two derivations, of the secret
// and of the token. Without that they take turns for the first one until the time of all
// is over, and none finishes.
func TestDerivations_LP_2_EqualRequestsShareTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, began := newBench(), time.Now()
		var finished atomic.Int32
		var all sync.WaitGroup
		for range 64 {
			all.Go(func() {
				if at := time.Now(); b.works(t, 1, at) && b.works(t, 2, at) {
					finished.Add(1)
				}
			})
		}
		all.Wait()
		if took := time.Since(began); finished.Load() != 64 || b.derived.Load() != 2 || took != 2*cost {
			t.Errorf("%d of 64 equal requests finished after %s with %d derivations, want all after %s with 2", finished.Load(), took, b.derived.Load(), 2*cost)
		}
		b.isIdle(t)
	})
}

// Under four times the load that a slot can bear, the slot's work goes into requests that
// finish: the second derivation of a request isn't starved by the first ones of newcomers.
func TestDerivations_LP_2_OverloadFinishesRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, last := newBench(), 0
		var finished atomic.Int32
		var all sync.WaitGroup
		request := func() {
			last += 2
			first, at := last, time.Now()
			all.Go(func() {
				if b.works(t, first, at) && b.works(t, first+1, at) {
					finished.Add(1)
				}
			})
		}
		const length = time.Minute
		for began := time.Now(); time.Since(began) < length; time.Sleep(cost / 2) {
			request()
		}
		capacity := int32(length / (2 * cost))
		if got := finished.Load(); got < capacity*9/10 {
			t.Errorf("%d requests of two derivations finished within %s, and %d derivations ran, want 9 of 10 requests that the slot can do: %d", got, length, b.derived.Load(), capacity*9/10)
		}
		all.Wait()

		finished.Store(0)
		for range 400 { // received at the same time
			request()
		}
		all.Wait()
		if got, capacity := finished.Load(), int32(patience/(2*cost)); got < capacity {
			t.Errorf("%d of 400 requests at once finished, want the %d that the slot can do within %s", got, capacity, patience)
		}
		b.isIdle(t)
	})
}

// Guesses that wait for a slot run only if they still may: concurrent guesses cost the
// same work as sequential ones. Equal guesses cost less.
func TestDerivations_LP_2_GuessesThatWaitAreRefused(t *testing.T) {
	const guesses, free = 64, 10
	for name, c := range map[string]struct{ different, derived int }{"different": {guesses, free}, "equal": {1, 1}} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench()
			var failures atomic.Int32
			may := func() error {
				if failures.Load() >= free {
					return errors.New("too many failures")
				}
				return nil
			}
			var all sync.WaitGroup
			for n := range guesses {
				want := b.wrong(n%c.different, time.Now())
				want.may = may
				derive := want.derive
				want.derive = func() ([]byte, error) {
					defer failures.Add(1)
					return derive()
				}
				all.Go(func() {
					if _, err := b.do(t.Context(), want); err == nil {
						t.Error("a guess is right")
					}
				})
			}
			all.Wait()
			if got := int(b.derived.Load()); got != c.derived {
				t.Errorf("%d of %d concurrent %s guesses ran, want %d: not more than of guesses one after the other", got, guesses, name, c.derived)
			}
			b.isIdle(t)
		})
	}
}

// A request that can't run the derivation, or ends, doesn't end it for the others.
func TestDerivations_LP_2_AnotherRequestTakesOver(t *testing.T) {
	refused := errors.New("paused")
	for name, spoil := range map[string]func(*derivation) context.CancelFunc{
		"is refused": func(d *derivation) context.CancelFunc {
			d.may = func() error { return refused }
			return func() {}
		},
		"panics": func(d *derivation) context.CancelFunc {
			d.derive = func() ([]byte, error) { panic("out of memory") }
			return func() {}
		},
		"ends": nil,
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench()
			ctx, cancel := context.WithCancel(t.Context())
			var all sync.WaitGroup
			all.Go(func() { b.works(t, 1, time.Now()) }) // the others wait for its slot
			synctest.Wait()
			first := b.right(2, time.Now().Add(-time.Second)) // the oldest one, so that its turn comes first
			if spoil != nil {
				spoil(&first)
			}
			all.Go(func() {
				defer func() { _ = recover() }()
				if _, err := b.do(ctx, first); err == nil {
					t.Errorf("the first request works, although it %s", name)
				}
			})
			synctest.Wait()
			for range 3 {
				all.Go(func() {
					if !b.works(t, 2, time.Now()) {
						t.Errorf("a request gets no result, because another one that needs the same derivation %s", name)
					}
				})
			}
			synctest.Wait()
			if spoil == nil {
				cancel()
			}
			all.Wait()
			cancel()
			if got := b.derived.Load(); got != 2 {
				t.Errorf("the first request %s: %d derivations ran, want 2", name, got)
			}
			b.isIdle(t)
		})
	}
}

// A request whose time ends while another one runs its derivation leaves alone.
func TestDerivations_LP_2_AWaiterLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		var all sync.WaitGroup
		all.Go(func() {
			if !b.works(t, 1, time.Now()) {
				t.Error("a derivation fails because a request that waited for it has ended")
			}
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), cost/2)
		defer cancel()
		began := time.Now()
		if _, err := b.do(ctx, b.right(1, began)); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != cost/2 {
			t.Errorf("a request that has %s = %v after %s, want its own deadline", cost/2, err, time.Since(began))
		}
		all.Wait()
		b.isIdle(t)
	})
}

// During a pause after too many wrong values, a request gets no result of another one.
func TestDerivations_LP_2_APauseRefusesResults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, refused := newBench(), errors.New("paused")
		paused := b.right(1, time.Now())
		paused.may = func() error { return refused }
		var all sync.WaitGroup
		all.Go(func() { b.works(t, 1, time.Now()) })
		synctest.Wait()
		for _, when := range []string{"while another request runs it", "after another request ran it"} {
			if result, err := b.do(t.Context(), paused); !errors.Is(err, refused) || result != nil {
				t.Errorf("during a pause, a derivation %s = %s, %v, want the refusal", when, result, err)
			}
			all.Wait()
		}
	})
}

// The memory of results is bounded, and guesses don't get into it.
func TestDerivations_LP_2_MemoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		runs := func(want derivation) bool {
			before := b.derived.Load()
			_, _ = b.do(t.Context(), want)
			return b.derived.Load() > before
		}
		if !runs(b.right(-1, time.Now())) || runs(b.right(-1, time.Now())) {
			t.Error("a right value that is sent again costs a derivation, want its result remembered")
		}
		for n := range 3 * remembered {
			if !runs(b.wrong(n%2, time.Now())) {
				t.Fatal("a wrong value is remembered")
			}
		}
		if runs(b.right(-1, time.Now())) {
			t.Error("wrong values drop a result from the memory")
		}
		for n := range 3 * remembered {
			runs(b.right(n, time.Now()))
		}
		kept := 0
		for n := range 3 * remembered {
			if _, ok := b.known.Get(numbered(n)); ok {
				kept++
			}
		}
		if kept > remembered || kept < remembered/2 {
			t.Errorf("after %d right values, %d are remembered, want between %d and %d", 3*remembered, kept, remembered/2, remembered)
		}
		b.isIdle(t)
	})
}

// A request that gets no slot fails, and the client may try again.
func TestDerivations_LP_2_PatienceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, began := newBench(), time.Now()
		b.free = 0
		_, err := b.do(t.Context(), b.right(1, began))
		if !errors.Is(err, oauth.TemporarilyUnavailable) || time.Since(began) != patience {
			t.Errorf("without a free slot, a derivation = %v after %s, want temporarily_unavailable after %s", err, time.Since(began), patience)
		}
		if level := wire.Level(oauth.AsError(err), err); level != slog.LevelWarn {
			t.Errorf("without a free slot, the refusal is logged at %s, want WARN: no fault, but the server's own decision", level)
		}
		b.free = 1
		b.isIdle(t)
	})
}
