package clients

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/origin"
	"github.com/go-passport/passport/internal/safeurl"
	"github.com/go-passport/passport/internal/storable"
	"github.com/go-passport/passport/oauth"
)

// faults are the faults of a client. Each cause is one fault: a value that is listed
// twice, for example, is reported once.
type faults struct {
	errs []error
	said map[string]bool
}

func (f *faults) add(wrong bool, format string, args ...any) {
	if !wrong {
		return
	}
	err := fmt.Errorf("client: "+format, args...)
	if f.said == nil {
		f.said = map[string]bool{}
	}
	if !f.said[err.Error()] {
		f.errs = append(f.errs, err)
	}
	f.said[err.Error()] = true
}

// check returns all faults in the changeable fields of a client. stored is the client as
// it was before, or nil for a new one. What the server would refuse in a new client may
// stay: the settings have changed since, or an import has brought it.
func (r *Registry) check(c, stored *oauth.Client) error {
	f := new(faults)
	before := stored
	if before == nil {
		before = new(oauth.Client)
	}
	if strings.TrimSpace(c.Name) == "" {
		f.add(true, "a name is missing: users see it on the consent page")
	} else {
		f.add(!storable.Name(c.Name), "the name is not valid: want at most 255 bytes of UTF-8, without control and format characters")
	}
	f.add(!slices.Contains([]oauth.AuthMethod{oauth.AuthNone, oauth.AuthBasic, oauth.AuthPost, oauth.AuthSecret}, c.AuthMethod),
		"the authentication method %q does not exist: use none, client_secret_basic or client_secret_post", c.AuthMethod)
	f.add((c.Owner.ID == "") != (c.Owner.Provider == ""), "the owner needs both a provider and an ID, or neither")
	if err := r.checkAudience(c); err != nil {
		f.add(true, "%w", err)
	}
	f.add(c.Audience != "" && c.Public(), "an API needs a secret: introspection is not for public clients")
	if isAPI(c) {
		err := checkAPI(c)
		f.add(err != nil, "%w", err)
	} else {
		r.checkGrants(f, c, before)
		r.checkTokens(f, c, before)
		r.checkAddresses(f, c, before)
		for _, fault := range r.OpenIDFaults(c, stored) {
			f.add(true, "%w", fault)
		}
	}
	return errors.Join(f.errs...)
}

// checkGrants reports the faults of the grants and of the user provider.
func (r *Registry) checkGrants(f *faults, c, before *oauth.Client) {
	users := r.users.Provider(c.Provider)
	unknown := c.Provider != "" && users == nil
	f.add(unknown && c.Provider != before.Provider, "the user provider %q does not exist: name one of Config.Providers", c.Provider)
	if c.Provider == "" && users == nil {
		r.checkProvider(f, c)
	}
	for _, g := range c.GrantTypes {
		f.add(!r.parts.HasGrant(g) && !slices.Contains(before.GrantTypes, g), "the grant %q does not exist: %s", g, r.parts.Remedy(g))
		if check := r.parts.Traits(g).CheckClient; check != nil && !unknown {
			err := check(c, users)
			f.add(err != nil, "%w", err)
		}
	}
}

// checkProvider reports a client that needs a user provider and names none, on a
// server that has no default provider. No user could use it.
func (r *Registry) checkProvider(f *faults, c *oauth.Client) {
	names := r.users.Names()
	forUsers := slices.ContainsFunc(c.GrantTypes, func(g string) bool { return r.parts.HasGrant(g) && !r.parts.Traits(g).ClientOnly })
	if len(names) == 0 || !forUsers { // without users, grants for users don't exist
		return
	}
	more := ""
	if n := len(names) - maxNamed; n > 0 {
		names, more = names[:maxNamed], fmt.Sprintf(" and %d more", n)
	}
	f.add(true, "a user provider is missing, and there is no default, because Config.Users is not set: name one of Config.Providers: %s%s", strings.Join(names, ", "), more)
}

// checkTokens reports the faults of token lifetimes, scopes and redirect URIs.
func (r *Registry) checkTokens(f *faults, c, before *oauth.Client) {
	for _, ttl := range []struct {
		of string
		d  time.Duration
	}{{"access tokens", c.AccessTokenTTL}, {"refresh tokens", c.RefreshTokenTTL}, {"families", c.FamilyTTL}} {
		f.add(ttl.d != 0 && ttl.d < time.Second, "the lifetime of %s is %v: want at least a second, or 0 for the server's lifetime", ttl.of, ttl.d)
	}
	redirects := r.parts.AnyTrait(c, func(t oauth.GrantTraits) bool { return t.Redirects })
	f.add(redirects && len(c.RedirectURIs) == 0, "a redirect URI is missing: the server redirects users to it")
	for _, id := range c.Scopes {
		f.add(!r.policy.HasScope(id) && !slices.Contains(before.Scopes, id), "the scope %q does not exist: add it to Config.Scopes", id)
	}
}

// checkAddresses reports the faults of the redirect URIs and origins of a client.
func (r *Registry) checkAddresses(f *faults, c, before *oauth.Client) {
	for _, uri := range c.RedirectURIs {
		if err := r.policy.CheckNewRedirectURI(uri); err != nil && !slices.Contains(before.RedirectURIs, uri) {
			f.add(true, "the redirect URI %q %w", safeurl.Text(uri), err)
		}
	}
	f.add(len(c.AllowedOrigins) > oauth.MaxOrigins, "it has %d allowed origins: want at most %d", len(c.AllowedOrigins), oauth.MaxOrigins)
	for _, text := range c.AllowedOrigins {
		if err := origin.Check(text); err != nil && !slices.Contains(before.AllowedOrigins, text) {
			f.add(true, "the allowed origin %q %w", safeurl.Text(text), err)
		}
	}
}
