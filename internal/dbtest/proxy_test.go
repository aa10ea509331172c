package dbtest_test

import (
	"bytes"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// proxy stands between a pool and its server, and fails as networks do.
type proxy struct {
	listener net.Listener
	server   string

	mu    sync.Mutex
	down  bool
	cutAt string // when a client sends this, the server gets it and the client no answer
	conns map[net.Conn]bool
}

// newProxy returns a proxy, and the URL under which the database is reached
// through it.
func newProxy(t *testing.T, databaseURL string) (*proxy, string) {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal("the URL of the test server cannot be read")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	p := &proxy{listener: listener, server: u.Host, conns: map[net.Conn]bool{}}
	t.Cleanup(func() {
		listener.Close()
		p.setDown(true)
	})
	go p.accept()
	u.Host = listener.Addr().String()
	return p, u.String()
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.server)
		if err != nil || !p.add(client, server) {
			client.Close()
			continue
		}
		go p.pipe(client, server, true)
		go p.pipe(server, client, false)
	}
}

func (p *proxy) add(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		p.conns[c] = true
	}
	return !p.down
}

// pipe passes on what one side sends.
func (p *proxy) pipe(from, to net.Conn, fromClient bool) {
	defer from.Close()
	defer to.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 && fromClient && p.cuts(buffer[:n]) {
			from.Close() // no answer gets through
			to.Write(buffer[:n])
			io.Copy(io.Discard, io.LimitReader(to, 1)) // and the server has done it
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

// cuts reports whether this is where the connection breaks, once.
func (p *proxy) cuts(sent []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cutAt == "" || !bytes.Contains(bytes.ToLower(sent), []byte(p.cutAt)) {
		return false
	}
	p.cutAt = ""
	return true
}

// cut has the connection break when a client sends this text.
func (p *proxy) cut(at string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cutAt = at
}

// setDown breaks all connections and lets no new one through, until it is
// lifted.
func (p *proxy) setDown(down bool) {
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
