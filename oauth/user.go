package oauth

import (
	"context"
	"log/slog"
	"net/http"
	"time"
)

// User is one of the application's accounts, as much of it as Passport needs.
type User struct {
	// ID names the account for ever, within its provider: valid UTF-8 without
	// NUL, 1 to 255 bytes. It is never given to another account.
	ID string

	// Name is shown on the consent page.
	Name string

	// AuthenticatedAt is when this browser last proved who it is. Without it
	// prompt=login cannot be satisfied.
	AuthenticatedAt time.Time

	// SessionID identifies the browser session and survives the renewal of its
	// cookie. Optional: with it, signing out ends what came of the session.
	SessionID string

	// Data is the application's own record, handed to its handlers.
	Data any
}

// UserRef names an account among all providers.
type UserRef struct {
	Provider string // such as "users"
	ID       string
}

// LogValue implements [slog.LogValuer].
func (r UserRef) LogValue() slog.Value { return slog.StringValue(r.Provider + ":" + r.ID) }

// UserProvider connects Passport to the accounts of an application. Its methods
// are called from many goroutines.
type UserProvider interface {
	// CurrentUser returns who is signed in in the browser that sent r, or
	// [ErrNotFound] when nobody is.
	CurrentUser(r *http.Request) (*User, error)

	// UserByID returns an account, or [ErrNotFound] once it is gone or may no
	// longer act. It is called for every guarded request and for every token that
	// is issued for a user, whichever grant decided. A user with another ID than
	// id, or nil, is an error.
	UserByID(ctx context.Context, id string) (*User, error)

	// SignInURL is where a browser in which nobody is signed in is sent. After
	// signing in it has to come back to returnTo, a path on this host.
	SignInURL(r *http.Request, returnTo string) string
}

// PasswordAuthenticator is a [UserProvider] that can check a password.
type PasswordAuthenticator interface {
	// UserByPassword returns the account, or [ErrNotFound] for an unknown name
	// and a wrong password alike, in about the same time.
	UserByPassword(ctx context.Context, username, password string) (*User, error)
}

// SignOuter is a [UserProvider] whose browser sessions Passport may end.
type SignOuter interface {
	// SignOut ends the session of the browser that sent r.
	SignOut(w http.ResponseWriter, r *http.Request) error
}

// Subject is who a token speaks for: an account or the client itself. The zero
// Subject is neither and is never issued for.
type Subject struct {
	user   UserRef
	client bool
}

// ForUser returns the subject for an account.
func ForUser(user UserRef) Subject { return Subject{user: user} }

// ForClient returns the subject for a client that acts for itself.
func ForClient() Subject { return Subject{client: true} }

// User returns the account; ok is false when the client acts for itself.
func (s Subject) User() (user UserRef, ok bool) { return s.user, s.user.ID != "" && !s.client }

// Valid reports whether s names somebody.
func (s Subject) Valid() bool { return s.client || s.user.ID != "" && s.user.Provider != "" }

// Claim returns the "sub" claim: "users:42" for an account, "client:7f3a" for a
// client, so that neither can ever be taken for the other (RFC 9068 §5).
func (s Subject) Claim(clientID string) string {
	if s.client {
		return "client:" + clientID
	}
	return s.user.Provider + ":" + s.user.ID
}

// DefaultProvider is the name of the provider of a server's own users, those of
// Config.Users.
const DefaultProvider = "users"
