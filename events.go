package passport

import "github.com/go-passport/passport/event"

// Event types of package event, which documents them.
type (
	// Event is [event.Event].
	Event = event.Event
	// Meta is [event.Meta].
	Meta = event.Meta
	// AccessTokenIssued is [event.AccessTokenIssued].
	AccessTokenIssued = event.AccessTokenIssued
	// RefreshTokenIssued is [event.RefreshTokenIssued].
	RefreshTokenIssued = event.RefreshTokenIssued
	// Replayed is [event.Replayed].
	Replayed = event.Replayed
	// Revoked is [event.Revoked].
	Revoked = event.Revoked
	// ConsentGiven is [event.ConsentGiven].
	ConsentGiven = event.ConsentGiven
	// ConsentWithdrawn is [event.ConsentWithdrawn].
	ConsentWithdrawn = event.ConsentWithdrawn
	// ClientCreated is [event.ClientCreated].
	ClientCreated = event.ClientCreated
	// ClientChanged is [event.ClientChanged].
	ClientChanged = event.ClientChanged
	// ClientRevoked is [event.ClientRevoked].
	ClientRevoked = event.ClientRevoked
)
