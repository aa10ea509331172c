package oauth

import (
	"slices"
	"strings"
	"time"
)

// Scope is a permission that a token may carry (RFC 6749 §3.3).
type Scope struct {
	ID          string `json:"id"`          // a scope-token: printable ASCII without space, quote and backslash
	Description string `json:"description"` // what the user is told
}

// AllScopes is the scope that stands for every one. Only the grants password and
// client_credentials give it; it is stored as it is, and so covers what is
// registered later.
const AllScopes = "*"

// Covers reports whether the scopes include one, or, if they are inherited, one
// above it: "orders" covers "orders:read" and "orders:read:own".
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

// Family is all that descends from one act of consent: a code, the refresh
// tokens that follow one another, their access tokens. Each token that speaks
// for a user lives only while its family does, so one write ends them all.
type Family struct {
	ID       string
	User     UserRef
	ClientID string

	// Session is the digest of [User.SessionID] at the time of consent, empty
	// when there was none.
	Session Digest

	// AuthTime is [User.AuthenticatedAt] at the time of consent, the auth_time
	// claim of every token of the family (RFC 9068 §2.2.1).
	AuthTime time.Time

	// Resources are those that the user agreed to (RFC 8707), nil for the
	// server's own audience.
	Resources []string

	Personal        bool // a personal access token's
	EndsWithSession bool // see [Client]

	// CreatedAt is when the request came in that led to it, taken before
	// anybody was asked who the user is; see [FamilyStore.RevokeFamilies].
	CreatedAt time.Time
	ExpiresAt time.Time // absolute: no refresh moves it
	RevokedAt time.Time
}

// Live reports whether the family's tokens may be used at the given time.
func (f *Family) Live(at time.Time) bool { return f.RevokedAt.IsZero() && at.Before(f.ExpiresAt) }

// Code is an issued authorization code (RFC 6749 §4.1.2).
type Code struct {
	Digest        Digest
	Family        *Family
	Scopes        []string
	RedirectURI   string            // as sent to the authorization endpoint; empty if it was not
	CodeChallenge string            // S256; empty when the client sent none (RFC 7636)
	Attributes    map[string]string // the application's own; what is issued for the code has them too
	ExpiresAt     time.Time
	SpentAt       time.Time
}

// AccessToken is what Passport remembers of an issued access token. The row,
// not the signed claims, decides what the guard admits.
type AccessToken struct {
	ID         string // the jti claim
	Digest     Digest // of an opaque token; empty for a JWT
	Client     *Client
	Family     *Family // nil when the client acts for itself
	Name       string  // of a personal access token
	Scopes     []string
	Audience   []string          // the aud claim (RFC 9068 §2.2)
	Attributes map[string]string // the application's own
	IssuedAt   time.Time
	ExpiresAt  time.Time
	RevokedAt  time.Time // of a client's own token; a user's ends with its family

	// InheritScopes says that a scope covers those below it; see [Covers]. It is
	// the server's setting and not stored. The server sets it in every token that it
	// makes or reads, in [TokenRequest.Store] too.
	InheritScopes bool
}

// Subject is who the token speaks for.
func (t *AccessToken) Subject() Subject {
	if t.Family == nil {
		return ForClient()
	}
	return ForUser(t.Family.User)
}

// Live reports whether the token, its client and its family may be used.
func (t *AccessToken) Live(at time.Time) bool {
	return t.RevokedAt.IsZero() && at.Before(t.ExpiresAt) && t.Client.Active() && (t.Family == nil || t.Family.Live(at))
}

// Can reports whether the token carries the scope, or all of them.
func (t *AccessToken) Can(scope string) bool {
	return slices.Contains(t.Scopes, AllScopes) || Covers(t.Scopes, scope, t.InheritScopes)
}

// RefreshToken is what Passport remembers of an issued refresh token.
type RefreshToken struct {
	Digest        Digest
	AccessTokenID string // issued together with it
	Family        *Family
	Scopes        []string          // all that was granted, also where the access token has less
	Attributes    map[string]string // the application's own; what replaces the token has them too
	ExpiresAt     time.Time
	SpentAt       time.Time
	Successor     *RefreshToken // what replaced it, without a Successor of its own; nil until it is spent
}
