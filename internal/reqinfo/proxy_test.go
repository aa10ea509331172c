package reqinfo_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/reqinfo"
)

// proxies trusts 10.0.0.0/8, fd00::/8, fe80::/10 and, written as IPv4-mapped IPv6,
// 172.16.0.0/12.
func proxies(log *slog.Logger) *reqinfo.Proxies {
	var trusted []netip.Prefix
	for _, p := range []string{"10.0.0.0/8", "fd00::/8", "fe80::/10", "::ffff:172.16.0.0/108"} {
		trusted = append(trusted, netip.MustParsePrefix(p))
	}
	return reqinfo.NewProxies(trusted, log)
}

func request(from string, forwarded ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = from
	r.Header["X-Forwarded-For"] = forwarded
	return r
}

func TestAddress_FR_20(t *testing.T) {
	const proxy, client = "10.0.0.1:4711", "203.0.113.9"
	for _, tt := range []struct {
		name, from string
		forwarded  []string
		want       string
		unread     bool // the log has a warning
	}{
		{"no header", proxy, nil, "10.0.0.1", false},
		{"a blank header", proxy, []string{" \t"}, "10.0.0.1", false},
		{"IPv4", proxy, []string{"203.0.113.9"}, client, false},
		{"IPv4 with a port", proxy, []string{"203.0.113.9:51234"}, client, false},
		{"IPv6", proxy, []string{"2001:db8::1"}, "2001:db8::1", false},
		{"IPv6 in long form", proxy, []string{"2001:0DB8:0:0:0:0:0:1"}, "2001:db8::1", false},
		{"IPv6 in brackets", proxy, []string{"[2001:db8::1]"}, "2001:db8::1", false},
		{"IPv6 with a port", proxy, []string{"[2001:db8::1]:443"}, "2001:db8::1", false},
		{"IPv6 with a zone", proxy, []string{"2001:db8::1%eth0"}, "2001:db8::1", false},
		{"IPv6 with a zone and a port", proxy, []string{"[2001:db8::1%eth0]:443"}, "2001:db8::1", false},
		{"mapped", proxy, []string{"::ffff:203.0.113.9"}, client, false},
		{"mapped, in hexadecimal", proxy, []string{"::ffff:cb00:7109"}, client, false},
		{"mapped, with a port", proxy, []string{"[::ffff:203.0.113.9]:51234"}, client, false},
		{"mapped, with a zone", proxy, []string{"[::ffff:203.0.113.9%eth0]:51234"}, client, false},

		{"hops", proxy, []string{"203.0.113.9:1, 10.0.0.3:2,\t[fd00::1]:3 , fe80::2%eth0,::ffff:10.0.0.2"}, client, false},
		{"a mapped prefix", "172.16.0.1:1", []string{"203.0.113.9, 172.31.255.255"}, client, false},
		{"beside a mapped prefix", proxy, []string{"203.0.113.9, 172.32.0.0"}, "172.32.0.0", false},
		{"proxies only", proxy, []string{"10.0.0.3, 10.0.0.2:1"}, "10.0.0.3", false},
		{"header lines", proxy, []string{"198.51.100.1, 203.0.113.9:1", "10.0.0.2:2"}, client, false},
		{"a blank line before", proxy, []string{"", "203.0.113.9:1"}, client, false},

		{"the left part is the client's", proxy, []string{"198.51.100.1:1, 203.0.113.9:2"}, client, false},
		{"the left part is garbage", proxy, []string{"unknown,,\x00, 203.0.113.9"}, client, false},
		{"an untrusted proxy", "198.51.100.1:1", []string{"203.0.113.9:1"}, "198.51.100.1", false},
		{"an untrusted proxy that sends garbage", "198.51.100.1:1", []string{"unknown"}, "198.51.100.1", false},
		{"the proxy's own hop is garbage", proxy, []string{"203.0.113.9, unknown"}, "10.0.0.1", true},
		{"the proxy's own hop is blank", proxy, []string{"203.0.113.9, "}, "10.0.0.1", true},
		{"the proxy's own line is blank", proxy, []string{"203.0.113.9", ""}, "10.0.0.1", true},
		{"another proxy's hop is garbage", proxy, []string{"203.0.113.9, unix:, 10.0.0.2:80"}, "10.0.0.2", true},
		{"a host name", proxy, []string{"example.com:80"}, "10.0.0.1", true},
		{"a number too large", proxy, []string{"203.0.113.256"}, "10.0.0.1", true},
		{"a half of brackets", proxy, []string{"[2001:db8::1"}, "10.0.0.1", true},

		{"from a mapped proxy", "[::ffff:10.0.0.1]:4711", []string{"203.0.113.9:1"}, client, false},
		{"from a proxy with a zone", "[fe80::1%eth0]:4711", []string{"203.0.113.9:1"}, client, false},
		{"from a proxy without a port", "10.0.0.1", []string{"203.0.113.9:1"}, client, false},
		{"a mapped client", "[::ffff:203.0.113.9]:1", nil, client, false},
		{"a client with a zone", "[fe80::9%eth0]:1", nil, "fe80::9", false},
		{"a Unix socket", "@", []string{"203.0.113.9"}, "@", false},
		{"no address", "", []string{"203.0.113.9"}, "", false},
	} {
		var log bytes.Buffer
		if got := proxies(slog.New(slog.NewTextHandler(&log, nil))).Address(request(tt.from, tt.forwarded...)); got != tt.want {
			t.Errorf("%s: from %s with X-Forwarded-For %q the address is %q, want %q", tt.name, tt.from, tt.forwarded, got, tt.want)
		}
		if unread := strings.Contains(log.String(), "a trusted proxy sent an X-Forwarded-For that cannot be read"); unread != tt.unread {
			t.Errorf("%s: from %s with X-Forwarded-For %q: logged %t, want %t; log: %s", tt.name, tt.from, tt.forwarded, unread, tt.unread, &log)
		}
	}
}

func TestAddress_FR_20_UnreadIsLoggedOnceAndCut(t *testing.T) {
	var log bytes.Buffer
	p := proxies(slog.New(slog.NewTextHandler(&log, nil)))
	for range 3 {
		p.Address(request("10.0.0.1:1", strings.Repeat("é", 40_000)))
	}
	if text := log.String(); strings.Count(text, "\n") != 1 || len(text) > 500 || !strings.Contains(text, "proxy=10.0.0.1 ") {
		t.Errorf("three unreadable headers wrote %d bytes of log, want one short line that names the proxy: %.1000s", len(text), text)
	}
}

func TestAddress_FR_20_UnixSocketIsLoggedOnce(t *testing.T) {
	const notice = "a request has no IP address, as from a Unix socket"
	for _, tt := range []struct {
		from      string
		forwarded []string
		want      int
	}{
		{"@", []string{"203.0.113.9"}, 1},
		{"", []string{"203.0.113.9"}, 1},
		{"@/run/app.sock", []string{"203.0.113.9"}, 1},
		{"/run/nginx.sock", []string{"203.0.113.9"}, 1},
		{"@", nil, 1},
		{"", nil, 0}, // a request without a network, as in a test
		{"10.0.0.1:1", []string{"203.0.113.9"}, 0},
		{"203.0.113.9:0", []string{"203.0.113.9"}, 0},
		{"203.0.113.9", []string{"203.0.113.9"}, 0},
	} {
		var log bytes.Buffer
		logger := slog.New(slog.NewTextHandler(&log, nil))
		for name, p := range map[string]*reqinfo.Proxies{"some": proxies(logger), "no": reqinfo.NewProxies(nil, logger)} {
			log.Reset()
			for range 3 {
				p.Address(request(tt.from, tt.forwarded...))
			}
			if got := strings.Count(log.String(), notice); got != tt.want || tt.want == 1 && !strings.Contains(log.String(), "r.RemoteAddr") {
				t.Errorf("with %s proxies, from %q with X-Forwarded-For %q: %d warnings about a socket, want %d with the remedy: %s", name, tt.from, tt.forwarded, got, tt.want, &log)
			}
		}
	}
	var none *reqinfo.Proxies
	if got := none.Address(request("@", "203.0.113.9")); got != "@" {
		t.Errorf("without proxies the address of @ is %q, want @", got)
	}
}

// Text before the hop of a trusted proxy, which an attacker may send, does not
// change the address. The address is always that of the connection or of a hop.
func FuzzAddress(f *testing.F) {
	for _, hop := range []string{"203.0.113.9:51234", "[2001:db8::1]:443", "fe80::1%eth0", "::ffff:203.0.113.9", "unknown", "", ",", "[", "]:", "[]", "%", "10.0.0.2", "203.0.113.9, 10.0.0.2:1"} {
		f.Add("10.0.0.1:4711", "198.51.100.1", hop)
		f.Add(hop, hop, hop)
	}
	p := proxies(slog.New(slog.DiscardHandler))
	f.Fuzz(func(t *testing.T, from, left, hop string) {
		got := p.Address(request(from, hop))
		addr, err := netip.ParseAddr(got)
		switch {
		case err != nil && got != from:
			t.Fatalf("from %q with %q: %q is neither an address nor that of the connection", from, hop, got)
		case err == nil && got != from && (addr.Zone() != "" || addr.Is4In6()):
			t.Fatalf("from %q with %q: %q has a zone or is IPv4-mapped", from, hop, got)
		}
		behind := p.Address(request("10.0.0.1:1", left+", 203.0.113.9:1"))
		if behind != "203.0.113.9" {
			t.Fatalf("with %q before the hop of the proxy the address is %q, want no change", left, behind)
		}
		if unread := p.Address(request("10.0.0.1:1", left+", unknown")); unread != "10.0.0.1" {
			t.Fatalf("with %q before an unreadable hop the address is %q, want no change", left, unread)
		}
	})
}
