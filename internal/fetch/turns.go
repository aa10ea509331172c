package fetch

import (
	"context"
	"sync"
)

// turns bounds the number of concurrent fetches, in all and for each host.
type turns struct {
	all chan struct{}

	mu    sync.Mutex
	hosts map[string]*hostTurns
}

// hostTurns are the turns of one host. users counts the fetches that run or wait.
type hostTurns struct {
	free  chan struct{}
	users int
}

func newTurns(n int) *turns {
	return &turns{all: make(chan struct{}, n), hosts: map[string]*hostTurns{}}
}

// take waits for a turn. A fetch that waits for its host takes no turn of others.
func (t *turns) take(ctx context.Context, host string) error {
	h := t.enter(host)
	select {
	case h.free <- struct{}{}:
	case <-ctx.Done():
		t.exit(host)
		return context.Cause(ctx)
	}
	select {
	case t.all <- struct{}{}:
		return nil
	case <-ctx.Done():
		<-h.free
		t.exit(host)
		return context.Cause(ctx)
	}
}

// release ends a turn.
func (t *turns) release(host string) {
	<-t.all
	t.mu.Lock()
	h := t.hosts[host]
	t.mu.Unlock()
	<-h.free
	t.exit(host)
}

func (t *turns) enter(host string) *hostTurns {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.hosts[host]
	if h == nil {
		h = &hostTurns{free: make(chan struct{}, perHost)}
		t.hosts[host] = h
	}
	h.users++
	return h
}

func (t *turns) exit(host string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.hosts[host]
	if h.users--; h.users == 0 {
		delete(t.hosts, host)
	}
}
