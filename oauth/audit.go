package oauth

import (
	"context"
	"iter"
	"time"
)

// AuditRecord describes a change and its actor. It is stored in the same write
// as the change. It contains no secret: no code, no token, no password.
type AuditRecord struct {
	Time      time.Time
	Action    string  // such as "token.issued"
	Actor     string  // such as "users:42" or "client:7f3a"; empty for the command line
	User      UserRef // the affected user, if any
	ClientID  string
	Reason    string
	Address   string // of the caller
	RequestID string
}

// AuditStore is a [Store] whose audit log can be read.
type AuditStore interface {
	// AuditLog yields the records since the given time, oldest first.
	AuditLog(ctx context.Context, since time.Time) iter.Seq2[*AuditRecord, error]
}
