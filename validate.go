package passport

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"path"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/internal/policy"
	"github.com/go-passport/passport/oauth"
)

const day = policy.Day

// startPatience is how long the store may take to answer when a server starts.
const startPatience = 10 * time.Second

// withDefaults fills in what is not set.
func (c Config) withDefaults() Config {
	c.Path = cmp.Or(c.Path, "/oauth")
	c.Audience = cmp.Or(c.Audience, c.Issuer)
	c.AccessTokenTTL = cmp.Or(c.AccessTokenTTL, time.Hour)
	c.RefreshTokenTTL = cmp.Or(c.RefreshTokenTTL, 30*day)
	c.RefreshTokenGrace = cmp.Or(c.RefreshTokenGrace, 10*time.Second)
	c.CodeTTL = cmp.Or(c.CodeTTL, time.Minute)
	c.PurgeAfter = cmp.Or(c.PurgeAfter, 7*day)
	c.PersonalTokenTTL = cmp.Or(c.PersonalTokenTTL, 365*day)
	c.PersonalTokenFormat = cmp.Or(c.PersonalTokenFormat, Opaque)
	c.PersonalTokenPrefix = cmp.Or(c.PersonalTokenPrefix, "passport_pat_")
	c.CookieName = cmp.Or(c.CookieName, "passport_token")
	c.CookieTTL = cmp.Or(c.CookieTTL, 2*time.Hour)
	c.ClientIDs = cmp.Or(c.ClientIDs, UUIDs)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	c.Users = powered(c.Users)
	c.Providers = maps.Clone(c.Providers)
	for name, p := range c.Providers {
		c.Providers[name] = powered(p)
	}
	if c.OnEvent == nil {
		c.OnEvent = func(context.Context, Event) {}
	}
	return c
}

// faults collects what is wrong with a configuration.
type faults []error

func (f *faults) add(wrong bool, format string, args ...any) {
	if wrong {
		*f = append(*f, fmt.Errorf("passport: Config."+format, args...))
	}
}

// faultOf is one fault of a setting, for a part of the server.
func faultOf(format string, args ...any) []error {
	return []error{fmt.Errorf("Config."+format, args...)}
}

// validate reports everything that is wrong, each with its remedy.
func (c Config) validate() error {
	var f faults
	f.issuer(c)
	f.add(c.Path != "/" && !isPlainPath(c.Path), "Path %q: want a plain path such as /oauth", c.Path)
	f.store(c)
	f.keys(c)
	f.users(c)
	f.scopes(c)
	f.audience(c)
	joined, clashes := feature.Join(c.parts()...)
	f.lifetimes(c, joined)
	for _, clash := range clashes {
		f = append(f, fmt.Errorf("passport: %w", clash))
	}
	f.formats(c)
	if c.Views != nil {
		for _, fault := range page.Check(c.Views) {
			f.add(true, "Views: %w", fault)
		}
	}
	return errors.Join(f...)
}

func (f *faults) issuer(c Config) {
	u, err := url.Parse(c.Issuer)
	if err != nil || u.Hostname() == "" || strings.HasSuffix(u.Host, ":") || u.Scheme != "https" && u.Scheme != "http" {
		f.add(true, "Issuer %q: want the server's own URL, such as https://app.example.com", c.Issuer)
		return
	}
	f.add(u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.User != nil || strings.Contains(c.Issuer, "#"),
		"Issuer %q: take out user, query and fragment; an issuer has scheme, host and path alone (RFC 8414 §2)", c.Issuer)
	f.add(strings.HasSuffix(c.Issuer, "/"), "Issuer %q: take out the slash at the end; clients compare the issuer byte by byte", c.Issuer)
	f.add(u.Path != "" && !isPlainPath(strings.TrimSuffix(u.EscapedPath(), "/")+"/x"), "Issuer %q: want a plain path, or none", c.Issuer)
	f.add(!strings.HasPrefix(c.Issuer, u.Scheme+":") || u.Host != strings.ToLower(u.Host), "Issuer %q: write scheme and host in small letters, as browsers do", c.Issuer)
	f.add(u.Scheme == "http" && !loopback(u.Hostname()) && !c.InsecureAllowHTTP,
		"Issuer %q: use https; tokens that travel in clear are anybody's. For a trial in a closed network set InsecureAllowHTTP", c.Issuer)
}

// isPlainPath reports whether a path is the same to clients, proxies and a
// ServeMux: one that is clean, of characters that nobody encodes.
func isPlainPath(p string) bool {
	const plain = "/-._~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	return strings.HasPrefix(p, "/") && p != "/" && path.Clean(p) == p && strings.Trim(p, plain) == ""
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (f *faults) store(c Config) {
	if c.Store == nil || isNilPointer(c.Store) {
		f.add(true, "Store is missing: use sqlstore.New(db, dialect), or new(memstore.Store) for a trial")
		return
	}
	checker, ok := oauth.StoreAs[oauth.Checker](c.Store)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), startPatience)
	defer cancel()
	if err := checker.Check(ctx); err != nil {
		f.add(true, "Store: %w", err)
	}
}

func (f *faults) keys(c Config) {
	if c.Keys == nil || c.Keys.ring.Empty() {
		f.add(true, "Keys is missing: make some with `passport keys` and load them with passport.LoadKeys(dir) or passport.KeysFromEnv(); passport.GenerateKeys() makes new ones for a trial")
		return
	}
	if err := c.Keys.ring.Validate(); err != nil {
		f.add(true, "Keys: %w", err)
	}
	f.add(len(c.Secrets) == 0 && !c.Keys.ring.Derivable(), "Secrets is missing: the first of Keys does not show its private key, as in a KMS, so nothing can be derived from it; give 32 random bytes")
	for i, secret := range c.Secrets {
		f.add(len(secret) < 32, "Secrets[%d] has %d bytes: give at least 32 random ones, as of `openssl rand 32`", i, len(secret))
	}
}

func (f *faults) users(c Config) {
	check := func(field string, p UserProvider) {
		if isNilPointer(p) {
			f.add(true, "%s is a nil %T: leave the field out, or make one", field, p)
			return
		}
		if v, ok := p.(interface{ Validate() error }); ok {
			if err := v.Validate(); err != nil {
				f.add(true, "%s: %w", field, err)
			}
		}
	}
	if c.Users != nil {
		check("Users", c.Users)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Providers)) {
		field := fmt.Sprintf("Providers[%q]", name)
		f.add(!isProviderName(name), "%s: a provider's name has small letters, digits and hyphens", field)
		f.add(name == "client", "%s: choose another name; client: marks a client's own tokens", field)
		f.add(name == DefaultProvider, "%s: the users of that name are those of Config.Users", field)
		if c.Providers[name] == nil {
			f.add(true, "%s is nil: leave it out", field)
			continue
		}
		check(field, c.Providers[name])
	}
	f.add(c.EnablePasswordGrant && !checksPasswords(c.Users) && !slices.ContainsFunc(slices.Collect(maps.Values(c.Providers)), checksPasswords),
		"EnablePasswordGrant: no user provider checks passwords; set UserFuncs.ByPassword, or give yours the method UserByPassword of oauth.PasswordAuthenticator")
}

// isNilPointer reports whether an interface that is not nil holds a pointer that
// is: a variable that nobody has set.
func isNilPointer(v any) bool {
	value := reflect.ValueOf(v)
	return value.Kind() == reflect.Pointer && value.IsNil()
}

func isProviderName(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

func (f *faults) scopes(c Config) {
	seen := map[string]bool{}
	for i, s := range c.Scopes {
		ids, err := policy.ParseScopes(s.ID)
		f.add(err != nil || len(ids) != 1 || ids[0] != s.ID, "Scopes[%d].ID %q: want one word of printable ASCII without quote and backslash (RFC 6749 §3.3)", i, s.ID)
		f.add(len(s.ID) > 255, "Scopes[%d].ID is longer than 255 bytes: shorten it", i)
		f.add(s.ID == "*", "Scopes[%d].ID *: it stands for all scopes and cannot be one", i)
		f.add(seen[s.ID], "Scopes lists %q twice: take one out", s.ID)
		seen[s.ID] = true
	}
	twice := map[string]bool{}
	for _, id := range c.DefaultScopes {
		f.add(!seen[id], "DefaultScopes names %q, which Scopes does not list: add it there", id)
		f.add(twice[id], "DefaultScopes lists %q twice: take one out", id)
		twice[id] = true
	}
}

func (f *faults) audience(c Config) {
	resources := c.Resources
	if c.Audience != c.Issuer {
		resources = append([]string{c.Audience}, resources...)
	}
	for _, uri := range resources {
		u, err := url.Parse(uri)
		f.add(err != nil || !u.IsAbs() || strings.ContainsAny(uri, "# "), "Audience or Resources has %q: want an absolute URI without fragment (RFC 8707 §2)", uri)
	}
}

func (f *faults) formats(c Config) {
	f.add(c.ClientIDs != UUIDs && c.ClientIDs != Integers, "ClientIDs %q: want uuid or integer", string(c.ClientIDs))
	f.add(c.PersonalTokenFormat != Opaque && c.PersonalTokenFormat != JWT, "PersonalTokenFormat %q: want opaque or jwt", string(c.PersonalTokenFormat))
	f.add(strings.Trim(c.PersonalTokenPrefix, wordCharacters+"-_") != "" || len(c.PersonalTokenPrefix) > 32,
		"PersonalTokenPrefix %q: want at most 32 letters, digits, hyphens and underscores, so that a token can stand in a header", c.PersonalTokenPrefix)
	f.add(strings.Trim(c.CookieName, wordCharacters+"-_.") != "", "CookieName %q: want letters, digits, dots, hyphens and underscores", c.CookieName)
	f.add(strings.EqualFold(c.CookieName, xsrfCookie), "CookieName %q: choose another name; that is the cookie that scripts read", c.CookieName)
	f.add(hasCookiePrefix(c.CookieName) && !strings.HasPrefix(c.Issuer, "https:"),
		"CookieName %q: browsers take a cookie of that prefix over https alone; take the prefix out, or use an issuer of https", c.CookieName)
	f.add((c.PersonalAccessClientID == "") != (c.PersonalAccessClientSecret == ""),
		"PersonalAccessClientID and PersonalAccessClientSecret: give both, or neither for a client that the server makes")
}

const wordCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

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
