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

// AccessTokenLife returns the lifetime of an access token: the grant's, or else that
// of the client, of the grant type or of the server.
func (p *Policy) AccessTokenLife(c *oauth.Client, grantType string, a *oauth.Authorization) time.Duration {
	return cmp.Or(a.AccessTokenTTL, c.AccessTokenTTL, p.AccessTokenTTLByGrant[grantType], p.AccessTokenTTL)
}

// RefreshTokenLife returns how long a refresh token of the client may stay unused.
func (p *Policy) RefreshTokenLife(c *oauth.Client) time.Duration {
	return cmp.Or(c.RefreshTokenTTL, p.RefreshTokenTTL)
}

// FamilyLife returns the maximum lifetime of a family of the client. The default is
// shorter for a client in a browser.
func (p *Policy) FamilyLife(c *oauth.Client, inBrowser bool) time.Duration {
	ttl := 365 * Day
	if inBrowser {
		ttl = 30 * Day
	}
	return cmp.Or(c.FamilyTTL, p.FamilyTTL, ttl)
}

// LongestLife returns the longest lifetime of an access token or the first-party
// cookie in the settings, without the clients' own lifetimes. personal says whether
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

// RunsInBrowser reports whether the client may run in a browser, where other scripts
// can read its tokens.
func RunsInBrowser(c *oauth.Client) bool {
	return c.Public() && slices.ContainsFunc(c.RedirectURIs, redirect.HTTPS)
}
