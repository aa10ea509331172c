package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// User is the part of an application's account that Passport needs.
type User struct {
	// ID identifies the account within its provider: valid UTF-8 without NUL, 1
	// to 255 bytes. It never changes, and no other account ever gets it.
	ID string

	// Name is the user's name on the consent page.
	Name string

	// Email is shown below Name, so that users see which of their accounts it is.
	// Optional: any text that tells accounts apart, such as a user name.
	Email string

	// AuthenticatedAt is when the user last authenticated in this browser. If
	// it is zero, prompt=login cannot succeed.
	AuthenticatedAt time.Time

	// SessionID identifies the browser session. It stays the same when the
	// session's cookie is renewed. Optional: with it, signing out revokes the
	// tokens that end with the session.
	SessionID string

	// SessionExpiresAt is when the browser session ends at the latest, however it
	// is used. Optional: tokens that end with the session expire then too, and so
	// do codes. A user whose session has expired isn't signed in.
	SessionExpiresAt time.Time

	// ACR is the level of the last authentication, as the value of the acr claim (OpenID
	// Connect Core §2). Optional.
	ACR string

	// AMR are the methods of the last authentication, such as "pwd" and "otp" (RFC 8176
	// §2). Optional: the log names them where a recent authentication was required.
	AMR []string

	// Data is the application's own record of the account. Its handlers receive
	// it.
	Data any
}

// UserRef identifies an account among all providers.
type UserRef struct {
	Provider string // such as "users"
	ID       string
}

// LogValue implements [slog.LogValuer]: provider and ID.
func (r UserRef) LogValue() slog.Value { return slog.StringValue(r.Provider + ":" + r.ID) }

// UserProvider connects Passport to an application's accounts. Its methods must
// be safe for concurrent use.
type UserProvider interface {
	// CurrentUser returns the signed-in user of the browser that sent r, or
	// [ErrNotFound].
	CurrentUser(r *http.Request) (*User, error)

	// UserByID returns an account, or [ErrNotFound] if the account is deleted
	// or disabled. The server calls it for every guarded request and for every
	// token that it issues for a user, with any grant. It must return a user
	// with this ID: nil or another ID is a server error.
	UserByID(ctx context.Context, id string) (*User, error)

	// SignInURL returns the URL of the sign-in page, to which the server
	// redirects a browser without a signed-in user. After sign-in, the page
	// must redirect to returnTo, a path on this host. [SignInRequestFrom] the
	// request's context says why.
	SignInURL(r *http.Request, returnTo string) string
}

// PasswordAuthenticator is a [UserProvider] that can check a password.
type PasswordAuthenticator interface {
	// UserByPassword returns the account, or [ErrNotFound] for both an unknown
	// name and a wrong password, in about the same time.
	UserByPassword(ctx context.Context, username, password string) (*User, error)
}

// SignOuter is a [UserProvider] that lets Passport end browser sessions, when a client
// asks for it (OpenID Connect RP-Initiated Logout).
type SignOuter interface {
	// SignOut ends the session of the browser that sent r, and deletes its cookie. Passport
	// then ends the tokens that end with the session, and writes the page. It may call
	// SignOut again for a session that has ended.
	SignOut(w http.ResponseWriter, r *http.Request) error
}

// Subject is the account or client that a token is for. The zero Subject is neither,
// and no token is issued for it.
type Subject struct {
	user   UserRef
	client bool
}

// ForUser returns the subject for an account.
func ForUser(user UserRef) Subject { return Subject{user: user} }

// ForClient returns the subject for a client that acts for itself.
func ForClient() Subject { return Subject{client: true} }

// User returns the account. ok is false if the client acts for itself.
func (s Subject) User() (user UserRef, ok bool) { return s.user, s.user.ID != "" && !s.client }

// Valid reports whether s is an account or a client.
func (s Subject) Valid() bool { return s.client || s.user.ID != "" && s.user.Provider != "" }

// Claim returns the "sub" claim: "users:42" for an account, "client:7f3a" for a
// client. The prefix keeps the two apart (RFC 9068 §5). A sub has at most 255 characters
// of ASCII (OpenID Connect Core §2). The base64url of its SHA-256 replaces the ID of an
// account that does not fit, and an ID that has the form of such a digest: otherwise an
// account could choose the digest of another account's ID.
func (s Subject) Claim(clientID string) string {
	if s.client {
		return "client:" + clientID
	}
	sub := s.user.Provider + ":" + s.user.ID
	if len(sub) > maxSubject || strings.ContainsFunc(sub, notPrintable) || isDigest(s.user.ID) {
		sum := sha256.Sum256([]byte(s.user.ID))
		return s.user.Provider + ":" + base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return sub
}

const maxSubject = 255

func notPrintable(r rune) bool { return r < ' ' || r > '~' }

// isDigest reports whether an ID has the form of a digest in a sub.
func isDigest(id string) bool {
	return len(id) == base64.RawURLEncoding.EncodedLen(sha256.Size) && strings.Trim(id, base64URL) == ""
}

const base64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// DefaultProvider is the name of the provider in Config.Users.
const DefaultProvider = "users"

// ValidProvider reports whether a provider can have a name: lower-case letters, digits,
// hyphens and underscores. The name client is reserved for clients' own tokens.
func ValidProvider(name string) bool {
	return name != "" && name != "client" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}
