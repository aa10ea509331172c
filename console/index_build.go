package console

import (
	"context"
	"sync"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
)

// building says which index a migration builds, and for how long it has done so.
type building func(file, index string, since time.Duration)

// traced returns a context for migrating, in which tell is called at once and every
// five seconds while an index is built. tell may be nil.
func (tell building) traced(ctx context.Context) context.Context {
	if tell == nil {
		return ctx
	}
	return sqldb.WithBuildTrace(ctx, func(file, index string) func() {
		begun, done := time.Now(), make(chan struct{})
		var telling sync.WaitGroup
		telling.Go(func() {
			every := time.NewTicker(tellEvery)
			defer every.Stop()
			for {
				tell(file, index, time.Since(begun).Round(time.Second))
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
		}
	})
}
