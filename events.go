package passport

import "github.com/go-passport/passport/event"

// Event types of package event, which documents them.
type (
	// Event is what Config.OnEvent gets: see [event.Event].
	Event = event.Event
	// Meta is what each event says about its request: see [event.Meta].
	Meta = event.Meta
	// AccessTokenIssued is the event of a new access token: see [event.AccessTokenIssued].
	AccessTokenIssued = event.AccessTokenIssued
	// RefreshTokenIssued is the event of a new refresh token: see [event.RefreshTokenIssued].
	RefreshTokenIssued = event.RefreshTokenIssued
	// Replayed is the event of a code or refresh token that was used twice: see [event.Replayed].
	Replayed = event.Replayed
	// Revoked is the event of revoked tokens: see [event.Revoked].
	Revoked = event.Revoked
	// ConsentGiven is the event of a user who allowed a client: see [event.ConsentGiven].
	ConsentGiven = event.ConsentGiven
	// ConsentWithdrawn is the event of a consent that ended: see [event.ConsentWithdrawn].
	ConsentWithdrawn = event.ConsentWithdrawn
	// ClientCreated is the event of a new client: see [event.ClientCreated].
	ClientCreated = event.ClientCreated
	// ClientChanged is the event of a changed client: see [event.ClientChanged].
	ClientChanged = event.ClientChanged
	// ClientRevoked is the event of a revoked client: see [event.ClientRevoked].
	ClientRevoked = event.ClientRevoked
)
