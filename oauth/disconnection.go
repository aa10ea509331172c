package oauth

import "time"

// Disconnection is one write of a user who removes a connected application.
type Disconnection struct {
	User    UserRef   // whose token it is
	TokenID string    // of any access token of the connection, dead ones too
	Time    time.Time // when the user asked for it

	// Revoked and Withdrawn are the audit records of the two changes. Each is
	// stored if its change is made.
	Revoked, Withdrawn *AuditRecord
}
