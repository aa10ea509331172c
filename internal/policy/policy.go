// Package policy answers questions about what the operator has set: which scopes and
// resources a client may ask for, and how long what it gets lives. It reads only its
// settings and arguments.
package policy

import (
	"log/slog"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/logline"
	"github.com/go-passport/passport/internal/redirect"
	"github.com/go-passport/passport/oauth"
)

// Settings are those of Config, with its defaults filled in.
type Settings struct {
	Scopes        []oauth.Scope
	DefaultScopes []string
	InheritScopes bool

	Issuer    string
	Audience  string
	Resources []string

	AllowedRedirectSchemes []string
	AllowedOrigins         []string

	AccessTokenTTL         time.Duration
	AccessTokenTTLByGrant  map[string]time.Duration
	RefreshTokenTTL        time.Duration
	RefreshTokenGrace      time.Duration
	FamilyTTL              time.Duration
	CodeTTL                time.Duration
	PersonalTokenTTL       time.Duration
	CookieTTL              time.Duration
	PurgeAfter             time.Duration
	FamiliesEndWithSession bool

	Log *slog.Logger // gets a line for each client whose scope is ignored
}

// Policy answers for one server. It is safe for concurrent use.
type Policy struct {
	Settings
	registered map[string]bool
	scopeIDs   []string // the registered scopes
	audiences  []string // of tokens, the server's own first
	redirects  redirect.Rules
	traits     func(grantType string) oauth.GrantTraits
	ignored    *logline.Once // clients that asked for a scope that is ignored
}

// New returns the policy of the settings. traits returns what is known of a grant
// type.
func New(s Settings, traits func(grantType string) oauth.GrantTraits) *Policy {
	p := &Policy{Settings: s, registered: map[string]bool{}, audiences: append([]string{s.Audience}, s.Resources...), traits: traits, ignored: new(logline.Once)}
	p.redirects = redirect.Rules{HTTP: strings.HasPrefix(s.Issuer, "http:"), Schemes: s.AllowedRedirectSchemes}
	for _, scope := range s.Scopes {
		p.registered[scope.ID] = true
		p.scopeIDs = append(p.scopeIDs, scope.ID)
	}
	return p
}

// CheckRedirectURI returns an error if a redirect URI may not be registered. The error
// says what is wrong and how to fix it; it does not repeat the URI.
func (p *Policy) CheckRedirectURI(uri string) error { return p.redirects.Validate(uri) }

// CheckNewRedirectURI is CheckRedirectURI for a URI that isn't registered yet, which has
// to be spelled as clients send it.
func (p *Policy) CheckNewRedirectURI(uri string) error { return p.redirects.Register(uri) }
