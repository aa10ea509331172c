package passport

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/redirect"
	"github.com/go-passport/passport/oauth"
)

// accessTokenTTL is how long an access token of a grant lives: what the grant
// says, or else the client's own lifetime, that of the grant_type, the server's.
func (s *Server) accessTokenTTL(c *oauth.Client, grantType string, a *oauth.Authorization) time.Duration {
	return cmp.Or(a.AccessTokenTTL, c.AccessTokenTTL, s.config.AccessTokenTTLByGrant[grantType], s.config.AccessTokenTTL)
}

// refreshTokenTTL is how long a refresh token of the client may lie unused.
func (s *Server) refreshTokenTTL(c *oauth.Client) time.Duration {
	return cmp.Or(c.RefreshTokenTTL, s.config.RefreshTokenTTL)
}

// familyTTL is how long all that comes of a consent to the client lives at most.
func (s *Server) familyTTL(c *oauth.Client, browserApp bool) time.Duration {
	ttl := 365 * day
	if browserApp {
		ttl = 30 * day
	}
	return cmp.Or(c.FamilyTTL, s.config.FamilyTTL, ttl)
}

// familyLife is how long at most what a request asks for lives.
func (s *Server) familyLife(q *authorization) time.Duration {
	ttl := s.familyTTL(q.client, q.browserApp())
	if q.responder != nil { // a token alone
		ttl = min(ttl, s.accessTokenTTL(q.client, q.responder.GrantType(), &oauth.Authorization{}))
	}
	return ttl
}

// runsInBrowser reports whether the client may run in a browser, where nothing
// can be kept from other scripts.
func runsInBrowser(c *oauth.Client) bool {
	return c.Public() && slices.ContainsFunc(c.RedirectURIs, redirect.HTTPS)
}

func (f *faults) lifetimes(c Config, parts *feature.Joined) {
	for _, ttl := range []struct {
		name string
		d    time.Duration
	}{
		{"AccessTokenTTL", c.AccessTokenTTL}, {"RefreshTokenTTL", c.RefreshTokenTTL}, {"CodeTTL", c.CodeTTL}, {"PurgeAfter", c.PurgeAfter},
		{"PersonalTokenTTL", c.PersonalTokenTTL}, {"CookieTTL", c.CookieTTL},
	} {
		f.add(ttl.d < time.Second, "%s is %v: want at least a second", ttl.name, ttl.d)
	}
	for _, grantType := range slices.Sorted(maps.Keys(c.AccessTokenTTLByGrant)) {
		ttl := c.AccessTokenTTLByGrant[grantType]
		f.add(ttl < time.Second, "AccessTokenTTLByGrant[%q] is %v: want at least a second", grantType, ttl)
		f.add(grantType == personalAccess, "AccessTokenTTLByGrant[%q]: set PersonalTokenTTL, which is that of personal access tokens", grantType)
		f.add(!parts.KnowsGrant(grantType), "AccessTokenTTLByGrant[%q] names a grant type that does not exist: correct it, or take it out", grantType)
	}
	f.add(c.FamilyTTL != 0 && c.FamilyTTL < time.Second, "FamilyTTL is %v: want at least a second, or none for the default", c.FamilyTTL)
	f.add(c.CodeTTL > 10*time.Minute, "CodeTTL is %v: at most 10 minutes (RFC 6749 §4.1.2)", c.CodeTTL)
	f.add(c.RefreshTokenGrace > 0 && c.RefreshTokenGrace <= oauth.RetryAfter*time.Second,
		"RefreshTokenGrace is %v: want more than the %d seconds after which a client asks again that was told to try later, or a negative one for none", c.RefreshTokenGrace, oauth.RetryAfter)
	f.add(c.RefreshTokenGrace > time.Minute, "RefreshTokenGrace is %v: at most a minute; it is for answers that were lost, not for tokens that are kept", c.RefreshTokenGrace)
}
