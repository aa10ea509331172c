package oauth

import (
	"slices"
	"strings"
	"time"
)

// Scope is a permission that a token may carry (RFC 6749 §3.3).
type Scope struct {
	ID          string `json:"id"`          // a scope-token: printable ASCII without space, quote and backslash
	Description string `json:"description"` // the text for the user

	// Group is the heading over the scope on the consent page. Default: the part of
	// ID before its first colon, with its first letter in upper case; none if ID has no colon.
	Group string `json:"group,omitempty"`

	// CanChange and Sensitive mark the scope on the consent page: it lets a client
	// change data, or it needs particular attention.
	CanChange bool `json:"can_change,omitempty"`
	Sensitive bool `json:"sensitive,omitempty"`

	// Optional lets the user decline the scope and allow the rest: the consent page
	// shows a checkbox. A grant without that page issues the scope like any other.
	Optional bool `json:"optional,omitempty"`
}

// AllScopes is the scope that means all scopes. Only the password and
// client_credentials grants issue it. It is stored as "*", so it also includes
// scopes that are registered later.
const AllScopes = "*"

// Covers reports whether the scopes include scope. With inherit, a scope also
// includes the scopes under it: "orders" includes "orders:read" and
// "orders:read:own".
func Covers(scopes []string, scope string, inherit bool) bool {
	for {
		if slices.Contains(scopes, scope) {
			return true
		}
		above := strings.LastIndexByte(scope, ':')
		if !inherit || above < 0 {
			return false
		}
		scope = scope[:above]
	}
}

// Family is everything that one consent issued: a code, the sequence of refresh
// tokens, and their access tokens. Every token of a user is valid only while
// its family is, so that one write revokes them all.
type Family struct {
	ID       string
	User     UserRef
	ClientID string

	// Session is the digest of [User.SessionID] at the time of consent, or
	// empty if there was none.
	Session Digest

	// AuthTime is [User.AuthenticatedAt] at the time of consent. It is the
	// auth_time claim of every token of the family (RFC 9068 §2.2.1). A grant that
	// authenticates the user itself sets it to the time of its request. A grant that
	// begins a family without it gets no ID token, and no scope openid.
	AuthTime time.Time

	// Resources are the resources that the user agreed to (RFC 8707). Nil: the
	// server's own audience.
	Resources []string

	Personal        bool // it belongs to a personal access token
	EndsWithSession bool // see [Client.EndsWithSession]

	// SID names the browser session to the client, and to no other: the sid claim of its ID
	// tokens (OpenID Connect Back-Channel Logout §2.1). Empty without OpenID Connect, or
	// without a Session. In the write that begins the family it is a proposal: the store
	// keeps the SID that the client already has for the session, and none without a Session;
	// see [LogoutStore].
	SID string

	// ACR and AMR are [User.ACR] and [User.AMR] at the time of consent.
	ACR string
	AMR []string

	// CreatedAt is the time of the request that led to the family, taken before
	// the user is identified; see [FamilyStore.RevokeFamilies].
	CreatedAt time.Time
	ExpiresAt time.Time // absolute: a refresh does not change it
	RevokedAt time.Time
}

// Live reports whether the family is neither revoked nor expired at the given
// time.
func (f *Family) Live(at time.Time) bool { return f.RevokedAt.IsZero() && at.Before(f.ExpiresAt) }

// Code is an issued authorization code (RFC 6749 §4.1.2).
type Code struct {
	Digest        Digest
	Family        *Family
	Scopes        []string
	RedirectURI   string            // as sent to the authorization endpoint, or empty
	CodeChallenge string            // of the method S256; empty if the client sent none (RFC 7636)
	Nonce         string            // for the ID token (OpenID Connect Core §3.1.2.1), at most 512 bytes; empty if the client sent none
	Attributes    map[string]string // the application's own; its tokens have them too
	ExpiresAt     time.Time
	SpentAt       time.Time
}

// AccessToken is the stored record of an access token. The record, not the
// signed claims, decides whether a guard admits the token.
type AccessToken struct {
	ID         string // the jti claim
	Digest     Digest // of an opaque token; empty for a JWT
	Client     *Client
	Family     *Family // nil if the client acts for itself
	Name       string  // of a personal access token
	Hint       string  // the last characters of a personal access token, so that its user recognizes it; at most [HintLength]
	Scopes     []string
	Audience   []string          // the aud claim (RFC 9068 §2.2)
	Attributes map[string]string // the application's own
	IssuedAt   time.Time
	ExpiresAt  time.Time
	RevokedAt  time.Time // of a client's own token; a user's token is usually revoked with its family

	// GrantedScopes are the scopes with which the client can refresh the token, even if
	// the token has fewer: those of the refresh token that was issued with it. Only
	// [TokenStore.Connections] sets them. Nil: no refresh token was issued with it.
	GrantedScopes []string

	// LastUsedAt is when a token of the family was last used, and LastUsedAddress and
	// LastUsedAgent say from where; see [Use]. Only [TokenStore.Connections] and
	// [TokenStore.PersonalTokens] set them, if the store is a [LastUsedStore]. The zero
	// time means that nothing is known, not that the token was never used.
	LastUsedAt                     time.Time
	LastUsedAddress, LastUsedAgent string

	// InheritScopes says that a scope includes the scopes under it; see
	// [Covers]. It is a setting of the server and is not stored. The server
	// sets it in every token that it makes or reads, including through
	// [TokenRequest.Store].
	InheritScopes bool
}

// HintLength is the number of characters in [AccessToken.Hint]. They are part of the
// checksum of an opaque token, or of the signature of a JWT, so they don't help to guess
// the token.
const HintLength = 4

// Subject returns the user or client that the token is for.
func (t *AccessToken) Subject() Subject {
	if t.Family == nil {
		return ForClient()
	}
	return ForUser(t.Family.User)
}

// Live reports whether the token may be used: the token, its client and its
// family are valid at the given time.
func (t *AccessToken) Live(at time.Time) bool {
	return t.RevokedAt.IsZero() && at.Before(t.ExpiresAt) && t.Client.Active() && (t.Family == nil || t.Family.Live(at))
}

// Can reports whether the token has the scope, or all scopes.
func (t *AccessToken) Can(scope string) bool {
	return slices.Contains(t.Scopes, AllScopes) || Covers(t.Scopes, scope, t.InheritScopes)
}

// RefreshToken is the stored record of a refresh token.
type RefreshToken struct {
	Digest        Digest
	AccessTokenID string // the access token that was issued with it
	Family        *Family
	Scopes        []string          // all granted scopes, even if the access token has fewer
	Attributes    map[string]string // the application's own; its successor has them too
	ExpiresAt     time.Time
	SpentAt       time.Time
	Successor     *RefreshToken // the token that replaced it, without its own Successor; nil until it is spent
}
