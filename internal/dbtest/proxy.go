package dbtest

import (
	"bytes"
	"context"
	"net"
	"net/url"
	"sync"
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
		go p.pipe(client, server, true)
		go p.pipe(server, client, false)
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
func (p *Proxy) pipe(from, to net.Conn, fromClient bool) {
	defer from.Close()
	defer to.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 && fromClient && p.cuts(buffer[:n]) {
			from.Close() // the response is lost
			_, _ = to.Write(buffer[:n])
			_, _ = to.Read(buffer[:1]) // the server has run it
			return
		}
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
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
