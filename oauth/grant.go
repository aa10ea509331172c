package oauth

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"
)

// Grant decides requests for one grant_type at the token endpoint. A custom
// grant can do everything that the built-in grants can. Its methods must be
// safe for concurrent use.
type Grant interface {
	// GrantType returns the grant_type value of the grant.
	GrantType() string

	// Authorize checks the request and returns what the endpoint may issue. It
	// only reads; the endpoint writes. To refuse, return an [Error]. If a
	// one-time value was used before, return [Replayed].
	//
	// Authorize need not check whether the user is still active. The endpoint
	// calls [UserProvider.UserByID] for every user and refuses an inactive one.
	//
	// The endpoint calls Authorize again if another request used up the value in
	// Spends while the endpoint was issuing.
	Authorize(ctx context.Context, r *TokenRequest) (*Authorization, error)
}

// TokenRequest is a checked token request: the client is authenticated and may
// use the grant, the scopes and the resources.
type TokenRequest struct {
	Client    *Client
	Scopes    []string // the requested scopes, or the defaults
	Resources []string // the requested resources (RFC 8707); nil if there are none
	Audience  string   // the audience of a token without a requested resource

	// InheritScopes says that a scope includes the scopes under it; see
	// [Covers].
	InheritScopes bool

	// Form has each parameter once (RFC 6749 §3.2), except resource and audience.
	// It lacks a malformed parameter that only this grant knows: not UTF-8, an
	// array, longer than 8 KB, or with a NUL or line end.
	Form url.Values

	Time time.Time // when the request arrived, in whole microseconds

	// Store reads the server's records; see [ReadOnly]. A grant finds an optional
	// power, such as the reading of device codes, with [StoreAs].
	Store TokenReader

	Users func(provider string) UserProvider // nil for an unknown one
}

// Format implements [fmt.Formatter]. It prints no secret: only the client ID.
func (r TokenRequest) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "oauth.TokenRequest(%s)", cmp.Or(r.Client, new(Client)).ID)
}

// LogValue implements [slog.LogValuer]: only the client ID.
func (r TokenRequest) LogValue() slog.Value {
	return slog.StringValue(cmp.Or(r.Client, new(Client)).ID)
}

// Authorization is what a [Grant] allows the endpoint to issue.
type Authorization struct {
	Subject   Subject
	Scopes    []string
	Resources []string // the token's audience; nil for the server's own
	Refresh   bool     // also issue a refresh token
	Spends    Spend    // the one-time value that the request uses up, if any

	// Family is the family of the tokens; nil if the client acts for itself.
	// NewFamily says that the family is new, and that the endpoint stores it
	// with the tokens. If its ExpiresAt is zero, the endpoint sets it from the
	// client's or the server's family lifetime.
	Family    *Family
	NewFamily bool

	// SessionExpiresAt is [User.SessionExpiresAt] of the session in which the user
	// authorized the client; zero if there is none or it is unknown. A new family
	// that ends with its session expires then at the latest.
	SessionExpiresAt time.Time

	// Nonce is the nonce of the authorization request, for the ID token; empty if it had
	// none, and on a refresh (OpenID Connect Core §12.2).
	Nonce string

	// AccessTokenTTL is the lifetime of the access token. Zero: the client's,
	// the grant's or the server's lifetime. A token never outlives its family.
	AccessTokenTTL time.Duration

	// Attributes are stored with the tokens.
	Attributes map[string]string

	// RefreshScopes are the scopes that the refresh token may request later.
	// Nil: the same as Scopes.
	RefreshScopes []string

	// Retried is the refresh token that was already issued for the same value.
	// The endpoint then repeats its previous response and writes nothing,
	// because the client did not receive that response and retries.
	Retried *RefreshToken
}

// Responder decides requests to the authorization endpoint for a response_type
// that returns a token instead of a code (RFC 6749 §3.1.1). The endpoint calls
// it after the user has consented.
type Responder interface {
	// ResponseType returns the response_type value. GrantType returns the grant
	// type that a client needs; see [Client.Allows].
	ResponseType() string
	GrantType() string

	// Respond returns what the endpoint may issue to r.Family.User: no scopes
	// and resources other than those of the request, no refresh token, and an
	// empty Spends. The endpoint stores the token together with the Family. It
	// then calls [UserProvider.UserByID]; if the user is inactive, the client
	// gets access_denied.
	Respond(ctx context.Context, r *AuthorizationRequest) (*Authorization, error)
}

// AuthorizationRequest is a checked request to the authorization endpoint, to
// which the user has consented.
type AuthorizationRequest struct {
	Client    *Client
	Family    *Family // the new family of this request
	Scopes    []string
	Resources []string   // the requested resources (RFC 8707); nil if there are none
	Params    url.Values // the raw parameters that the endpoint knows
	Time      time.Time  // the time of the request, in whole microseconds
}

// Format implements [fmt.Formatter]. It prints no secret: only the client ID.
func (r AuthorizationRequest) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "oauth.AuthorizationRequest(%s)", cmp.Or(r.Client, new(Client)).ID)
}

// LogValue implements [slog.LogValuer]: only the client ID.
func (r AuthorizationRequest) LogValue() slog.Value {
	return slog.StringValue(cmp.Or(r.Client, new(Client)).ID)
}

// Spend names a one-time value. The purpose is part of the name, so that values
// of different kinds never collide.
type Spend struct {
	Purpose Purpose
	ID      string    // of any length; a [Digest] for the built-in purposes
	Until   time.Time // when the row may be purged; zero for the built-in purposes
}

// Purpose is the kind of one-time value that a [Spend] names. A custom grant
// uses a purpose with a dot in it and sets Until.
type Purpose string

// The built-in purposes. Codes and refresh tokens have separate tables. The
// ticket belongs to a consent page. For SpendDeviceCode see [DeviceStore].
const (
	SpendCode         Purpose = "code"
	SpendDeviceCode   Purpose = "device_code"
	SpendRefreshToken Purpose = "refresh_token"
	SpendTicket       Purpose = "ticket"
	SpendForm         Purpose = "form" // of a page
)

// Custom reports whether p is the purpose of a custom grant.
func (p Purpose) Custom() bool { return strings.Contains(string(p), ".") }
