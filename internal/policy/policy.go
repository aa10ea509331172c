// Package policy applies the operator's settings: which scopes and resources a
// client may request, and the lifetimes of its tokens. It reads only its settings
// and arguments.
package policy

import (
	"log/slog"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/logline"
	"github.com/go-passport/passport/internal/redirect"
	"github.com/go-passport/passport/oauth"
)

// Settings are the settings of passport.Config, with defaults filled in.
type Settings struct {
	Scopes        []oauth.Scope
	DefaultScopes []string
	InheritScopes bool
	FeatureScopes []oauth.Scope // of the features; one that Scopes has, too, is that of Scopes

	Issuer    string
	Audience  string
	Resources []string

	AllowedRedirectSchemes []string
	AllowedRedirectURIs    []string
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

	Log *slog.Logger // gets a line for each client that requests openid
}

// Policy is the policy of one server. It is safe for concurrent use.
type Policy struct {
	Settings
	registered map[string]bool
	byName     map[string]bool // scopes that * doesn't include; see withFeatures
	scopeIDs   []string        // the registered scopes
	audiences  []string        // of tokens; the server's own is first
	redirects  redirect.Rules
	traits     func(grantType string) oauth.GrantTraits
	ignored    *logline.Once // clients that requested openid
}

// New returns the policy of the settings. traits returns the traits of a grant type.
func New(s Settings, traits func(grantType string) oauth.GrantTraits) *Policy {
	all, byName := s.withFeatures()
	s.Scopes = all
	p := &Policy{Settings: s, registered: map[string]bool{}, byName: byName, audiences: append([]string{s.Audience}, s.Resources...), traits: traits, ignored: new(logline.Once), scopeIDs: IDs(s.Scopes)}
	p.redirects = redirect.Rules{HTTP: strings.HasPrefix(s.Issuer, "http:"), Schemes: s.AllowedRedirectSchemes, URIs: s.AllowedRedirectURIs}
	for _, scope := range s.Scopes {
		p.registered[scope.ID] = true
	}
	return p
}

// CheckRedirectURI returns an error if a redirect URI may not be registered. The
// error has the fault and the remedy; it does not repeat the URI.
func (p *Policy) CheckRedirectURI(uri string) error { return p.redirects.Validate(uri) }

// CheckNewRedirectURI is like CheckRedirectURI for a URI that isn't registered yet:
// it must have the spelling that clients send.
func (p *Policy) CheckNewRedirectURI(uri string) error { return p.redirects.Register(uri) }
