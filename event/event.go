// Package event holds the events that an application is told of: the types that
// Config.OnEvent gets after a change was stored.
package event

import "github.com/go-passport/passport/oauth"

// Event is one of the event types of this package.
type Event interface{ event() }

// Meta is what every event says of the request that caused it.
type Meta struct {
	RequestID string // finds the log line
	Address   string // of the caller
}

// AccessTokenIssued says that an access token was issued: to its Client, for the
// User of its Family.
type AccessTokenIssued struct {
	Meta
	Token     *oauth.AccessToken
	GrantType string // "personal_access" for a personal access token
}

// RefreshTokenIssued says that a refresh token was issued, the first of its
// family or, when Rotated, in place of another.
type RefreshTokenIssued struct {
	Meta
	Token   *oauth.RefreshToken
	Rotated bool
}

// Replayed says that a code or a refresh token was used twice, so that an attacker
// may hold a copy, and that its family was revoked (RFC 9700 §4.14.2). Tell the
// user.
type Replayed struct {
	Meta
	What   oauth.Purpose
	Family *oauth.Family
}

// Revoked says that tokens were revoked: those of a family, of a user, of a user at
// one client, of one browser session or of a client, or a single token of a client's
// own. If Families is not zero, only so many of those token families ended, and the
// others live.
type Revoked struct {
	Meta
	User     oauth.UserRef // zero for a client's own token, and for all tokens of a client
	ClientID string        // empty for all clients
	TokenID  string        // of the access token that was named, if any
	Reason   string        // such as "token", "user", "session ended"; "client" if the client revoked its own token (RFC 7009)

	// Families is how many of the user's families at the client ended because the
	// client had more than Config.MaxFamiliesPerClient: the oldest. The user's newer
	// tokens at the client stay valid. It is zero for all other reasons.
	Families int
}

// ConsentGiven says that a user allowed a client something on the consent page.
type ConsentGiven struct {
	Meta
	User     oauth.UserRef
	ClientID string
	Scopes   []string // those that are new
}

// ConsentWithdrawn says that a user's consent to a client was withdrawn, and that
// the user's tokens at it were revoked.
type ConsentWithdrawn struct {
	Meta
	User     oauth.UserRef
	ClientID string
}

// ClientCreated says that a client was created.
type ClientCreated struct {
	Meta
	Client *oauth.Client
}

// ClientChanged says that a client's registration or secrets were changed, or that
// it was suspended or resumed.
type ClientChanged struct {
	Meta
	ClientID string
	What     string // "registration", "secret", "suspended" or "resumed"
}

// ClientRevoked says that a client was revoked, and with it its tokens.
type ClientRevoked struct {
	Meta
	ClientID string
}

func (AccessTokenIssued) event()  {}
func (RefreshTokenIssued) event() {}
func (Replayed) event()           {}
func (Revoked) event()            {}
func (ConsentGiven) event()       {}
func (ConsentWithdrawn) event()   {}
func (ClientCreated) event()      {}
func (ClientChanged) event()      {}
func (ClientRevoked) event()      {}
