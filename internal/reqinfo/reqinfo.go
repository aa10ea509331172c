// Package reqinfo carries what the log and the audit log say of a request: its
// ID and the address that it came from.
package reqinfo

import (
	"context"
	"crypto/rand"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

type key struct{}

// Info is what is known of a request.
type Info struct {
	ID      string
	Address string
	Actor   string // whose request it is, such as "users:42"; empty while nobody has asked
	Shared  bool   // the address speaks for many people, as that of a client's server does
}

// From returns what ctx carries, or nothing.
func From(ctx context.Context) Info {
	info, _ := ctx.Value(key{}).(Info)
	return info
}

// With returns ctx carrying info.
func With(ctx context.Context, info Info) context.Context { return context.WithValue(ctx, key{}, info) }

// Attach returns r with an ID and an address: those that it carries already, or
// else a new ID and the address as the trusted proxies report it. The answer
// gets the ID as X-Request-Id.
func Attach(w http.ResponseWriter, r *http.Request, trusted []netip.Prefix) *http.Request {
	info := From(r.Context())
	if info.ID != "" && info.Address != "" {
		return r
	}
	if info.ID == "" {
		info.ID = rand.Text()
		w.Header().Set("X-Request-Id", info.ID)
	}
	if info.Address == "" {
		info.Address = Address(r, trusted)
	}
	return r.WithContext(With(r.Context(), info))
}

// Address returns the address that a request came from. X-Forwarded-For counts
// only where a trusted proxy wrote it: read from the right, the first address
// that is not a trusted proxy's.
func Address(r *http.Request, trusted []netip.Prefix) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if !within(host, trusted) {
		return host
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		hop = strings.TrimSpace(hop)
		addr, err := netip.ParseAddr(hop)
		if err != nil {
			return host
		}
		host = addr.Unmap().String()
		if !within(host, trusted) {
			return host
		}
	}
	return host
}

func within(host string, trusted []netip.Prefix) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(addr.Unmap()) })
}

// Bounded is a text of somebody's that stands where an ID is expected, for a log: a
// secret lands there now and then. What is longer than a UUID could be one, and is
// not written out.
func Bounded(id string) string {
	const uuidLength = 36
	if len(id) <= uuidLength {
		return id
	}
	return strings.ToValidUTF8(id[:8], "") + "..."
}

// Path is the path of a request for a log, each part of it [Bounded].
func Path(r *http.Request) string {
	parts := strings.Split(r.URL.Path, "/")
	for i := range parts {
		parts[i] = Bounded(parts[i])
	}
	return strings.Join(parts, "/")
}
