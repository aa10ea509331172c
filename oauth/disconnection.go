package oauth

import "time"

// Disconnection is one write: a user removes a connected application.
type Disconnection struct {
	User    UserRef   // the owner of the token
	TokenID string    // any access token of the connection, even an ended one
	Time    time.Time // the time of the user's request

	// Revoked and Withdrawn are the audit records of the two changes. A store
	// keeps each record only if it makes the change.
	Revoked, Withdrawn *AuditRecord
}
