package lastused_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport/internal/lastused"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// written is a store that remembers what was written, and may fail.
type written struct {
	mu    sync.Mutex
	fail  error
	calls int
	uses  []oauth.Use
	slow  time.Duration // of each call
}

func (w *written) SaveUses(_ context.Context, uses []oauth.Use) error {
	time.Sleep(w.slow)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	if w.fail == nil {
		w.uses = append(w.uses, uses...)
	}
	return w.fail
}

// take returns what was written since the last call.
func (w *written) take() []oauth.Use {
	w.mu.Lock()
	defer w.mu.Unlock()
	uses := w.uses
	w.uses = nil
	return uses
}

func notes(t *testing.T, timeOnly bool) (*lastused.Uses, *written, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	store := new(written)
	u := lastused.New(store, timeOnly, slog.New(slog.NewTextHandler(&log, nil)))
	u.Begin()
	return u, store, &log
}

func flush(t *testing.T, u *lastused.Uses) {
	t.Helper()
	if err := u.Flush(t.Context()); err != nil {
		t.Errorf("Flush() = %v, want nil", err)
	}
}

// from returns a request from an address.
func from(address, agent string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("User-Agent", agent)
	return r.WithContext(reqinfo.With(r.Context(), reqinfo.Info{Address: address}))
}

func TestNote_PA_2_OnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, store, _ := notes(t, false)
		f := &oauth.Family{ID: "f"}
		for second := range 150 { // at second 0, 60 and 120
			u.Note(f, from(fmt.Sprint("192.0.2.", second), "curl/8.5.0"))
			if second%10 == 0 {
				flush(t, u)
			}
			time.Sleep(time.Second)
		}
		uses := store.take()
		if len(uses) != 3 || uses[1].Address != "192.0.2.60" || uses[1].At.Sub(uses[0].At) != time.Minute {
			t.Errorf("two and a half minutes of uses wrote %+v, want one a minute", uses)
		}
		if store.calls != 3 {
			t.Errorf("SaveUses was called %d times, want 3: a flush without news must not call it", store.calls)
		}
	})
}

func TestNote_PA_4_WhatIsKept(t *testing.T) {
	for name, tt := range map[string]struct {
		timeOnly       bool
		r              *http.Request
		address, agent string
	}{
		"IPv4":                   {false, from("192.0.2.1", "curl/8.5.0"), "192.0.2.1", "curl/8.5.0"},
		"IPv6":                   {false, from("2001:db8::1", "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"), "2001:db8::1", "Firefox on Linux"},
		"a zone":                 {false, from("fe80::1%"+strings.Repeat("z", 1000), ""), "fe80::1", ""},
		"a Unix socket":          {false, from("@", "x"), "", "x"},
		"a long text":            {false, from(strings.Repeat("1", 10_000), strings.Repeat("x", 10_000)), "", strings.Repeat("x", oauth.MaxAgent)},
		"a hostile text":         {false, from("<b>", "<script>\x1b[2J"), "", ""},
		"an API's introspection": {false, nil, "", ""},
		"the time only":          {true, from("192.0.2.1", "curl/8.5.0"), "", ""},
	} {
		u, store, _ := notes(t, tt.timeOnly)
		u.Note(&oauth.Family{ID: "f"}, tt.r)
		flush(t, u)
		if uses := store.take(); len(uses) != 1 || uses[0].Address != tt.address || uses[0].Agent != tt.agent || uses[0].At.IsZero() {
			t.Errorf("%s: wrote %+v, want the address %q and the agent %q", name, uses, tt.address, tt.agent)
		}
	}
}

// Nothing is noted if nothing would write it, and for tokens that are not stored.
func TestNote_PA_2_NothingToWrite(t *testing.T) {
	u, store, _ := notes(t, false)
	u.Note(nil, from("192.0.2.1", ""))
	u.Note(new(oauth.Family), from("192.0.2.1", "")) // of the cookie for the application's scripts
	u.End()
	u.Note(&oauth.Family{ID: "f"}, from("192.0.2.1", ""))
	flush(t, u)
	if uses := store.take(); len(uses) > 0 {
		t.Errorf("wrote %+v, want nothing", uses)
	}
	none := lastused.New(nil, false, slog.Default()) // of a store that keeps none
	none.Begin()
	none.Note(&oauth.Family{ID: "f"}, from("192.0.2.1", ""))
	flush(t, none)
	none.End()
}

// A full map drops new families, and says so once for each flush.
func TestNote_PA_2_Bounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, store, log := notes(t, true)
		const used, most = 50_000, 16_384
		for i := range used {
			u.Note(&oauth.Family{ID: fmt.Sprint(i)}, nil)
		}
		flush(t, u)
		if n := len(store.take()); n > most || n < most*9/10 {
			t.Errorf("%d of %d families were written, want at most %d and almost as many", n, used, most)
		}
		if n := strings.Count(log.String(), "too many tokens were used in one minute"); n != 1 {
			t.Errorf("the log has %d lines about it, want 1:\n%s", n, log)
		}
		time.Sleep(time.Minute)
		flush(t, u) // forgets what was written
		u.Note(&oauth.Family{ID: "new"}, nil)
		flush(t, u)
		if uses := store.take(); len(uses) != 1 || uses[0].FamilyID != "new" {
			t.Errorf("a minute later %+v is written, want the new family", uses)
		}
		if n := strings.Count(log.String(), "\n"); n != 1 {
			t.Errorf("the log has %d lines, want 1:\n%s", n, log)
		}
	})
}

// What a failed flush could not write is written later, with the newest time.
func TestFlush_PA_2_AfterAFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, store, _ := notes(t, false)
		store.fail = errors.New("unreachable")
		u.Note(&oauth.Family{ID: "old"}, from("192.0.2.1", ""))
		time.Sleep(29 * time.Minute)
		u.Note(&oauth.Family{ID: "f"}, from("192.0.2.1", ""))
		for range 2 {
			if err := u.Flush(t.Context()); !errors.Is(err, store.fail) {
				t.Errorf("Flush() = %v, want the error of the store", err)
			}
			time.Sleep(time.Minute)
			u.Note(&oauth.Family{ID: "f"}, from("192.0.2.2", ""))
		}
		store.fail = nil
		flush(t, u)
		uses := store.take()
		if len(uses) != 1 || uses[0].FamilyID != "f" || uses[0].Address != "192.0.2.2" || time.Since(uses[0].At) != 0 {
			t.Errorf("after the fault %+v is written, want the last use of f; the other has waited too long", uses)
		}
		flush(t, u)
		if again := store.take(); len(again) > 0 {
			t.Errorf("%+v is written again", again)
		}
	})
}

// A use that is noted while Flush writes an older one is written by the next Flush.
func TestFlush_PA_2_UsesMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, store, _ := notes(t, true)
		f := &oauth.Family{ID: "f"}
		u.Note(f, nil)
		time.Sleep(time.Minute)
		store.slow = 2 * time.Second
		done := make(chan struct{})
		go func() {
			flush(t, u)
			close(done)
		}()
		time.Sleep(time.Second)
		u.Note(f, nil)
		<-done
		store.slow = 0
		flush(t, u)
		if uses := store.take(); len(uses) != 2 || time.Since(uses[1].At) != time.Second {
			t.Errorf("wrote %+v, want both uses", uses)
		}
	})
}

func TestNote_PA_2_AtOnce(t *testing.T) {
	u, store, _ := notes(t, false)
	const families = 100
	var wg sync.WaitGroup
	for worker := range 64 {
		wg.Go(func() {
			for i := range 10 * families {
				u.Note(&oauth.Family{ID: fmt.Sprint((i + worker) % families)}, from("192.0.2.1", "curl/8.5.0"))
			}
		})
	}
	for range 20 {
		flush(t, u)
	}
	wg.Wait()
	flush(t, u)
	seen := map[string]int{}
	for _, use := range store.take() {
		seen[use.FamilyID]++
	}
	if len(seen) != families {
		t.Errorf("%d families were written, want %d", len(seen), families)
	}
	for id, n := range seen {
		if n > 2 { // goroutines that note the first use at once
			t.Errorf("family %s was written %d times in a minute", id, n)
		}
	}
}

// The use of a token that was noted in this minute allocates nothing.
func TestNote_PA_2_Allocations(t *testing.T) {
	u, _, _ := notes(t, false)
	f, r := &oauth.Family{ID: "0199d0c8-6f6e-7c8e-8000-000000000000"}, from("192.0.2.1", "curl/8.5.0")
	u.Note(f, r)
	if n := testing.AllocsPerRun(1000, func() { u.Note(f, r) }); n > 0 {
		t.Errorf("Note() allocates %v times, want 0", n)
	}
}

func BenchmarkNote(b *testing.B) {
	u := lastused.New(new(memstore.Store), false, slog.New(slog.DiscardHandler))
	u.Begin()
	r := from("192.0.2.1", "curl/8.5.0")
	for name, n := range map[string]int{"one token": 1, "1000 tokens": 1000} {
		families := make([]*oauth.Family, n)
		for i := range families {
			families[i] = &oauth.Family{ID: fmt.Sprintf("0199d0c8-6f6e-7c8e-8000-%012d", i)}
		}
		b.Run(name, func(b *testing.B) {
			b.SetParallelism(32) // 64 connections on two cores
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					u.Note(families[i%n], r)
				}
			})
		})
	}
}
