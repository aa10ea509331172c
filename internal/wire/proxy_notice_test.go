package wire_test

import (
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
)

// The log has one warning about a proxy that is not configured, and only about a
// nearby one: any remote client can send the header.
func TestTrustedProxies_LogsAnUnknownProxyOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		from, forwarded string
		trusted         string
		want            int
	}{
		"a proxy on this machine": {"127.0.0.1:4711", "203.0.113.9", "", 1},
		"one in the private net":  {"10.1.2.3:4711", "203.0.113.9", "", 1},
		"a configured proxy":      {"10.1.2.3:4711", "203.0.113.9", "10.0.0.0/8", 0},
		"one with a zone":         {"[fe80::1%eth0]:4711", "203.0.113.9", "", 1},
		"an IPv4-mapped address":  {"[::ffff:10.1.2.3]:4711", "203.0.113.9", "", 1},
		"a blank header":          {"10.1.2.3:4711", " ", "", 0},
		"a stranger":              {"203.0.113.9:4711", "10.0.0.1", "", 0},
		"no proxy":                {"127.0.0.1:4711", "", "", 0},
		"an invalid address":      {"@", "203.0.113.9", "", 0},
	} {
		s := testkit.NewServer(t, func(c *passport.Config) {
			if tt.trusted != "" {
				c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix(tt.trusted)}
			}
		})
		for range 3 {
			r := httptest.NewRequest("GET", testkit.Issuer+"/oauth/jwks", nil)
			r.RemoteAddr = tt.from
			if tt.forwarded != "" {
				r.Header.Set("X-Forwarded-For", tt.forwarded)
			}
			s.Do(r)
		}
		if got := strings.Count(s.Log.String(), "Config.TrustedProxies"); got != tt.want {
			t.Errorf("%s: the log has %d warnings about the proxy, want %d", name, got, tt.want)
		}
	}
}
