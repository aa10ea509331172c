package laravel

import (
	"errors"
	"sync"
	"testing"
)

// Guesses that wait for a slot run only if they still may: concurrent guesses cost the
// same work as sequential ones.
func TestSlowly_LP_2_GuessesThatWaitAreRefused(t *testing.T) {
	f := &foreign{slots: make(chan struct{}, 1)}
	const guesses, free = 64, 10
	var mu sync.Mutex
	failures, derived := 0, 0
	may := func() error {
		mu.Lock()
		defer mu.Unlock()
		if failures >= free {
			return errors.New("too many failures")
		}
		return nil
	}
	var all sync.WaitGroup
	f.slots <- struct{}{}
	for range guesses {
		all.Go(func() {
			_ = f.slowly(t.Context(), may, func() {
				mu.Lock()
				defer mu.Unlock()
				derived, failures = derived+1, failures+1
			})
		})
	}
	<-f.slots
	all.Wait()
	if derived != free {
		t.Errorf("%d of %d concurrent guesses ran, want %d: as many as of guesses one after the other", derived, guesses, free)
	}
}
