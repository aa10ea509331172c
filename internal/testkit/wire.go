package testkit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
)

// Helpers for requests that arrive in parts, with a real http.Server. Over
// pipes it runs in a synctest bubble, so that a test does not have to wait for
// a timeout.

// pipes is a [net.Listener] of in-memory connections.
type pipes struct {
	accept chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accept:
		return c, nil
	case <-p.closed:
		return nil, errors.New("the listener is closed")
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// Dialer opens a connection to a server.
type Dialer func() net.Conn

// ServePipes serves a handler over in-memory connections. change may change the
// http.Server first.
func ServePipes(t *testing.T, h http.Handler, change ...func(*http.Server)) Dialer {
	t.Helper()
	l := &pipes{accept: make(chan net.Conn), closed: make(chan struct{})}
	srv := &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)}
	for _, f := range change {
		f(srv)
	}
	go func() { _ = srv.Serve(l) }()
	var all []net.Conn
	t.Cleanup(func() {
		for _, c := range all {
			c.Close()
		}
		srv.Close()
		synctest.Wait()
	})
	return func() net.Conn {
		ours, theirs := net.Pipe()
		all = append(all, ours)
		l.accept <- theirs
		return ours
	}
}

// ServeTCP serves a handler over the network.
func ServeTCP(t *testing.T, h http.Handler) Dialer {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	return func() net.Conn {
		c, err := net.Dial("tcp", u.Host)
		if err != nil {
			t.Fatalf("dial the server: %v", err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
}

// Wire returns the head and the body of a request as bytes to send.
func Wire(t *testing.T, r *http.Request) (head, body []byte) {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", r.Method, r.URL.RequestURI(), r.Host, len(body))
	_ = r.Header.Write(&b) // a bytes.Buffer returns no error
	b.WriteString("\r\n")
	return b.Bytes(), body
}

// Stalled sends the head of a request, calls meanwhile, and then sends the
// body.
func (dial Dialer) Stalled(t *testing.T, r *http.Request, meanwhile func()) *Response {
	t.Helper()
	head, body := Wire(t, r)
	c := dial()
	if _, err := c.Write(head); err != nil {
		t.Fatalf("send the head of the request: %v", err)
	}
	meanwhile()
	if _, err := c.Write(body); err != nil {
		t.Fatalf("send the body of the request: %v", err)
	}
	return ReadResponse(t, bufio.NewReader(c))
}

// ReadResponse reads a response from a connection.
func ReadResponse(t *testing.T, c *bufio.Reader) *Response {
	t.Helper()
	res, err := http.ReadResponse(c, nil)
	if err != nil {
		t.Fatalf("read the response: %v", err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("read the body of the response: %v", err)
	}
	if res.Close {
		res.Header.Set("Connection", "close") // http.ReadResponse removes it
	}
	return &Response{T: t, Status: res.StatusCode, Header: res.Header, Body: string(body)}
}
