// Package idtoken signs and verifies ID tokens (OpenID Connect Core §2), and signs
// logout tokens (OpenID Connect Back-Channel Logout §2.4). It has the claims about users,
// too.
package idtoken

import (
	"cmp"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/jws"
	"github.com/go-passport/passport/internal/keyring"
	"github.com/go-passport/passport/oauth"
)

// DefaultAlg is the algorithm of ID tokens without another choice: every client can
// verify it (OpenID Connect Core §15.1).
const DefaultAlg = jws.RS256

// DefaultTTL is the lifetime of ID tokens without another choice.
const DefaultTTL = time.Hour

// Config holds the dependencies of a [Service].
type Config struct {
	Issuer        string
	Keys          *keyring.Live
	OpenID        *feature.OpenID
	InheritScopes bool // a scope includes the scopes below it
}

// Service signs and verifies ID tokens. It is safe for concurrent use.
type Service struct {
	Config
	extra map[string]string // the scope of each extra claim, by name
}

// New returns a service. It is nil for a server that isn't an OpenID provider.
func New(c Config) *Service {
	if c.OpenID == nil {
		return nil
	}
	s := &Service{Config: c, extra: map[string]string{}}
	for _, e := range c.OpenID.ExtraClaims {
		s.extra[e.Name] = e.Scope
	}
	return s
}

// Scope is the scope of a request for an ID token.
const Scope = "openid"

// Issues reports whether tokens with the granted scopes have an ID token beside them.
func (s *Service) Issues(scopes []string) bool { return s != nil && slices.Contains(scopes, Scope) }

// CheckAlg returns an error if ID tokens can't have an algorithm: the remedy is another
// algorithm or a key.
func (s *Service) CheckAlg(alg string) error {
	if algs := s.Keys.Algorithms(); !slices.Contains(algs, alg) {
		slices.Sort(algs)
		return fmt.Errorf("%w; the keys have %q", keyring.NoKey(alg), algs)
	}
	return nil
}

// alg returns the algorithm of a client's ID and logout tokens.
func alg(c *oauth.Client) string {
	if c.OpenID == nil {
		return DefaultAlg
	}
	return cmp.Or(c.OpenID.IDTokenAlg, DefaultAlg)
}

// life returns the lifetime of a client's ID tokens.
func (s *Service) life(c *oauth.Client) time.Duration {
	life := cmp.Or(s.OpenID.IDTokenTTL, DefaultTTL)
	if c.OpenID == nil {
		return life
	}
	return cmp.Or(c.OpenID.IDTokenTTL, life)
}

// LongestLife returns the lifetime of ID tokens of clients without their own; zero if
// the server isn't an OpenID provider.
func (s *Service) LongestLife() time.Duration {
	if s == nil {
		return 0
	}
	return max(s.life(new(oauth.Client)), logoutLife)
}

// Format implements [fmt.Formatter]. It prints no token: only the client's ID.
func (r Request) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "idtoken.Request(%s)", cmp.Or(r.Client, new(oauth.Client)).ID)
}

// LogValue implements [slog.LogValuer]: only the client's ID.
func (r Request) LogValue() slog.Value {
	return slog.StringValue(cmp.Or(r.Client, new(oauth.Client)).ID)
}
