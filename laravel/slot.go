package laravel

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/go-passport/passport/oauth"
)

// slots bounds how many slow derivations run at once in this process: those of bcrypt and
// of PBKDF2 together. Each takes a processor for about 50 milliseconds. Half of the
// processors stay free for other requests.
var slots = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))

// slotPatience is how long a request waits for a slot.
const slotPatience = 5 * time.Second

var errBusy = errors.New("too many codes, refresh tokens and secrets of Laravel are being checked")

// slowly runs a slow derivation when a slot is free. may says whether it may still run
// then: of many guesses at once, as many run as of guesses one after the other.
func (f *foreign) slowly(ctx context.Context, may func() error, derive func()) error {
	timer := time.NewTimer(slotPatience)
	defer timer.Stop()
	select {
	case f.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return fmt.Errorf("%w: %w", oauth.ErrUnavailable, errBusy)
	}
	defer func() { <-f.slots }()
	if err := may(); err != nil {
		return err
	}
	derive()
	return nil
}
