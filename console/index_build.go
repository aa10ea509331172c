package console

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
)

// building tells that a migration builds an index, at once and then from time to
// time. The zero value tells nothing.
type building struct {
	tell  func(file, index string, since time.Duration)
	every time.Duration
	clear func() // called when the index is complete; may be nil
}

// buildingOn tells people. A terminal has one line, which counts the seconds.
func buildingOn(out *screen) building {
	if out.redraws {
		line := &progress{out: out}
		return building{
			tell: func(file, index string, since time.Duration) {
				line.show("Building the index %s (%s): %v…", index, file, since)
			},
			every: time.Second,
			clear: line.clear,
		}
	}
	return building{
		tell: func(file, index string, since time.Duration) {
			fmt.Fprintf(out, "Building the index %s (%s), for %v so far. Writes go on.\n", index, file, since)
		},
		every: tellEvery,
	}
}

// buildingLogged tells the log.
func buildingLogged(logger *slog.Logger) building {
	return building{
		tell: func(file, index string, since time.Duration) {
			logger.Info("building an index", "index", index, "migration", file, "since", since)
		},
		every: tellEvery,
	}
}

// traced returns a context for migrating in which b tells about indexes.
func (b building) traced(ctx context.Context) context.Context {
	if b.tell == nil {
		return ctx
	}
	return sqldb.WithBuildTrace(ctx, func(file, index string) func() {
		begun, done := time.Now(), make(chan struct{})
		var telling sync.WaitGroup
		telling.Go(func() {
			every := time.NewTicker(b.every)
			defer every.Stop()
			for {
				b.tell(file, index, time.Since(begun).Round(time.Second))
				select {
				case <-done:
					return
				case <-every.C:
				}
			}
		})
		return func() {
			close(done)
			telling.Wait()
			if b.clear != nil {
				b.clear()
			}
		}
	})
}
