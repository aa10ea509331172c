package dbtest

import (
	"bytes"
	"context"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
)

// Proxy sits between a pool and its server, and fails like a network.
type Proxy struct {
	listener net.Listener
	server   string

	mu    sync.Mutex
	down  bool
	cutAt string // a statement with this text reaches the server, but its response is lost
	conns map[net.Conn]bool
}

// NewProxy returns a proxy, and the URL of the database through it.
func NewProxy(t *testing.T, databaseURL string) (*Proxy, string) {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal("the URL of the test server is not valid")
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: listener, server: u.Host, conns: map[net.Conn]bool{}}
	t.Cleanup(func() {
		listener.Close()
		p.SetDown(true)
	})
	go p.accept(t.Context())
	u.Host = listener.Addr().String()
	return p, u.String()
}

func (p *Proxy) accept(ctx context.Context) {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := (&net.Dialer{}).DialContext(ctx, "tcp", p.server)
		if err != nil || !p.add(client, server) {
			client.Close()
			continue
		}
		l := &link{ended: make(chan struct{})}
		go p.requests(l, client, server)
		go p.responses(l, client, server)
	}
}

func (p *Proxy) add(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		p.conns[c] = true
	}
	return !p.down
}

// pipe forwards the bytes of one side.
// link is a client's connection and the proxy's connection to the server.
type link struct {
	cut   atomic.Bool   // no response reaches the client
	ended chan struct{} // closed once no response is read
}

// requests passes on what the client sends.
func (p *Proxy) requests(l *link, client, server net.Conn) {
	defer client.Close()
	defer server.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		cut := n > 0 && p.cuts(buffer[:n])
		if cut {
			l.cut.Store(true)
		}
		if n > 0 {
			if _, err := server.Write(buffer[:n]); err != nil {
				return
			}
		}
		if cut {
			// The client's connection ends after the server has done its work: pgx
			// asks the server to cancel it when a connection ends.
			<-l.ended
			return
		}
		if err != nil {
			return
		}
	}
}

// responses passes on what the server sends.
func (p *Proxy) responses(l *link, client, server net.Conn) {
	defer close(l.ended)
	defer client.Close()
	defer server.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := server.Read(buffer)
		if n > 0 {
			if l.cut.Load() {
				return
			}
			if _, err := client.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// cuts reports whether the connection breaks here. It does so once.
func (p *Proxy) cuts(sent []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cutAt == "" || !bytes.Contains(bytes.ToLower(sent), []byte(p.cutAt)) {
		return false
	}
	p.cutAt = ""
	return true
}

// Cut makes the connection break when a client sends this text. The server gets the
// text, and the client gets no response.
func (p *Proxy) Cut(at string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cutAt = at
}

// SetDown breaks all connections and refuses new ones until it is called with false.
func (p *Proxy) SetDown(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
	if down {
		for c := range p.conns {
			c.Close()
		}
		clear(p.conns)
	}
}
