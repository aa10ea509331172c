package e2e_test

import (
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A wire is a proxy between a node and its database that simulates network
// faults.
type wire struct {
	listener net.Listener
	server   string

	cutEvery atomic.Int64 // one of so many requests to the database breaks its connection; 0: none
	silent   atomic.Bool  // no data passes, and connections stay open
	cuts     atomic.Int64 // broken connections
	lost     atomic.Int64 // those whose request the database had executed

	mu    sync.Mutex
	conns map[net.Conn]bool
}

// newWire returns a wire and the URL of the database behind it.
func newWire(t *testing.T, databaseURL string) (*wire, string) {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal("the URL of the test server cannot be read")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: l, server: u.Host, conns: map[net.Conn]bool{}}
	t.Cleanup(func() {
		l.Close()
		w.breakAll()
	})
	go w.accept()
	u.Host = l.Addr().String()
	return w, u.String()
}

func (w *wire) accept() {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", w.server)
		if err != nil {
			client.Close()
			continue
		}
		w.mu.Lock()
		w.conns[client], w.conns[server] = true, true
		w.mu.Unlock()
		// deaf drops the database's response, to simulate a lost one.
		var deaf atomic.Bool
		go w.pipe(client, server, &deaf, true)
		go w.pipe(server, client, &deaf, false)
	}
}

// pipe forwards the data of one side.
func (w *wire) pipe(from, to net.Conn, deaf *atomic.Bool, toDatabase bool) {
	defer func() {
		from.Close()
		to.Close()
		w.mu.Lock()
		delete(w.conns, from)
		w.mu.Unlock()
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		for w.silent.Load() {
			time.Sleep(10 * time.Millisecond)
			if w.broken(from) {
				return // drops the data
			}
		}
		if deaf.Load() { // the database's response is lost
			w.lost.Add(1)
			return
		}
		if every := w.cutEvery.Load(); toDatabase && every > 0 && rand.Int64N(every) == 0 {
			w.cuts.Add(1)
			if rand.IntN(3) == 0 {
				return // the request is lost
			}
			deaf.Store(true)
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (w *wire) broken(c net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.conns[c]
}

// breakAll breaks every connection.
func (w *wire) breakAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		c.Close()
	}
	clear(w.conns)
}
