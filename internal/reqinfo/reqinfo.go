// Package reqinfo carries what the log and the audit log say of a request: its
// ID and the address that it came from.
package reqinfo

import (
	"context"
	"net/http"
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
