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

// Callers cancel, panic and end their goroutines at any moment. No leader slot is lost,
// no caller waits forever, and no caller is served twice or after it was canceled.
func TestBatch_LosesNoCall(t *testing.T) {
	for _, m := range []batchPolicy{{leaders: 1}, {leaders: 2}, {leaders: 2, impatient: true}} {
		c := &batcher[*atomic.Int64]{}
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
						t.Errorf("%+v: do() has not returned after 20 s", m)
					}
				}
			})
		}
		wg.Wait()
		if c.leading != 0 || len(c.waiting) != 0 {
			t.Errorf("%+v: after all calls, %d lead and %d wait; want none", m, c.leading, len(c.waiting))
		}
	}
}

// visit makes a call that may be canceled.
func visit(t *testing.T, c *batcher[*atomic.Int64], m batchPolicy) {
	ctx, cancel := context.WithTimeout(context.Background(), rand.N(400*time.Microsecond))
	defer cancel()
	served := new(atomic.Int64)
	w := newCall(served)
	err := c.do(ctx, w, m, func() {
		taken := c.take(w)
		defer func() {
			for _, w := range taken {
				w.finish(errNotBatched)
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
			w.input.Add(1)
			w.finish(nil)
		}
	})
	switch n := served.Load(); {
	case err == nil && n != 1:
		t.Errorf("%+v: call served %d times, want once", m, n)
	case errors.Is(err, errCanceled) && !m.impatient && n != 0:
		t.Errorf("%+v: call served after it was canceled", m)
	}
}
