package reqinfo

import (
	"crypto/rand"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
)

// Proxies are the trusted proxies of a server. A nil *Proxies trusts none.
type Proxies struct {
	trusted []netip.Prefix
	log     *slog.Logger
	noticed sync.Once
	other   sync.Once
	socket  sync.Once
}

// NewProxies returns the proxies in trusted. It logs the first unreadable
// X-Forwarded-For that a trusted proxy sends.
func NewProxies(trusted []netip.Prefix, log *slog.Logger) *Proxies {
	p := &Proxies{trusted: slices.Clone(trusted), log: log}
	for i, prefix := range p.trusted {
		p.trusted[i] = unmapped(prefix)
	}
	return p
}

// unmapped converts a prefix such as ::ffff:10.0.0.0/104 to its IPv4 form. It
// returns other prefixes unchanged.
func unmapped(p netip.Prefix) netip.Prefix {
	const mapping = 96 // bits of ::ffff:0:0/96
	if !p.Addr().Is4In6() || p.Bits() < mapping {
		return p
	}
	return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mapping)
}

// Attach returns r with an ID and an address. It keeps existing values; otherwise
// it sets a new ID and [Proxies.Address]. The response gets the ID as X-Request-Id.
func (p *Proxies) Attach(w http.ResponseWriter, r *http.Request) *http.Request {
	info := From(r.Context())
	if info.ID != "" && info.Address != "" {
		return r
	}
	if info.ID == "" {
		info.ID = rand.Text()
		w.Header().Set("X-Request-Id", info.ID)
	}
	if info.Address == "" {
		info.Address = p.Address(r)
	}
	return r.WithContext(With(r.Context(), info))
}

// Address returns the address of the client that sent r, without port and zone. It
// converts an IPv4-mapped IPv6 address to IPv4.
//
// It reads X-Forwarded-For from the right, and only the part that trusted proxies
// wrote: the first address that is not a trusted proxy's is the client's. An
// unreadable or empty hop ends the search, because an attacker may have written the
// part to its left. The result is then the address of the proxy that wrote the hop.
func (p *Proxies) Address(r *http.Request) string {
	addr, ok := parse(r.RemoteAddr)
	if !ok {
		p.noticeSocket(r)
		return r.RemoteAddr // a Unix socket, or set by a middleware
	}
	if !p.trusts(addr) {
		return text(addr, r.RemoteAddr)
	}
	if !Forwarded(r) {
		p.noticeOther(r, addr)
		return text(addr, r.RemoteAddr)
	}
	for hop := range hops(r) {
		next, ok := parse(hop)
		if !ok {
			p.notice(r, addr, hop)
			break
		}
		if addr = next; !p.trusts(addr) {
			break
		}
	}
	return addr.String()
}

// Forwarded reports whether r has a non-blank X-Forwarded-For.
func Forwarded(r *http.Request) bool {
	for hop := range hops(r) {
		if hop != "" {
			return true
		}
	}
	return false
}

// hops yields the elements of X-Forwarded-For from the right, beginning with the
// last header line.
func hops(r *http.Request) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, line := range slices.Backward(r.Header.Values("X-Forwarded-For")) {
			for more := true; more; {
				comma := strings.LastIndexByte(line, ',')
				if !yield(strings.TrimSpace(line[comma+1:])) {
					return
				}
				if more = comma >= 0; more {
					line = line[:comma]
				}
			}
		}
	}
}

// text returns addr as a string. If from, which has a port, begins with the same
// string, text returns that part of it, so that most requests allocate nothing.
func text(addr netip.Addr, from string) string {
	var buf [64]byte
	s := addr.AppendTo(buf[:0])
	if len(s) <= len(from) && string(s) == from[:len(s)] {
		return from[:len(s)]
	}
	return string(s)
}

func (p *Proxies) trusts(addr netip.Addr) bool {
	return p != nil && slices.ContainsFunc(p.trusted, func(prefix netip.Prefix) bool { return prefix.Contains(addr) })
}

func (p *Proxies) notice(r *http.Request, proxy netip.Addr, hop string) {
	const limit = 64
	if len(hop) > limit {
		hop = hop[:limit] + "…"
	}
	p.noticed.Do(func() {
		p.log.WarnContext(r.Context(), "a trusted proxy sent an X-Forwarded-For that cannot be read: limits and logs use the proxy's address as the client's",
			"proxy", proxy.String(), "value", strings.ToValidUTF8(hop, ""))
	})
}

// otherHeaders are headers with the client's address that other servers read.
// Forwarded is RFC 7239.
var otherHeaders = []string{"Forwarded", "X-Real-Ip"}

// noticeOther warns once about a trusted proxy that sends the client's address only
// in a header that this server does not read. All users would share the proxy's
// address.
func (p *Proxies) noticeOther(r *http.Request, proxy netip.Addr) {
	for _, name := range otherHeaders {
		if len(r.Header[name]) > 0 {
			p.other.Do(func() {
				p.log.WarnContext(r.Context(), "a trusted proxy sends no X-Forwarded-For, which is the only header that is read: configure it to send one, or limits and logs use the proxy's address as the client's",
					"proxy", proxy.String(), "header", name)
			})
			return
		}
	}
}

// noticeSocket warns once about a peer without an IP address, as behind a Unix
// socket. No setting can name such a peer. Only the operator knows that the socket is
// the proxy's, so the header alone proves nothing.
func (p *Proxies) noticeSocket(r *http.Request) {
	if p == nil || !Forwarded(r) && !strings.HasPrefix(r.RemoteAddr, "@") {
		return
	}
	p.socket.Do(func() {
		p.log.WarnContext(r.Context(), "a request has no IP address, as from a Unix socket, so its X-Forwarded-For is ignored and no limit counts by address: "+
			"in a middleware before the server, set r.RemoteAddr to the client's address, or to an address in TrustedProxies")
	})
}

// parse reads an IP address with or without a port: 203.0.113.9, 203.0.113.9:51234,
// 2001:db8::1, [2001:db8::1] or [2001:db8::1]:443. It drops port and zone, and
// converts an IPv4-mapped address to IPv4.
func parse(s string) (addr netip.Addr, ok bool) {
	host, _, err := net.SplitHostPort(s)
	if err != nil {
		host = s
		if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
			host = s[1 : len(s)-1]
		}
	}
	host, _, _ = strings.Cut(host, "%")
	addr, err = netip.ParseAddr(host)
	return addr.Unmap(), err == nil
}
