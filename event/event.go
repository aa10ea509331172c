package passport

import "github.com/go-passport/passport/oauth"

// Event is one of the event types of this package, handed to Config.OnEvent
// after the change that it tells of was stored.
type Event interface{ event() }

// Meta is what every event says of the request that caused it.
type Meta struct {
	RequestID string // finds the log line
	Address   string // of the caller
}

// AccessTokenIssued says that an access token was issued. Its Client, and the
// User of its Family, say for whom.
type AccessTokenIssued struct {
	Meta
	Token     *oauth.AccessToken
	GrantType string // "personal_access" for one that a user made for himself
}

// RefreshTokenIssued says that a refresh token was issued, the first of its
// family or, when Rotated, in place of another.
type RefreshTokenIssued struct {
	Meta
	Token   *oauth.RefreshToken
	Rotated bool
}

// Replayed says that a code or refresh token came twice, so that somebody else
// holds a copy, and that all that came of the consent was revoked
// (RFC 9700 §4.14.2). Tell the user.
type Replayed struct {
	Meta
	What   oauth.Purpose
	Family *oauth.Family
}

// Revoked says that tokens were revoked: those of a family, of a user, of a
// user at a client or of one browser session, or a client's single own one.
type Revoked struct {
	Meta
	User     oauth.UserRef // zero for a client's own token
	ClientID string        // empty for all clients
	TokenID  string        // of the access token that was named, if one was
	Reason   string        // such as "user", "session ended", "password changed"
}

// ConsentGiven says that a user allowed a client something on the consent page.
type ConsentGiven struct {
	Meta
	User     oauth.UserRef
	ClientID string
	Scopes   []string // those that are new
}

// ConsentWithdrawn says that a user's consent to a client was withdrawn and the
// tokens that came of it were revoked.
type ConsentWithdrawn struct {
	Meta
	User     oauth.UserRef
	ClientID string
}

// ClientCreated says that a client was made.
type ClientCreated struct {
	Meta
	Client *oauth.Client
}

// ClientChanged says that a client was changed: its registration, its secrets, or
// that it was suspended or let in again.
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
