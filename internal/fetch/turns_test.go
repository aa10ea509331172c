package fetch_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/fetch"
)

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

func TestTurns_BoundConcurrentFetches(t *testing.T) {
	var current, peak atomic.Int32
	var mu sync.Mutex
	hosts := map[string]int{}
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		hosts[r.Host]++
		if hosts[r.Host] > 4 {
			t.Errorf("the host %s has %d concurrent fetches, want at most 4", r.Host, hosts[r.Host])
		}
		mu.Unlock()
		peak.Store(max(peak.Load(), current.Add(1)))
		time.Sleep(5 * time.Millisecond)
		current.Add(-1)
		mu.Lock()
		hosts[r.Host]--
		mu.Unlock()
	})
	names, _ := resolver(t, func(int) []string { return []string{"127.0.0.1"} })
	client := fetch.New(fetch.Config{Allowed: allowed(t, "a.internal", "b.internal", "c.internal"), Resolver: names, Concurrent: 6})
	var all sync.WaitGroup
	for i := range 60 {
		all.Go(func() {
			if _, err := client.PostForm(t.Context(), "http://"+string(rune('a'+i%3))+".internal:"+portOf(server), form); err != nil {
				t.Errorf("PostForm() = %v", err)
			}
		})
	}
	all.Wait()
	if n := peak.Load(); n > 6 || n < 2 {
		t.Errorf("at most %d fetches were concurrent, want 6", n)
	}
}

// A slow host takes only a part of the turns.
func TestTurns_BL_10_SlowHostDelaysNoOther(t *testing.T) {
	var waiting atomic.Int32
	slow := serve(t, func(_ http.ResponseWriter, r *http.Request) { waiting.Add(1); <-r.Context().Done() })
	fast := serve(t, func(http.ResponseWriter, *http.Request) {})
	names, _ := resolver(t, func(int) []string { return []string{"127.0.0.1"} })
	client := fetch.New(fetch.Config{Allowed: allowed(t, "slow.internal", "fast.internal"), Resolver: names})
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	for range 40 {
		all.Go(func() {
			if _, err := client.PostForm(ctx, "http://slow.internal:"+portOf(slow), form); err == nil {
				t.Error("PostForm() to the slow host succeeds")
			}
		})
	}
	for waiting.Load() < 4 {
		time.Sleep(time.Millisecond)
	}
	start := time.Now()
	if _, err := client.PostForm(t.Context(), "http://fast.internal:"+portOf(fast), form); err != nil || time.Since(start) > 2*time.Second {
		t.Errorf("PostForm() to the fast host = %v after %v, want success at once", err, time.Since(start))
	}
	// A fetch that waits for its turn ends with its context.
	short, stop := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer stop()
	if _, err := client.PostForm(short, "http://slow.internal:"+portOf(slow), form); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("PostForm() that waits for its turn = %v, want the end of its context", err)
	}
}
