package console_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-passport/passport/console"
)

// serving is an HTTP server of the binary with a handler of the test's.
type serving struct {
	address string
	stop    context.CancelFunc
	ended   chan error
}

func serve(t *testing.T, handler http.HandlerFunc) *serving {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &serving{l.Addr().String(), stop, make(chan error, 1)}
	go func() {
		s.ended <- console.ServeHTTP(ctx, l, handler, slog.New(slog.DiscardHandler), console.DefaultIdleTimeout)
	}()
	t.Cleanup(stop)
	return s
}

// awaitEnd fails the test if the server does not end by itself.
func (s *serving) awaitEnd(t *testing.T) {
	t.Helper()
	select {
	case err := <-s.ended:
		if err != nil {
			t.Errorf("the server ended with %v, want nil", err)
		}
	case <-time.After(15 * time.Second):
		t.Fatal("the server did not stop")
	}
}

// A refresh token that was rotated must reach its client, though the server is
// told to stop in the middle.
func TestServeHTTP_OP_04_FinishesWhatItAnswers(t *testing.T) {
	begun, goOn := make(chan struct{}), make(chan struct{})
	var canceled atomic.Bool
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		close(begun)
		<-goOn
		canceled.Store(r.Context().Err() != nil)
		_, _ = io.WriteString(w, "whole")
	})
	answers := make(chan string, 1)
	go func() {
		answer, err := http.Get("http://" + s.address)
		if err != nil {
			answers <- err.Error()
			return
		}
		defer answer.Body.Close()
		body, _ := io.ReadAll(answer.Body)
		answers <- string(body)
	}()
	<-begun
	s.stop()
	for range 200 { // until it takes no more
		c, err := net.Dial("tcp", s.address)
		if err != nil {
			break
		}
		c.Close()
		time.Sleep(10 * time.Millisecond)
	}
	if c, err := net.Dial("tcp", s.address); err == nil {
		c.Close()
		t.Error("a server that was told to stop takes new connections")
	}
	close(goOn)
	if got := <-answers; got != "whole" {
		t.Errorf("the client got %q, want the whole answer", got)
	}
	if canceled.Load() {
		t.Error("the request's context ended with the server: its writes would have been given up")
	}
	s.awaitEnd(t)
}

func TestServeHTTP_IdleConnectionsDoNotHoldItUp(t *testing.T) {
	s := serve(t, func(http.ResponseWriter, *http.Request) {})
	answer, err := http.Get("http://" + s.address) // and the connection is kept
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	begin := time.Now()
	s.stop()
	s.awaitEnd(t)
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("stopping took %v with one idle connection", took)
	}
}

func TestServeHTTP_BodyLimit(t *testing.T) {
	var got atomic.Int64
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		got.Store(n)
		if err != nil {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		}
	})
	answer, err := http.Post("http://"+s.address, "text/plain", bytes.NewReader(make([]byte, 10<<20)))
	if err == nil {
		answer.Body.Close()
		if answer.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("10 MB = %d, want 413", answer.StatusCode)
		}
	}
	if got.Load() > 1<<20 {
		t.Errorf("the handler could read %d bytes of a body, want at most 1 MB", got.Load())
	}
}

func TestServeHTTP_HeaderLimit(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	r, err := http.NewRequest(http.MethodGet, "http://"+s.address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+strings.Repeat("x", 1<<20))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return // it was cut off while it was sending, which will do
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a bearer token of 1 MB = %d, want 431", answer.StatusCode)
	}
}
