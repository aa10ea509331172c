package sqldb

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Whatever happens to those in a crowd, who hang up, panic and end their goroutines at
// any moment: no place to lead is lost, nobody waits for ever, and nobody is served
// twice, or after he was told that he has left.
func TestCrowd_LosesNobody(t *testing.T) {
	for _, m := range []manners{{leaders: 1}, {leaders: 2}, {leaders: 2, impatient: true}} {
		c := &crowd[*atomic.Int64]{}
		var wg sync.WaitGroup
		stop := time.Now().Add(time.Second)
		for range 100 {
			wg.Go(func() {
				for time.Now().Before(stop) && !t.Failed() {
					done := make(chan struct{})
					go func() {
						defer close(done)
						defer func() { _ = recover() }()
						visit(t, c, m)
					}()
					select {
					case <-done:
					case <-time.After(20 * time.Second):
						t.Errorf("%+v: somebody is stuck", m)
					}
				}
			})
		}
		wg.Wait()
		if c.leading != 0 || len(c.waiting) != 0 {
			t.Errorf("%+v: in the end %d lead and %d wait, want nobody", m, c.leading, len(c.waiting))
		}
	}
}

// visit joins a crowd for a moment.
func visit(t *testing.T, c *crowd[*atomic.Int64], m manners) {
	ctx, cancel := context.WithTimeout(context.Background(), rand.N(400*time.Microsecond))
	defer cancel()
	served := new(atomic.Int64)
	w := newWaiter(served)
	err := c.join(ctx, w, m, func() {
		taken := c.take(w)
		defer func() {
			for _, w := range taken {
				w.answer(errAlone)
			}
			c.handOver(m)
		}()
		for i, w := range taken {
			switch rand.N(300) {
			case 0:
				panic("oh")
			case 1:
				runtime.Goexit()
			}
			if i%8 == 0 {
				time.Sleep(rand.N(50 * time.Microsecond))
			}
			w.what.Add(1)
			w.answer(nil)
		}
	})
	switch n := served.Load(); {
	case err == nil && n != 1:
		t.Errorf("%+v: served %d times, want once", m, n)
	case errors.Is(err, errLeft) && !m.impatient && n != 0:
		t.Errorf("%+v: served after leaving", m)
	}
}
