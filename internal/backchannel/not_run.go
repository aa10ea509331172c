package backchannel

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// notRun warns an operator whose program does not call Server.Run.
type notRun struct {
	told    atomic.Bool // there are clients to tell
	served  atomic.Bool // the server handles requests, so it isn't a command
	warned  atomic.Bool
	checked atomic.Int64 // when Ended looked for clients to tell, in Unix seconds
}

// Prepare looks for clients to tell. New calls it.
func (s *Sender) Prepare(ctx context.Context) error {
	if s == nil {
		return nil
	}
	told, err := s.Store.TellsClients(ctx)
	if err != nil {
		return fmt.Errorf("find clients with a backchannel_logout_uri: %w", err)
	}
	s.notRun.told.Store(told)
	return nil
}

// Serving must be called for each request. The first one logs a warning if there are
// clients to tell and Run does not run: a program calls Run before it serves.
func (s *Sender) Serving(ctx context.Context) {
	if s != nil && !s.notRun.served.Load() && !s.notRun.served.Swap(true) && s.notRun.told.Load() {
		s.warn(ctx)
	}
}

// Ended must be called after sessions have ended. It wakes Run. If Run does not run in a
// process that serves requests, Ended looks for clients to tell, once a minute, and warns.
func (s *Sender) Ended(ctx context.Context) {
	if s == nil {
		return
	}
	if s.running.Load() > 0 {
		s.wake()
		return
	}
	now, last := time.Now().Unix(), s.notRun.checked.Load()
	if !s.notRun.served.Load() || s.notRun.warned.Load() || now-last < 60 || !s.notRun.checked.CompareAndSwap(last, now) {
		return
	}
	if told, err := s.Store.TellsClients(ctx); err == nil && told {
		s.warn(ctx)
	}
}

func (s *Sender) warn(ctx context.Context) {
	if s.running.Load() == 0 && !s.notRun.warned.Swap(true) {
		s.Log.WarnContext(ctx, "clients have a backchannel_logout_uri, but Server.Run does not run in this process: unless another node runs it, no logout token is sent. Start it in a goroutine")
	}
}
