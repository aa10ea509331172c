package console

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
)

// building tells about a migration. The zero value tells nothing.
type building struct {
	// tell tells that an index is built: at once, and then every five seconds.
	tell func(file, index string, since time.Duration)

	done  func()               // the index is complete; may be nil
	begin func() (stop func()) // around the whole migration; may be nil
}

// buildingOn tells people. A terminal has one line, which counts the seconds.
func buildingOn(out *screen) building {
	if out.redraws {
		const migrating = "Updating the tables"
		line := &progress{out: out}
		return building{
			tell:  func(file, index string, _ time.Duration) { line.say("Building the index " + index + " (" + file + ")") },
			done:  func() { line.say(migrating) },
			begin: func() (stop func()) { return line.during(migrating) },
		}
	}
	return building{tell: func(file, index string, since time.Duration) {
		fmt.Fprintf(out, "Building the index %s (%s), for %v so far. Writes go on.\n", index, file, since)
	}}
}

// during runs a migration, and tells about it.
func (b building) during(ctx context.Context, migrate func(context.Context) error) error {
	if b.begin != nil {
		defer b.begin()()
	}
	return migrate(b.traced(ctx))
}

// buildingLogged tells the log.
func buildingLogged(logger *slog.Logger) building {
	return building{tell: func(file, index string, since time.Duration) {
		logger.Info("building an index", "index", index, "migration", file, "since", since)
	}}
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
			every := time.NewTicker(tellEvery)
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
			if b.done != nil {
				b.done()
			}
		}
	})
}
