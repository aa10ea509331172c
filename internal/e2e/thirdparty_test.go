package e2e_test

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"
)

// thirdParty is a client's web server. It records the authorization responses,
// and then redirects the browser to another site, as applications do.
type thirdParty struct {
	port      string
	mu        sync.Mutex
	responses []url.Values
}

func newThirdParty(t *testing.T, network, address string) *thirdParty {
	t.Helper()
	c := &thirdParty{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /callback", func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		c.responses = append(c.responses, r.URL.Query())
		c.mu.Unlock()
		// localhost is another origin and another site than the callback's.
		http.Redirect(w, r, "http://localhost:"+c.port+"/inside", http.StatusFound)
	})
	mux.HandleFunc("GET /inside", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `<!doctype html><link rel="icon" href="data:,"><title>Inside</title><p>You are in.`)
	})
	// Browsers request it at any time, and report an error if it is missing.
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	c.port = listenAndServe(t, network, address, mux)
	if network != "tcp4" { // for /inside, at any address of localhost
		l, err := net.Listen("tcp4", "127.0.0.1:"+c.port)
		if err != nil {
			t.Fatal(err)
		}
		serveOn(t, l, mux)
	}
	return c
}

// received returns the authorization responses so far.
func (c *thirdParty) received() []url.Values {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]url.Values(nil), c.responses...)
}

// listenAndServe serves until the test ends and returns the port.
func listenAndServe(t *testing.T, network, address string, handler http.Handler) (port string) {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, l, handler)
	_, port, err = net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func serveOn(t *testing.T, l net.Listener, handler http.Handler) {
	s := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.Serve(l) }() // ends with Close
	t.Cleanup(func() { s.Close() })
}

// newStayingSite returns the callback of a client whose response leaves the browser on
// the page before.
func newStayingSite(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/callback", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	return "http://" + clientHost + ":" + listenAndServe(t, "tcp4", "127.0.0.1:0", mux) + "/callback"
}
