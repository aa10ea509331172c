// Package event has the types of the events that Config.OnEvent gets after a change
// was stored.
package event

import "github.com/go-passport/passport/oauth"

// Event is one of the event types of this package.
type Event interface{ event() }

// Meta identifies the request that caused an event.
type Meta struct {
	RequestID string // also in the log
	Address   string // of the caller
}

// AccessTokenIssued reports a new access token. Its Family has the user.
type AccessTokenIssued struct {
	Meta
	Token     *oauth.AccessToken
	GrantType string // "personal_access" for a personal access token
}

// RefreshTokenIssued reports a new refresh token: the first of its family or, if
// Rotated, the successor of another.
type RefreshTokenIssued struct {
	Meta
	Token   *oauth.RefreshToken
	Rotated bool
}

// Replayed reports that a code or a refresh token was used twice, so that an
// attacker may have a copy. Its family was revoked (RFC 9700 §4.14.2). Tell the
// user.
type Replayed struct {
	Meta
	What   oauth.Purpose
	Family *oauth.Family
}

// Revoked reports revoked tokens: of a family, of a user, of a user at one client,
// of a browser session or of a client, or a client's own token. If Families is not
// zero, only that many token families ended, and the others stay valid.
type Revoked struct {
	Meta
	User     oauth.UserRef // zero for a client's own token, and for all tokens of a client
	ClientID string        // empty for all clients
	TokenID  string        // the access token that the request named, if any
	Reason   string        // such as "token", "user", "session ended"; "client" if the client revoked its own token (RFC 7009)

	// Families is how many of the user's families at the client ended because the
	// client had more than Config.MaxFamiliesPerClient: the oldest. The user's newer
	// tokens at the client stay valid. It is zero for all other reasons.
	Families int
}

// ConsentGiven reports that a user allowed a client something new on the consent page, or
// declined an optional scope there.
type ConsentGiven struct {
	Meta
	User     oauth.UserRef
	ClientID string
	Scopes   []string // the new scopes
	Declined []string // the optional scopes that the user had not declined before
}

// ConsentWithdrawn reports that a user's consent to a client was withdrawn, and the
// user's tokens at the client revoked.
type ConsentWithdrawn struct {
	Meta
	User     oauth.UserRef
	ClientID string
}

// DeviceApproved reports that a user approved a device (RFC 8628), which then gets
// tokens. Tell the user, who may not have started this.
type DeviceApproved struct {
	Meta
	User     oauth.UserRef
	ClientID string
	Scopes   []string          // that the user granted
	Device   *oauth.DeviceCode // as it was before the decision
}

// ClientCreated reports a new client.
type ClientCreated struct {
	Meta
	Client *oauth.Client
}

// ClientChanged reports that a client's registration, metadata or secrets were changed,
// or that it was suspended or resumed.
type ClientChanged struct {
	Meta
	ClientID string
	What     string // "registration" (also if the metadata changed with it), "metadata", "secret", "suspended" or "resumed"
}

// ClientRevoked reports that a client and its tokens were revoked.
type ClientRevoked struct {
	Meta
	ClientID string
}

// LogoutSent reports a try to tell a client that a user has signed out (OpenID Connect
// Back-Channel Logout). For a metric, count the outcomes.
type LogoutSent struct {
	Meta
	User     oauth.UserRef
	ClientID string
	Outcome  LogoutOutcome
	Result   string // for the operator: the status of the response, such as "200 OK", or an error
	Tries    int    // how often the server has tried, with this time
}

// LogoutOutcome is how a try to tell a client has ended.
type LogoutOutcome string

// The outcomes of a try.
const (
	LogoutDelivered LogoutOutcome = "delivered" // the client accepted the logout token
	LogoutRetried   LogoutOutcome = "retried"   // there will be another try
	LogoutRefused   LogoutOutcome = "refused"   // the client refused it, or its URI must not be used
	LogoutExpired   LogoutOutcome = "expired"   // the last try has failed
)

func (AccessTokenIssued) event()  {}
func (RefreshTokenIssued) event() {}
func (Replayed) event()           {}
func (Revoked) event()            {}
func (ConsentGiven) event()       {}
func (ConsentWithdrawn) event()   {}
func (DeviceApproved) event()     {}
func (ClientCreated) event()      {}
func (ClientChanged) event()      {}
func (ClientRevoked) event()      {}
func (LogoutSent) event()         {}
