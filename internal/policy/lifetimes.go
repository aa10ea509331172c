package policy

import (
	"cmp"
	"slices"
	"time"

	"github.com/go-passport/passport/internal/redirect"
	"github.com/go-passport/passport/oauth"
)

// Day is 24 hours.
const Day = 24 * time.Hour

// AccessTokenLife is how long an access token of a grant lives: what the grant
// says, or else the lifetime of the client, of the grant type or of the server.
func (p *Policy) AccessTokenLife(c *oauth.Client, grantType string, a *oauth.Authorization) time.Duration {
	return cmp.Or(a.AccessTokenTTL, c.AccessTokenTTL, p.AccessTokenTTLByGrant[grantType], p.AccessTokenTTL)
}

// RefreshTokenLife is how long a refresh token of the client may stay unused.
func (p *Policy) RefreshTokenLife(c *oauth.Client) time.Duration {
	return cmp.Or(c.RefreshTokenTTL, p.RefreshTokenTTL)
}

// FamilyLife is how long a family of the client lives at most. Where the client
// runs in a browser the default is shorter.
func (p *Policy) FamilyLife(c *oauth.Client, inBrowser bool) time.Duration {
	ttl := 365 * Day
	if inBrowser {
		ttl = 30 * Day
	}
	return cmp.Or(c.FamilyTTL, p.FamilyTTL, ttl)
}

// LongestLife is the longest life that the settings give an access token or the
// first-party cookie, without the clients' own lifetimes. personal says whether
// personal access tokens count.
func (p *Policy) LongestLife(personal bool) time.Duration {
	longest := max(p.AccessTokenTTL, p.CookieTTL)
	for _, ttl := range p.AccessTokenTTLByGrant {
		longest = max(longest, ttl)
	}
	if personal {
		longest = max(longest, p.PersonalTokenTTL)
	}
	return longest
}

// RunsInBrowser reports whether the client may run in a browser, where other
// scripts can read what it keeps.
func RunsInBrowser(c *oauth.Client) bool {
	return c.Public() && slices.ContainsFunc(c.RedirectURIs, redirect.HTTPS)
}
