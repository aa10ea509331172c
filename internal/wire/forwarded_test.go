package wire_test

import (
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
)

// A server behind proxies finds the client's address, and uses no other header of a
// proxy: scheme, host and port are the issuer's.
func TestForwarded_FR_20_AddressSchemeAndPort(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) {
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	})
	c := s.Machine()
	document := s.Get("/.well-known/oauth-authorization-server").Body
	const proxy, stranger, client = "10.0.0.1:4711", "198.51.100.1:4711", "203.0.113.9"
	for _, tt := range []struct {
		name, from string
		header     []string
		want       string
		logged     string
	}{
		{"a port", proxy, []string{"X-Forwarded-For", client + ":51234"}, client, ""},
		{"an empty port", proxy, []string{"X-Forwarded-For", client + ":"}, client, ""},
		{"IPv6 in brackets with a port", proxy, []string{"X-Forwarded-For", "[2001:db8::1]:443"}, "2001:db8::1", ""},
		{"IPv4-mapped", proxy, []string{"X-Forwarded-For", "[::ffff:203.0.113.9]:443"}, client, ""},
		{"a zone", proxy, []string{"X-Forwarded-For", "fe80::9%eth0"}, "fe80::9", ""},
		{"several hops", proxy, []string{"X-Forwarded-For", "192.0.2.7, 203.0.113.9:1, [fd00::2]:2, 10.0.0.9:3"}, client, ""},
		{"two headers", proxy, []string{"X-Forwarded-For", "192.0.2.7, 203.0.113.9", "X-Forwarded-For", "10.0.0.9"}, client, ""},
		{"a proxy over IPv6", "[fd00::1]:4711", []string{"X-Forwarded-For", client}, client, ""},
		{"garbage", proxy, []string{"X-Forwarded-For", "_hidden"}, "10.0.0.1", "that cannot be read"},
		{"quotes", proxy, []string{"X-Forwarded-For", `"203.0.113.9"`}, "10.0.0.1", "that cannot be read"},
		{"two ports", proxy, []string{"X-Forwarded-For", client + ":1:2"}, "10.0.0.1", "that cannot be read"},
		{"a port alone", proxy, []string{"X-Forwarded-For", ":443"}, "10.0.0.1", "that cannot be read"},
		{"text after the brackets", proxy, []string{"X-Forwarded-For", "[2001:db8::1]x"}, "10.0.0.1", "that cannot be read"},
		{"none", proxy, nil, "10.0.0.1", ""},

		{"RFC 7239", proxy, []string{"Forwarded", `for="[2001:db8::1]:443";proto=http;host=evil.example`}, "10.0.0.1", "header=Forwarded"},
		{"X-Real-IP", proxy, []string{"X-Real-IP", client}, "10.0.0.1", "header=X-Real-Ip"},
		{"RFC 7239 beside it", proxy, []string{"Forwarded", "for=192.0.2.7", "X-Forwarded-For", client}, client, ""},

		{"a stranger", stranger, []string{"X-Forwarded-For", client}, "198.51.100.1", ""},
		{"a stranger with RFC 7239", stranger, []string{"Forwarded", "for=" + client}, "198.51.100.1", ""},
		{"a stranger with garbage", stranger, []string{"X-Forwarded-For", "_hidden"}, "198.51.100.1", ""},
		{"a stranger over IPv4-mapped IPv6", "[::ffff:198.51.100.1]:1", []string{"X-Forwarded-For", client}, "198.51.100.1", ""},
		{"a Unix socket", "@", []string{"X-Forwarded-For", client}, "@", "as from a Unix socket"},
	} {
		log := new(testkit.LockedBuffer)
		one := s.Restart(func(c *passport.Config) { c.Logger = testkit.TextLog(log) })
		header := append([]string{"X-Forwarded-Proto", "http", "X-Forwarded-Host", "evil.example", "X-Forwarded-Port", "8080", "X-Forwarded-Prefix", "/evil"}, tt.header...)
		r := one.FormRequest(c, "/oauth/token", "grant_type", "client_credentials")
		get := httptest.NewRequest("GET", testkit.Issuer+"/.well-known/oauth-authorization-server", nil)
		get.Host = "evil.example:8080"
		r.RemoteAddr, get.RemoteAddr = tt.from, tt.from
		for i := 0; i < len(header); i += 2 {
			r.Header.Add(header[i], header[i+1])
			get.Header.Add(header[i], header[i+1])
		}
		one.Do(r).Tokens()
		issued := testkit.EventsOf[passport.AccessTokenIssued](one)
		if got := issued[len(issued)-1].Address; got != tt.want {
			t.Errorf("%s: from %s with %q the address is %q, want %q", tt.name, tt.from, tt.header, got, tt.want)
		}
		if got := one.Do(get).Body; got != document {
			t.Errorf("%s: the headers of a proxy change the metadata: %s", tt.name, got)
		}
		if n := strings.Count(log.String(), "level=WARN"); n > 1 || (n == 1) != (tt.logged != "") || !strings.Contains(log.String(), tt.logged) {
			t.Errorf("%s: from %s with %q the log has %d warnings, want one with %q, or none if that is empty: %s", tt.name, tt.from, tt.header, n, tt.logged, log)
		}
	}
}
