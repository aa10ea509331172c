package console

import (
	"fmt"
	"strings"

	"github.com/go-passport/passport/oauth"
)

// isAPI reports whether a client is an API, which gets no tokens. A client with grants
// and an audience is not.
func isAPI(c *oauth.Client) bool { return c.Audience != "" && len(c.GrantTypes) == 0 }

// tokenOptions are the options about a client's tokens.
type tokenOptions struct {
	redirectURIs, origins, grants, scopes []string
	provider                              string
	lifetimes                             lifetimes
}

// forAPI refuses these options for an API, and names those that were given.
func (o tokenOptions) forAPI() error {
	var given []string
	for _, option := range []struct {
		name  string
		given bool
	}{
		{"--redirect-uri", len(separated(o.redirectURIs, ",")) > 0},
		{"--allowed-origin", len(separated(o.origins, ", ")) > 0},
		{"--grant", len(separated(o.grants, ", ")) > 0},
		{"--scopes", len(separated(o.scopes, ", ")) > 0},
		{"--provider", o.provider != ""},
		{"--access-token-ttl", o.lifetimes.accessToken != 0},
		{"--refresh-token-ttl", o.lifetimes.refreshToken != 0},
		{"--family-ttl", o.lifetimes.family != 0},
	} {
		if option.given {
			given = append(given, option.name)
		}
	}
	if len(given) == 0 {
		return nil
	}
	last := len(given) - 1
	names := given[last]
	if last > 0 {
		names = strings.Join(given[:last], ", ") + " and " + names
	}
	return fmt.Errorf("an API gets no tokens: leave out %s", names)
}
