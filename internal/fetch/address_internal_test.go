package fetch

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/weburl"
)

func TestAddresses_BL_09_OnlyPublicOnes(t *testing.T) {
	for text, want := range map[string]struct{ public, private bool }{
		"8.8.8.8": {true, true}, "1.1.1.1": {true, true}, "2606:4700:4700::1111": {true, true}, "::ffff:8.8.8.8": {true, true}, "64:ff9b::808:808": {true, true},

		// Private networks and loopback: only for allowed hosts.
		"10.0.0.1": {false, true}, "172.16.0.1": {false, true}, "172.31.255.255": {false, true}, "192.168.1.1": {false, true}, "100.64.0.1": {false, true},
		"127.0.0.1": {false, true}, "127.255.255.254": {false, true}, "::1": {false, true}, "fd00::1": {false, true}, "fc00::1": {false, true},
		"::ffff:127.0.0.1": {false, true}, "::ffff:10.0.0.1": {false, true}, "64:ff9b::a00:1": {false, true}, "64:ff9b::7f00:1": {false, true},

		// Link-local addresses and metadata services: never by a name.
		"169.254.169.254": {}, "169.254.170.2": {}, "::ffff:169.254.169.254": {}, "64:ff9b::a9fe:a9fe": {}, "fe80::1": {}, "fe80::1%eth0": {}, "fe80::a9fe:a9fe": {},
		"fd00:ec2::254": {}, "fd20:ce::254": {}, "fd00:42::42": {}, "100.100.100.200": {}, "168.63.129.16": {}, "::ffff:168.63.129.16": {}, "192.0.0.192": {}, "64:ff9b::6464:64c8": {},

		// Not the address of a host.
		"0.0.0.0": {}, "0.0.0.1": {}, "::": {}, "::ffff:0.0.0.0": {}, "255.255.255.255": {}, "224.0.0.1": {}, "ff02::1": {}, "240.0.0.1": {},
		// Documentation, benchmarks, tunnels and translation.
		"192.0.2.1": {}, "198.51.100.1": {}, "203.0.113.1": {}, "198.18.0.1": {}, "2001:db8::1": {}, "3fff::1": {}, "2001::1": {}, "2002:7f00:1::": {}, "2002:a9fe:a9fe::": {},
		"64:ff9b:1::7f00:1": {}, "::127.0.0.1": {}, "::a9fe:a9fe": {}, "fec0::1": {}, "100::1": {}, "5f00::1": {},
	} {
		at := netip.MustParseAddr(text)
		if public(at) != want.public || private(at) != want.private {
			t.Errorf("%s: public = %v, want %v; permitted for an allowed host = %v, want %v", text, public(at), want.public, private(at), want.private)
		}
	}
}

// The URL that the client uses has the host that was checked.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"https://app.example.com/logout?x=1", "http://app.internal/", "https://user@host/", "https://0x7f.1/", "https://2130706433/", "https://[::1%25lo]/", "https://[::ffff:7f00:1]:443/",
		"https://a\\@b/", "https://a#@b/", "https://ａ.example/", "https://a.example.:443/", "https:a", "//a", "https://", "https://a:0/", "https://a:99999/", "http://APP.internal:080/",
	} {
		f.Add(text)
	}
	allowed, err := ParseHosts([]string{"app.internal"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := allowed.parse(text)
		if err != nil {
			return
		}
		host, ok := weburl.Host(u.Hostname())
		if !ok || host != strings.TrimSuffix(u.Host, ":"+u.Port()) || u.User != nil || u.Scheme == "http" && host != "app.internal" {
			t.Fatalf("parse(%q) = %q", text, u)
		}
		again, err := allowed.parse(u.String())
		if err != nil || again.Host != u.Host || again.Scheme != u.Scheme {
			t.Fatalf("parse(%q) = %q, whose parse is %v, %v", text, u, again, err)
		}
	})
}

func FuzzParseHosts(f *testing.F) {
	for _, text := range []string{"app.internal", "app.internal:8080", "10.0.0.7", "[fd00::7]:8080", "fd00::7", "[::1]", "*.internal", "http://a", "a:0", "a:", ":80", "", "10.0.0.0/8", "A.Example."} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		hosts, err := ParseHosts([]string{text})
		if err != nil {
			return
		}
		for name := range hosts.names {
			again, err := ParseHosts([]string{name})
			if err != nil || !again.names[name] {
				t.Fatalf("ParseHosts(%q) = %q, which ParseHosts reads as %v, %v", text, name, again, err)
			}
		}
	})
}
