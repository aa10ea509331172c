package oauth

import (
	"context"
	"net/url"
	"strings"
	"time"
)

// Grant decides requests for one grant_type at the token endpoint. One of an
// application's own has every power that the built-in ones have.
type Grant interface {
	// GrantType is the grant_type value it answers to.
	GrantType() string

	// Authorize checks the request and says what may be issued for it. It
	// reads; the endpoint writes. To refuse, return an [Error]; for a one-time
	// value that was used before, return [Replayed].
	//
	// A grant need not ask whether the user may still act. The endpoint calls
	// [UserProvider.UserByID] for every user, and issues nothing for one who is
	// gone.
	//
	// It is asked once more when the value it named in Spends was used up
	// while the endpoint was issuing.
	Authorize(ctx context.Context, r *TokenRequest) (*Authorization, error)
}

// TokenRequest is a token request whose client is authenticated, may use the
// grant, and asked only for scopes and resources it may have.
type TokenRequest struct {
	Client    *Client
	Scopes    []string // asked for, or the defaults when none was
	Resources []string // asked for (RFC 8707); nil when none was
	Audience  string   // what a token is for when no resource was asked for

	// InheritScopes says that a scope covers those below it; see [Covers].
	InheritScopes bool

	Form url.Values // each parameter once (RFC 6749 §3.2), resource and audience apart
	Time time.Time  // when the request came in, in whole microseconds

	// Store reads the server's records; see [ReadOnly]. A grant finds an optional
	// power, such as the reading of device codes, with [StoreAs].
	Store TokenReader

	Users func(provider string) UserProvider // nil for an unknown one
}

// Authorization is what a [Grant] allows the endpoint to issue.
type Authorization struct {
	Subject   Subject
	Scopes    []string
	Resources []string // the token's audience; nil for the server's own
	Refresh   bool     // issue a refresh token too
	Spends    Spend    // the one-time value it uses up, if any

	// Family is what the tokens belong to; nil when the client acts for itself.
	// NewFamily says that it begins here and is stored together with them; when
	// its ExpiresAt is zero it lives as long as the client's families do.
	Family    *Family
	NewFamily bool

	// AccessTokenTTL is the life of the access token; zero for that of the
	// client, the grant or the server. It never outlives its family.
	AccessTokenTTL time.Duration

	// Attributes are stored with the tokens.
	Attributes map[string]string

	// RefreshScopes is all that the refresh token may ask for later; Scopes when nil.
	RefreshScopes []string

	// Retried is the refresh token that was issued before for the same value.
	// The answer is then the same as before, and nothing is written: the
	// retry of a client that never saw it.
	Retried *RefreshToken
}

// Responder decides requests to the authorization endpoint for one
// response_type that is answered with a token instead of a code
// (RFC 6749 §3.1.1). It is asked once the user has agreed.
type Responder interface {
	// ResponseType is the response_type value it answers to. GrantType is the
	// name by which a client is allowed it ([Client.Allows]).
	ResponseType() string
	GrantType() string

	// Respond says what may be issued to r.Family.User: no more scopes and
	// resources than those of the request, no refresh token, and it spends
	// nothing. The token is stored together with the Family, which ends with it.
	// The endpoint then calls [UserProvider.UserByID]. For a user who is gone the
	// client gets access_denied.
	Respond(ctx context.Context, r *AuthorizationRequest) (*Authorization, error)
}

// AuthorizationRequest is a request to the authorization endpoint that was
// checked and to which the user has agreed.
type AuthorizationRequest struct {
	Client    *Client
	Family    *Family // begins with this request
	Scopes    []string
	Resources []string   // asked for (RFC 8707); nil when none was
	Params    url.Values // as they came, those that the endpoint knows
	Time      time.Time  // when the request came in, in whole microseconds
}

// Spend names a one-time value. A code is never a device code: the purpose is
// part of the name.
type Spend struct {
	Purpose Purpose
	ID      string    // of any length; for the built-in purposes a [Digest]
	Until   time.Time // when the row may be purged; zero for the built-in purposes
}

// Purpose says what kind of one-time value a [Spend] names. A grant of an
// application's own chooses one with a dot in it, and sets Until.
type Purpose string

// The built-in purposes. Those of code and refresh token have tables of their
// own; the ticket is that of a consent page.
const (
	SpendCode         Purpose = "code"
	SpendRefreshToken Purpose = "refresh_token"
	SpendTicket       Purpose = "ticket"
)

// Custom reports whether p is an application's own.
func (p Purpose) Custom() bool { return strings.Contains(string(p), ".") }
