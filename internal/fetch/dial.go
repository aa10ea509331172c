package fetch

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"code.dny.dev/ssrf"

	"github.com/go-passport/passport/internal/weburl"
)

// dialer connects to hosts whose addresses are permitted.
type dialer struct {
	allowed  Hosts
	resolver *net.Resolver
}

// dial connects to a host and port. The system calls control for each address, between
// the look-up and the connection.
func (d dialer) dial(ctx context.Context, network, hostport string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return nil, err
	}
	permitted := public
	if name, ok := weburl.Host(host); ok && d.allowed.allows(name, port) {
		permitted = private
		if literal, err := netip.ParseAddr(host); err == nil {
			permitted = func(at netip.Addr) bool { return at.Unmap() == literal.Unmap() }
		}
	}
	control := func(_ context.Context, _, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil || !permitted(at.Addr()) {
			return fmt.Errorf("%w: the host resolves to %s, which is not a public address, and it is not an allowed host", ErrForbidden, strings.TrimSuffix(address, ":"+port))
		}
		return nil
	}
	return (&net.Dialer{Resolver: d.resolver, ControlContext: control}).DialContext(ctx, network, hostport)
}

// Services of clouds that trust every caller on the machine, at addresses outside of
// the special-purpose blocks or in blocks that allowed hosts may use.
var metadataServices = []netip.Addr{
	netip.MustParseAddr("168.63.129.16"),   // Azure
	netip.MustParseAddr("100.100.100.200"), // Alibaba Cloud
	netip.MustParseAddr("fd00:ec2::254"),   // AWS
	netip.MustParseAddr("fd00:ec2::253"),   // AWS, DNS
	netip.MustParseAddr("fd20:ce::254"),    // Google Cloud
	netip.MustParseAddr("fd00:42::42"),     // Scaleway
}

// The guardians know the special-purpose registries of IANA.
var (
	outside = ssrf.New(ssrf.WithAnyPort())
	inside  = ssrf.New(ssrf.WithAnyPort(),
		ssrf.WithAllowedV4Prefixes(prefixes("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8")...),
		ssrf.WithAllowedV6Prefixes(prefixes("fc00::/7", "::1/128")...))
)

func prefixes(texts ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

// public reports whether an address is on the Internet.
func public(at netip.Addr) bool { return permits(outside, at) }

// private reports whether an address is on the Internet, in a private network, or on
// loopback. The name of an allowed host may not resolve to anything else: link-local
// addresses are not hosts of an application.
func private(at netip.Addr) bool { return permits(inside, at) }

func permits(g *ssrf.Guardian, at netip.Addr) bool {
	at = embedded(at)
	return !slices.Contains(metadataServices, at) && g.SafeAddr(at) == nil
}

// embedded returns the IPv4 address in an IPv4-mapped address or in an address of the
// well-known prefix of NAT64 (RFC 6052 §2.1), or else the address itself.
func embedded(at netip.Addr) netip.Addr {
	if ssrf.IPv6NAT64Prefix.Contains(at) {
		bytes := at.As16()
		return netip.AddrFrom4([4]byte(bytes[12:]))
	}
	return at.Unmap()
}
