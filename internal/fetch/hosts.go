package fetch

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-passport/passport/internal/weburl"
)

// Hosts are hosts that an operator allows although they may have private addresses or
// no TLS. The zero value has none.
type Hosts struct{ names map[string]bool } // canonical, with or without a port

// ParseHosts reads a list of hosts, each with or without a port: app.internal,
// 10.0.0.7:8080, [fd00::7]:8080. A host without a port is allowed at every port. The
// error names each entry that is not a host.
func ParseHosts(list []string) (Hosts, error) {
	h := Hosts{map[string]bool{}}
	var faults []error
	for _, entry := range list {
		name, port, err := splitHost(entry)
		if err != nil {
			faults = append(faults, fmt.Errorf("%q is not an allowed host: %w", entry, err))
			continue
		}
		if port != "" {
			name += ":" + port
		}
		h.names[name] = true
	}
	return h, errors.Join(faults...)
}

var errHostForm = errors.New("want an exact host or host:port, such as app.internal or 10.0.0.7:8080, without a scheme, path or wildcard")

// splitHost returns the canonical host and the port of an entry.
func splitHost(entry string) (host, port string, err error) {
	host = entry
	if strings.Contains(entry, "/") { // a URL or a network
		return "", "", errHostForm
	}
	if _, err := netip.ParseAddr(entry); err != nil && strings.Contains(entry, ":") && !strings.HasSuffix(entry, "]") {
		if host, port, err = net.SplitHostPort(entry); err != nil {
			return "", "", errHostForm
		}
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return "", "", errors.New("want a port from 1 to 65535")
		}
		port = strconv.FormatUint(n, 10)
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		host = strings.TrimSuffix(inner, "]")
	}
	host, ok := weburl.Host(host)
	if !ok {
		return "", "", errHostForm
	}
	return host, port, nil
}

// allows reports whether a canonical host with a port is in the list.
func (h Hosts) allows(host, port string) bool { return h.names[host] || h.names[host+":"+port] }

// Has reports whether a URL is at a host of the list, in any spelling of the host.
func (h Hosts) Has(u *url.URL) bool {
	host, ok := weburl.Host(u.Hostname())
	return ok && h.allows(host, cmp.Or(u.Port(), weburl.DefaultPorts[u.Scheme]))
}

// parse checks a URL and returns it with the canonical spelling of its host, so that
// the host that was checked is the one in the TLS handshake and in the Host header.
func (h Hosts) parse(target string) (*url.URL, error) {
	if len(target) > maxURL {
		return nil, fmt.Errorf("%w: the URL is longer than %d bytes", ErrForbidden, maxURL)
	}
	u, err := url.Parse(target)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: the URL has a syntax error", ErrForbidden)
	case u.Scheme != "https" && u.Scheme != "http" || u.Opaque != "":
		return nil, fmt.Errorf("%w: the URL does not begin with https://", ErrForbidden)
	case u.User != nil || u.Fragment != "":
		return nil, fmt.Errorf("%w: the URL has user info or a fragment", ErrForbidden)
	}
	return h.canonical(u)
}

// canonical checks the host and the port of a URL.
func (h Hosts) canonical(u *url.URL) (*url.URL, error) {
	host, ok := weburl.Host(u.Hostname())
	if !ok {
		return nil, fmt.Errorf("%w: the host of the URL is neither a domain name nor an IP address in its usual form", ErrForbidden)
	}
	port := cmp.Or(u.Port(), weburl.DefaultPorts[u.Scheme])
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || strconv.FormatUint(n, 10) != port {
		return nil, fmt.Errorf("%w: the port of the URL is not a number from 1 to 65535", ErrForbidden)
	}
	if u.Scheme == "http" && !h.allows(host, port) {
		return nil, fmt.Errorf("%w: the URL of %s is not https, and the host is not an allowed host", ErrForbidden, host)
	}
	if u.Host = host; port != weburl.DefaultPorts[u.Scheme] {
		u.Host += ":" + port
	}
	return u, nil
}
