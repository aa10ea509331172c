// Package reqinfo carries the details of a request for the log and the audit log:
// its ID and the address of its sender.
package reqinfo

import (
	"context"
	"net/http"
	"strings"
)

type key struct{}

// Info holds the details of a request.
type Info struct {
	ID      string
	Address string
	Actor   string // the authenticated caller, such as "users:42"; empty before authentication
	Shared  bool   // many users share the address, such as that of a client's server
}

// From returns the details in ctx, or the zero Info.
func From(ctx context.Context) Info {
	info, _ := ctx.Value(key{}).(Info)
	return info
}

// With returns ctx with info.
func With(ctx context.Context, info Info) context.Context { return context.WithValue(ctx, key{}, info) }

// Bounded returns a caller's text that should be an ID, for a log. A text longer
// than a UUID may be a misplaced secret, so Bounded cuts it.
func Bounded(id string) string {
	const uuidLength = 36
	if len(id) <= uuidLength {
		return id
	}
	return strings.ToValidUTF8(id[:8], "") + "..."
}

// Path returns the path of a request for a log, each segment [Bounded].
func Path(r *http.Request) string {
	parts := strings.Split(r.URL.Path, "/")
	for i := range parts {
		parts[i] = Bounded(parts[i])
	}
	return strings.Join(parts, "/")
}
