// Package idtoken signs and verifies ID tokens (OpenID Connect Core §2), and signs
// logout tokens (OpenID Connect Back-Channel Logout §2.4). It has the claims about users,
// too.
package idtoken

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/keyring"
	"github.com/go-passport/passport/oauth"
)

// Config holds the dependencies of a [Service].
type Config struct {
	Issuer string
	Keys   *keyring.Live
	OpenID *feature.OpenID
}

// Service signs and verifies ID tokens. It is safe for concurrent use.
type Service struct{ Config }

// New returns a service. It is nil for a server that isn't an OpenID provider.
func New(c Config) *Service {
	if c.OpenID == nil {
		return nil
	}
	return &Service{c}
}

// Request is what an ID token is signed for.
type Request struct {
	Client      *oauth.Client
	User        *oauth.User
	Family      *oauth.Family
	Scopes      []string // granted
	Nonce       string   // of the authorization request; empty on a refresh
	AccessToken string   // that is issued with it, for at_hash
	Time        time.Time
}

// Sign returns the ID token.
func (s *Service) Sign(ctx context.Context, r Request) (string, error) {
	return "", errors.New("ID tokens are not signed yet")
}

// Hint is what an ID token says, sent back by a client in id_token_hint.
type Hint struct {
	Subject  string // the sub claim: compare it with [oauth.Subject.Claim]
	ClientID string // that the token was issued to
	SID      string // of the session; empty if the token has none
}

// Hint verifies an ID token of this issuer that a client sends back. The token may have
// expired. The error says what is wrong with it.
func (s *Service) Hint(raw string) (*Hint, error) {
	return nil, errors.New("ID tokens are not verified yet")
}

// Logout is a notice to a client that a user has signed out.
type Logout struct {
	Client  *oauth.Client
	Subject string // the sub claim
	SID     string // of the session that ended; empty for all sessions of the user
	Time    time.Time
}

// SignLogout returns the logout token.
func (s *Service) SignLogout(l Logout) (string, error) {
	return "", errors.New("logout tokens are not signed yet")
}

// Claims returns the claims about a user that the scopes ask for, in the form of
// UserInfo: without sub (OpenID Connect Core §5.4).
func (s *Service) Claims(ctx context.Context, user *oauth.User, client *oauth.Client, scopes []string) (map[string]any, error) {
	return nil, errors.New("there are no claims yet")
}

// Format implements [fmt.Formatter]. It prints no token: only the client's ID.
func (r Request) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "idtoken.Request(%s)", cmp.Or(r.Client, new(oauth.Client)).ID)
}

// LogValue implements [slog.LogValuer]: only the client's ID.
func (r Request) LogValue() slog.Value {
	return slog.StringValue(cmp.Or(r.Client, new(oauth.Client)).ID)
}
