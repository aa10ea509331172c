package oauth

import "time"

// ConnectedApp is a client that may act for a user: it has live tokens, or a consent
// with which it gets new ones without another question.
type ConnectedApp struct {
	// Client is the app, without RedirectURIs, Attributes and Secrets.
	Client *Client

	// Metadata is what pages show about the app beside its name. It has the zero value
	// if there is none, or if the store is not a [ClientMetadataStore].
	Metadata *ClientMetadata

	// Scopes are what the app has, or can get without another question: those of
	// its live token families and of its consents, in the order of the consent page. A scope that is no longer registered comes last, with
	// its ID as the description.
	Scopes []Scope

	// Since is when the user first allowed what the app still has.
	Since time.Time

	// ExpiresAt is when the last of its tokens ends at the latest. It is zero for an
	// app that has a consent, and neither live tokens nor a device that can use its code.
	ExpiresAt time.Time

	// LastUsedAt is when the app last used one of its live tokens, and LastUsedAddress
	// and LastUsedAgent say from where; see [Use]. The zero time means that nothing is
	// known, not that the app never used a token.
	LastUsedAt                     time.Time
	LastUsedAddress, LastUsedAgent string

	// Devices are the devices that the user allowed by their codes, the newest first: those
	// with live tokens, and those that can still use their code.
	Devices []ConnectedDevice
}

// ConnectedDevice is a device that a user allowed by its code (RFC 8628). None of its
// texts are verified.
type ConnectedDevice struct {
	Label     string // what the device calls itself; may be empty
	UserAgent string // of its request; may be empty
	Address   string // from which it sent the request
	Since     time.Time
}
