package fetch_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/fetch"
)

// counting returns the port of a server on every loopback address, and the number of
// connections.
func counting(t *testing.T) (port string, connections *atomic.Int32) {
	t.Helper()
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	connections = new(atomic.Int32)
	server := &httptest.Server{Listener: l, Config: &http.Server{
		Handler:     http.NotFoundHandler(),
		ReadTimeout: time.Second,
		ConnState: func(_ net.Conn, s http.ConnState) {
			if s == http.StateNew {
				connections.Add(1)
			}
		},
	}}
	server.Start()
	t.Cleanup(server.Close)
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port, connections
}

func TestForbidden_BL_09_OddHosts(t *testing.T) {
	port, connections := counting(t)
	client := fetch.New(fetch.Config{Timeout: 2 * time.Second})
	for _, host := range []string{
		"127.0.0.1", "localhost", "LOCALHOST", "localhost.", "127.0.0.1.", "[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]",
		"127.1", "127.0.1", "0x7f.1", "0x7f000001", "0x7f.0x0.0x0.0x1", "2130706433", "017700000001", "0177.0.0.1", "0", "0.0.0.0", "[::]", "127.0.0.1%00.example.com", "①②⑦.⓪.⓪.①", "127。0。0。1",
		"[::1%25lo]", "[fe80::1%25lo]", "example.com@127.0.0.1", "user:pass@127.0.0.1", "127.0.0.1\\@example.com", "127.0.0.1#@example.com", "*", "a b", "", "a_", ".", "..", "-",
		"169.254.169.254", "[::ffff:a9fe:a9fe]", "[fd00:ec2::254]", "100.100.100.200", "168.63.129.16", "metadata.google.internal.", "192.168.0.1", "10.1.2.3", "[fd12::1]", "[2002:7f00:1::]",
	} {
		for _, scheme := range []string{"http", "https"} {
			_, err := client.PostForm(t.Context(), scheme+"://"+host+":"+port+"/", form)
			if err == nil {
				t.Errorf("PostForm() to the host %q with %s succeeds", host, scheme)
			} else if _, dns := errors.AsType[*net.DNSError](err); !errors.Is(err, fetch.ErrForbidden) && !dns {
				t.Errorf("PostForm() to the host %q with %s = %v, want ErrForbidden", host, scheme, err)
			}
		}
	}
	for _, target := range []string{
		"", "127.0.0.1", "//127.0.0.1/", "/logout", "ftp://example.com/", "file:///etc/passwd", "gopher://127.0.0.1/", "https:127.0.0.1", "https:///", "HTTP://example.com/", "http://example.com/", "https://example.com:0/",
		"https://example.com:65536/", "https://example.com:0443/", "https://example.com/#f", "https://example.com/\n", "javascript:alert(1)", "unix:///run/docker.sock",
	} {
		if _, err := client.GetJSON(t.Context(), target, 100); !errors.Is(err, fetch.ErrForbidden) {
			t.Errorf("GetJSON(%q) = %v, want ErrForbidden", target, err)
		}
	}
	if n := connections.Load(); n != 0 {
		t.Errorf("the server on loopback got %d connections, want none", n)
	}
}

func TestForbidden_BL_09_NamesOfPrivateAddresses(t *testing.T) {
	port, connections := counting(t)
	for _, addresses := range [][]string{
		{"127.0.0.1"}, {"::1"}, {"::ffff:127.0.0.1"}, {"169.254.169.254", "127.0.0.1"}, {"64:ff9b::7f00:1"}, {"127.0.0.1", "10.0.0.1", "::1"}, {"0.0.0.0"}, {"::"}, {"192.0.2.1", "127.0.0.1"},
	} {
		names, _ := resolver(t, func(int) []string { return addresses })
		client := fetch.New(fetch.Config{Resolver: names, Timeout: 2 * time.Second})
		if _, err := client.PostForm(t.Context(), "https://rebind.example:"+port+"/", form); !errors.Is(err, fetch.ErrForbidden) {
			t.Errorf("PostForm() to a name with the addresses %v = %v, want ErrForbidden", addresses, err)
		}
	}
	if n := connections.Load(); n != 0 {
		t.Errorf("the server on loopback got %d connections, want none", n)
	}
}

// The client connects to the address that it checked: it resolves the name once.
func TestForbidden_BL_09_Rebinding(t *testing.T) {
	port, connections := counting(t)
	const metadata = "169.254.169.254"
	names, lookups := resolver(t, func(lookup int) []string {
		if lookup%2 == 1 {
			return []string{metadata}
		}
		return []string{"127.0.0.1"}
	})
	client := fetch.New(fetch.Config{Allowed: allowed(t, "rebind.example"), Resolver: names, Timeout: 2 * time.Second})
	for i := range 6 {
		_, err := client.PostForm(t.Context(), "http://rebind.example:"+port+"/", form)
		if forbidden := i%2 == 1; errors.Is(err, fetch.ErrForbidden) != forbidden || !forbidden && err != nil {
			t.Errorf("fetch %d = %v, want ErrForbidden: %v", i, err, forbidden)
		}
		if n := lookups.Load(); int(n) != i+1 {
			t.Errorf("the client looked the name up %d times for %d fetches, want once for each", n, i+1)
		}
	}
	if n := connections.Load(); n != 3 {
		t.Errorf("the server got %d connections, want 3", n)
	}
}

// The name of an allowed host may resolve to a private address, but not to a metadata
// service or a link-local address.
func TestAllowed_BL_09(t *testing.T) {
	port, _ := counting(t)
	for _, c := range []struct {
		allowed []string
		target  string
		ok      bool
	}{
		{[]string{"app.internal"}, "http://app.internal:" + port, true},
		{[]string{"APP.Internal."}, "http://app.INTERNAL.:" + port, true},
		{[]string{"app.internal:" + port}, "http://app.internal:" + port, true},
		{[]string{"app.internal:1"}, "http://app.internal:" + port, false},
		{[]string{"app.internal:1"}, "https://app.internal:" + port, false},
		{[]string{"app.internal"}, "http://other.internal:" + port, false},
		{[]string{"app.internal"}, "http://x.app.internal:" + port, false},
		{[]string{"internal"}, "http://app.internal:" + port, false},
		{[]string{"127.0.0.1"}, "http://127.0.0.1:" + port, true},
		{[]string{"127.0.0.1"}, "http://app.internal:" + port, false},
		{[]string{"127.0.0.1"}, "http://127.0.0.2:" + port, false},
		{[]string{"127.0.0.1"}, "http://[::ffff:127.0.0.1]:" + port, false},
		{[]string{"127.0.0.1"}, "http://2130706433:" + port, false},
		{[]string{"[::1]:" + port}, "http://[::1]:" + port, true},
		{[]string{"::1"}, "http://[0:0:0:0:0:0:0:1]:" + port, true},
		{[]string{"app.internal", "127.0.0.1"}, "http://user@127.0.0.1:" + port, false},
	} {
		names, _ := resolver(t, func(int) []string { return []string{"127.0.0.1"} })
		client := fetch.New(fetch.Config{Allowed: allowed(t, c.allowed...), Resolver: names, Timeout: 2 * time.Second})
		_, err := client.PostForm(t.Context(), c.target, form)
		if c.ok && err != nil || !c.ok && !errors.Is(err, fetch.ErrForbidden) {
			t.Errorf("PostForm(%s) with the allowed hosts %v = %v, want success: %v", c.target, c.allowed, err, c.ok)
		}
	}
	for _, address := range []string{"169.254.169.254", "fe80::1", "fd00:ec2::254", "100.100.100.200", "0.0.0.0"} {
		names, _ := resolver(t, func(int) []string { return []string{address} })
		client := fetch.New(fetch.Config{Allowed: allowed(t, "app.internal"), Resolver: names, Timeout: 2 * time.Second})
		if _, err := client.PostForm(t.Context(), "http://app.internal:"+port, form); !errors.Is(err, fetch.ErrForbidden) {
			t.Errorf("PostForm() to an allowed host with the address %s = %v, want ErrForbidden", address, err)
		}
	}
}

func TestParseHosts(t *testing.T) {
	for _, entry := range []string{
		"", " ", "*", "*.internal", ".internal", "http://app.internal", "app.internal/", "app.internal/path", "app.internal:", ":80", "app.internal:0", "app.internal:65536", "app.internal:http", "10.0.0.0/8",
		"user@app.internal", "[::1", "::1]:80", "[::1]:", "[::1]x", "app.internal:80:80", "0x7f.1", "127.1", "a b", "app.internal?x", "[fe80::1%eth0]:80", "app..internal",
	} {
		if _, err := fetch.ParseHosts([]string{"good.internal", entry}); err == nil {
			t.Errorf("ParseHosts(%q) succeeds", entry)
		}
	}
}

func TestTLS_BL_09_IsVerified(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ErrorLog = quiet()
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	names, _ := resolver(t, func(int) []string { return []string{"127.0.0.1"} })
	hosts := allowed(t, "example.com", "other.example", "127.0.0.1") // the certificate is for example.com and 127.0.0.1
	for _, c := range []struct {
		host  string
		roots *x509.CertPool
		ok    bool
	}{{"example.com", roots, true}, {"127.0.0.1", roots, true}, {"example.com", nil, false}, {"other.example", roots, false}} {
		client := fetch.New(fetch.Config{Allowed: hosts, RootCAs: c.roots, Resolver: names})
		if _, err := client.PostForm(t.Context(), "https://"+c.host+":"+portOf(server), form); (err == nil) != c.ok {
			t.Errorf("PostForm() to %s, with the right root: %v, = %v, want success: %v", c.host, c.roots != nil, err, c.ok)
		}
	}

	old := httptest.NewUnstartedServer(http.NotFoundHandler())
	old.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	old.Config.ErrorLog = quiet()
	old.StartTLS()
	t.Cleanup(old.Close)
	client := fetch.New(fetch.Config{Allowed: hosts, RootCAs: roots, Resolver: names})
	if _, err := client.PostForm(t.Context(), "https://example.com:"+portOf(old), form); err == nil {
		t.Error("PostForm() to a server with TLS 1.1 succeeds")
	}
}
