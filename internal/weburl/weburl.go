// Package weburl returns the spelling of a URL that browsers and HTTP clients use. A
// URL that is compared as a string must be configured in this spelling.
package weburl

import (
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"
	"unicode"
)

// DefaultPorts has the port of each web scheme, which browsers omit in a URL.
var DefaultPorts = map[string]string{"https": "443", "http": "80"}

// Canonical returns the spelling of an http or https URL with only scheme, host,
// port and path: lower case, Punycode, no default port, no dot after the host, the
// shortest form of an IPv6 address, and a clean path without a trailing slash (RFC
// 3986 §6.2, https://url.spec.whatwg.org/#host-parsing). It omits user, query and
// fragment. ok is false if the URL has no such spelling, or if a password in it
// could end at two places, so that the spelling could show a part of the password.
func Canonical(raw string) (spelling string, ok bool) {
	if i := strings.IndexAny(strings.Replace(raw, "://", ":  ", 1), "/?#"); strings.Count(raw, "@") > 1 || i >= 0 && strings.Contains(raw[i:], "@") {
		return "", false
	}
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Opaque != "" {
		return "", false
	}
	host, ok := Host(u.Hostname())
	if !ok {
		return "", false
	}
	if p := strings.TrimLeft(u.Port(), "0"); p != "" {
		if _, err := strconv.ParseUint(p, 10, 16); err != nil {
			return "", false
		}
		if p != DefaultPorts[u.Scheme] {
			host += ":" + p
		}
	} else if u.Port() != "" {
		return "", false
	}
	at := ""
	if u.Path != "" {
		at = strings.TrimSuffix(path.Clean(u.Path), "/")
	}
	return u.Scheme + "://" + host + (&url.URL{Path: at}).EscapedPath(), true
}

// Host returns the spelling of a host, which has no port and no brackets. ok is
// false if it has none, as a wrong address or a name that isn't a domain name.
func Host(host string) (spelling string, ok bool) {
	if strings.Contains(host, ":") {
		return ipv6(host)
	}
	// The other full stops of IDNA (RFC 3490 §3.1).
	host = strings.NewReplacer("\u3002", ".", "\uFF0E", ".", "\uFF61", ".").Replace(strings.ToLower(host))
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	for i, label := range labels {
		if labels[i], ok = asciiLabel(label); !ok {
			return "", false
		}
	}
	spelling = strings.Join(labels, ".")
	last := labels[len(labels)-1]
	if last[0] >= '0' && last[0] <= '9' { // browsers read an address of any form
		if _, err := netip.ParseAddr(spelling); err != nil {
			return "", false
		}
	}
	return spelling, true
}

// ipv6 returns an address in brackets, as browsers write it.
func ipv6(host string) (string, bool) {
	addr, err := netip.ParseAddr(host)
	if err != nil || addr.Zone() != "" {
		return "", false
	}
	if addr.Is4In6() {
		b := addr.As16()
		return fmt.Sprintf("[::ffff:%x:%x]", int(b[12])<<8|int(b[13]), int(b[14])<<8|int(b[15])), true
	}
	return "[" + addr.String() + "]", true
}

// asciiLabel returns a label of a domain name in Punycode, if necessary.
func asciiLabel(label string) (string, bool) {
	ascii := true
	for _, r := range label {
		switch {
		case r >= 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			ascii = false
		case 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-' || r == '_':
		default:
			return "", false // also a combining mark, because this package does not normalize
		}
	}
	if ascii {
		return label, label != ""
	}
	return punycode(label)
}
