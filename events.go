package passport

import "github.com/go-passport/passport/event"

// Event types of package event, which documents them.
type (
	// Event is the argument of Config.OnEvent: see [event.Event].
	Event = event.Event
	// Meta has the request ID and address of an event: see [event.Meta].
	Meta = event.Meta
	// AccessTokenIssued is the event for a new access token: see
	// [event.AccessTokenIssued].
	AccessTokenIssued = event.AccessTokenIssued
	// RefreshTokenIssued is the event for a new refresh token: see
	// [event.RefreshTokenIssued].
	RefreshTokenIssued = event.RefreshTokenIssued
	// Replayed is the event for a code or refresh token that was used twice: see
	// [event.Replayed].
	Replayed = event.Replayed
	// Revoked is the event for revoked tokens: see [event.Revoked].
	Revoked = event.Revoked
	// ConsentGiven is the event for a consent that a user gave: see
	// [event.ConsentGiven].
	ConsentGiven = event.ConsentGiven
	// ConsentWithdrawn is the event for a consent that ended: see
	// [event.ConsentWithdrawn].
	ConsentWithdrawn = event.ConsentWithdrawn
	// DeviceApproved is the event for a device that a user approved: see
	// [event.DeviceApproved].
	DeviceApproved = event.DeviceApproved
	// ClientCreated is the event for a new client: see [event.ClientCreated].
	ClientCreated = event.ClientCreated
	// ClientChanged is the event for a changed client: see [event.ClientChanged].
	ClientChanged = event.ClientChanged
	// ClientRevoked is the event for a revoked client: see [event.ClientRevoked].
	ClientRevoked = event.ClientRevoked
	// LogoutSent is the event for a try to tell a client about a sign-out: see
	// [event.LogoutSent].
	LogoutSent = event.LogoutSent
	// LogoutOutcome is how the try has ended: see [event.LogoutOutcome].
	LogoutOutcome = event.LogoutOutcome
)
