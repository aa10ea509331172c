package clients

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-passport/passport/internal/safeurl"
	"github.com/go-passport/passport/oauth"
)

// maxNamed is how many audiences an error names.
const maxNamed = 10

// checkAudience reports the faults of an API's audience. A known audience gets the
// spelling of the settings.
func (r *Registry) checkAudience(c *oauth.Client) error {
	if c.Audience == "" {
		return nil
	}
	if configured, ok := r.policy.ConfiguredAudience(c.Audience); ok {
		c.Audience = configured
		return nil
	}
	own := fmt.Sprintf("the audience %q is not registered: use the server's, %s", safeurl.Text(c.Audience), r.policy.Audience)
	others := slices.DeleteFunc(slices.Clone(r.policy.Resources), func(uri string) bool { return uri == r.policy.Audience })
	if len(others) == 0 {
		return fmt.Errorf("%s, or add it to Config.Resources", own)
	}
	more := ""
	if n := len(others) - maxNamed; n > 0 {
		others, more = others[:maxNamed], fmt.Sprintf(" and %d more", n)
	}
	return fmt.Errorf("%s, or one of Config.Resources: %s%s", own, strings.Join(others, ", "), more)
}

// isAPI reports whether a client is an API that gets no tokens.
func isAPI(c *oauth.Client) bool { return c.Audience != "" && len(c.GrantTypes) == 0 }

// checkAPI reports settings that are for tokens, because an API gets no tokens.
func checkAPI(c *oauth.Client) error {
	var without []string
	for _, field := range []struct {
		name  string
		given bool
	}{
		{"redirect URIs", len(c.RedirectURIs) > 0},
		{"allowed origins", len(c.AllowedOrigins) > 0},
		{"scopes", len(c.Scopes) > 0},
		{"a user provider", c.Provider != ""},
		{"a lifetime of access tokens", c.AccessTokenTTL != 0},
		{"a lifetime of refresh tokens", c.RefreshTokenTTL != 0},
		{"a lifetime of families", c.FamilyTTL != 0},
		{"tokens that end with the session", c.EndsWithSession},
		{"settings for OpenID Connect", c.OpenID != nil},
	} {
		if field.given {
			without = append(without, field.name)
		}
	}
	if len(without) == 0 {
		return nil
	}
	return fmt.Errorf("an API gets no tokens, so it cannot have %s: remove that", strings.Join(without, ", "))
}
