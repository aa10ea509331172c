package policy

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/go-passport/passport/internal/origin"
	"github.com/go-passport/passport/internal/redirect"
	"github.com/go-passport/passport/internal/resource"
	"github.com/go-passport/passport/internal/safeurl"
	"github.com/go-passport/passport/internal/weburl"
	"github.com/go-passport/passport/oauth"
)

// Faults returns the faults of the settings, each with its remedy. Every fault
// begins with the name of the field.
func (s Settings) Faults() []error {
	var f faults
	f.scopes(s)
	f.audience(s)
	for _, name := range s.AllowedRedirectSchemes {
		err := redirect.CheckScheme(name)
		f.add(err != nil, "AllowedRedirectSchemes: %q %w", safeurl.Text(name), err)
	}
	for _, uri := range s.AllowedRedirectURIs {
		if !strings.HasPrefix(uri, "http://") {
			f.add(true, "AllowedRedirectURIs: %q is not an http URI: remove it; other URIs need no setting, or their scheme in AllowedRedirectSchemes", safeurl.Text(uri))
			continue
		}
		err := redirect.Rules{HTTP: true}.Validate(uri) // a stored client may have capital letters in its host
		f.add(err != nil, "AllowedRedirectURIs: %q %w", safeurl.Text(uri), err)
	}
	for _, text := range s.AllowedOrigins {
		err := origin.Check(text)
		f.add(err != nil, "AllowedOrigins: %q %w", safeurl.Text(text), err)
	}
	f.lifetimes(s)
	return f
}

type faults []error

func (f *faults) add(wrong bool, format string, args ...any) {
	if wrong {
		*f = append(*f, fmt.Errorf(format, args...))
	}
}

func (f *faults) scopes(s Settings) {
	seen := map[string]bool{}
	for i, scope := range s.Scopes {
		ids, err := ParseScopes(scope.ID)
		f.add(err != nil || len(ids) != 1 || ids[0] != scope.ID, "Scopes[%d].ID %q: want one word of printable ASCII without quote and backslash (RFC 6749 §3.3)", i, safeurl.Name(scope.ID))
		f.add(len(scope.ID) > 255, "Scopes[%d].ID is longer than 255 bytes: shorten it", i)
		f.add(scope.ID == "*", "Scopes[%d].ID *: it means all scopes and cannot be registered", i)
		f.add(seen[scope.ID], "Scopes lists %q twice: remove one", safeurl.Name(scope.ID))
		seen[scope.ID] = true
	}
	all, byName := s.withFeatures()
	for _, scope := range all {
		f.add(byName[scope.ID] && strings.TrimSpace(scope.Description) == "",
			"Features: a feature names the scope %q, which has no description for the consent page: add the scope to Scopes, or set its Description in the feature", safeurl.Name(scope.ID))
		seen[scope.ID] = true
	}
	twice := map[string]bool{}
	for _, id := range s.DefaultScopes {
		f.add(!seen[id], "DefaultScopes names %q, which Scopes does not list: add it there", safeurl.Name(id))
		f.add(id == openID && byName[id], "DefaultScopes names openid: remove it, because only a request can ask for an ID token (OpenID Connect Core §3.1.2.1)")
		f.add(twice[id], "DefaultScopes lists %q twice: remove one", safeurl.Name(id))
		twice[id] = true
	}
}

func (f *faults) audience(s Settings) {
	resources := s.Resources
	if s.Audience != s.Issuer {
		resources = append([]string{s.Audience}, resources...)
	}
	for _, uri := range resources {
		u, err := url.Parse(uri)
		f.add(err != nil || !u.IsAbs() || strings.ContainsAny(uri, "# "), "Audience or Resources has %q: want an absolute URI without fragment (RFC 8707 §2)", safeurl.Text(uri))
		if spelling, ok := weburl.Canonical(uri); ok {
			f.add(u.User != nil || strings.ContainsFunc(u.Host, func(r rune) bool { return r > unicode.MaxASCII }),
				"Audience or Resources has %q: clients and APIs compare it byte by byte and use another spelling; write %q", safeurl.Text(uri), spelling)
		}
	}
	all := append([]string{s.Audience}, s.Resources...)
	for i, uri := range all {
		if other, ok := resource.Find(uri, all[:i]); ok {
			f.add(other != uri, "Audience or Resources has %q and %q, which name the same resource: keep one spelling", safeurl.Text(other), safeurl.Text(uri))
		}
	}
}

func (f *faults) lifetimes(s Settings) {
	for _, ttl := range []struct {
		name string
		d    time.Duration
	}{
		{"AccessTokenTTL", s.AccessTokenTTL}, {"RefreshTokenTTL", s.RefreshTokenTTL}, {"CodeTTL", s.CodeTTL}, {"PurgeAfter", s.PurgeAfter},
		{"PersonalTokenTTL", s.PersonalTokenTTL}, {"CookieTTL", s.CookieTTL},
	} {
		f.add(ttl.d < time.Second, "%s is %v: want at least a second", ttl.name, ttl.d)
	}
	for _, grantType := range slices.Sorted(maps.Keys(s.AccessTokenTTLByGrant)) {
		ttl := s.AccessTokenTTLByGrant[grantType]
		f.add(ttl < time.Second, "AccessTokenTTLByGrant[%q] is %v: want at least a second", safeurl.Name(grantType), ttl)
	}
	f.add(s.FamilyTTL != 0 && s.FamilyTTL < time.Second, "FamilyTTL is %v: want at least a second, or 0 for the default", s.FamilyTTL)
	f.add(s.CodeTTL > 10*time.Minute, "CodeTTL is %v: want at most 10 minutes (RFC 6749 §4.1.2)", s.CodeTTL)
	f.add(s.RefreshTokenGrace > 0 && s.RefreshTokenGrace <= oauth.RetryAfter*time.Second,
		"RefreshTokenGrace is %v: want more than %d seconds, the time after which clients retry, or a negative value to disable it", s.RefreshTokenGrace, oauth.RetryAfter)
	f.add(s.RefreshTokenGrace > time.Minute, "RefreshTokenGrace is %v: want at most a minute, because it is for lost responses", s.RefreshTokenGrace)
}
