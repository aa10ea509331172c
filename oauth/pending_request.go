package oauth

import (
	"context"
	"time"
)

// PendingRequest is an authorization request that waits for its user to sign in. The
// sign-in page returns with a handle, because the request is too long for a URL.
type PendingRequest struct {
	Digest    Digest // of the handle
	ClientID  string
	Sealed    string // the request, encrypted by the server; at most 64 KiB
	ExpiresAt time.Time
}

// PendingRequestStore is a [Store] that keeps pending requests. It is optional:
// without it, the sign-in page gets the whole request in its URL.
type PendingRequestStore interface {
	// SavePendingRequest stores a request. It first deletes the client's requests
	// that expired before at. It returns [ErrConflict] and stores nothing if the
	// client then still has limit of them: anonymous requests lead here, so the
	// write itself is bounded. Concurrent calls may pass the limit by their own
	// number.
	SavePendingRequest(ctx context.Context, r *PendingRequest, limit int, at time.Time) error

	// PendingRequest returns a request, or [ErrNotFound]. It may have expired.
	PendingRequest(ctx context.Context, d Digest) (*PendingRequest, error)
}
