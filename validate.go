package passport

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/brand"
	"github.com/go-passport/passport/internal/core"
	"github.com/go-passport/passport/internal/firstparty"
	"github.com/go-passport/passport/internal/issuer"
	"github.com/go-passport/passport/internal/logline"
	"github.com/go-passport/passport/internal/nilpointer"
	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/internal/policy"
	"github.com/go-passport/passport/internal/safeurl"
	"github.com/go-passport/passport/internal/tokens"
	"github.com/go-passport/passport/oauth"
)

const day = policy.Day

// withDefaults returns the configuration with its defaults.
func (c Config) withDefaults() Config {
	c.Path = cmp.Or(c.Path, "/oauth")
	c.Audience = cmp.Or(c.Audience, c.Issuer)
	c.AccessTokenTTL = cmp.Or(c.AccessTokenTTL, time.Hour)
	c.RefreshTokenTTL = cmp.Or(c.RefreshTokenTTL, 30*day)
	c.RefreshTokenGrace = cmp.Or(c.RefreshTokenGrace, 10*time.Second)
	c.CodeTTL = cmp.Or(c.CodeTTL, time.Minute)
	c.PurgeAfter = cmp.Or(c.PurgeAfter, 7*day)
	c.PersonalTokenTTL = cmp.Or(c.PersonalTokenTTL, 365*day)
	c.MaxClientsPerUser = cmp.Or(c.MaxClientsPerUser, 100)
	c.MaxFamiliesPerClient = cmp.Or(c.MaxFamiliesPerClient, 50)
	c.MaxPersonalTokensPerUser = cmp.Or(c.MaxPersonalTokensPerUser, 1000)
	c.PersonalTokenFormat = cmp.Or(c.PersonalTokenFormat, Opaque)
	c.PersonalTokenPrefix = cmp.Or(c.PersonalTokenPrefix, "passport_pat_")
	c.CookieName = cmp.Or(c.CookieName, firstparty.DefaultName(c.Issuer))
	c.CookieTTL = cmp.Or(c.CookieTTL, 2*time.Hour)
	c.ClientIDs = cmp.Or(c.ClientIDs, UUIDs)
	c.Logger = logline.Bounded(cmp.Or(c.Logger, slog.Default()), nil)
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

// faults collects the faults of a configuration.
type faults []error

func (f *faults) add(wrong bool, format string, args ...any) {
	if wrong {
		*f = append(*f, fmt.Errorf("passport: Config."+format, args...))
	}
}

// startTimeout is the maximum time for the store to respond when a server starts.
const startTimeout = 10 * time.Second

// Validate returns an error that lists every fault of the settings with its remedy.
// It uses neither the store nor the keys, so that settings can be checked before
// these exist. [New] also checks these.
func (c Config) Validate() error {
	c = c.withDefaults()
	return c.validate(c.parts(), false)
}

// validate implements Validate. If complete, it also checks the store and the keys.
func (c Config) validate(parts []core.Part, complete bool) error {
	var f faults
	f.all(issuer.Check(c.Issuer, c.Path, c.InsecureAllowHTTP))
	joined, clashes := core.Join(parts)
	if complete {
		f.store(c)
		f.keys(c, joined.OpenID.RequiredAlgs())
	}
	f.all(c.directory().Faults())
	f.add(c.EnablePasswordGrant && !c.directory().CheckPasswords(),
		"EnablePasswordGrant: no user provider checks passwords; set UserFuncs.ByPassword, or implement oauth.PasswordAuthenticator")
	f.all(c.policy(joined).Faults())
	for _, grantType := range slices.Sorted(maps.Keys(c.AccessTokenTTLByGrant)) {
		f.add(grantType == tokens.PersonalAccess, "AccessTokenTTLByGrant[%q]: set PersonalTokenTTL for personal access tokens", grantType)
		f.add(!joined.KnowsGrant(grantType), "AccessTokenTTLByGrant[%q] names a grant type that does not exist: correct or remove it", safeurl.Name(grantType))
	}
	for _, clash := range clashes {
		f = append(f, fmt.Errorf("passport: %w", clash))
	}
	f.formats(c)
	f.all(policy.CheckLimits(map[string]int{
		"MaxClientsPerUser": c.MaxClientsPerUser, "MaxFamiliesPerClient": c.MaxFamiliesPerClient, "MaxPersonalTokensPerUser": c.MaxPersonalTokensPerUser,
	}))
	f.all(brand.Brand(c.Brand).Faults())
	if c.Views != nil {
		for _, fault := range page.Check(c.Views, slices.ContainsFunc(c.Scopes, func(s Scope) bool { return s.Optional })) {
			f.add(true, "Views: %w", fault)
		}
	}
	return errors.Join(f...)
}

// all adds the faults of a room. They begin with the name of the field.
func (f *faults) all(found []error) {
	for _, fault := range found {
		f.add(true, "%w", fault)
	}
}

func (f *faults) store(c Config) {
	if c.Store == nil || nilpointer.Is(c.Store) {
		f.add(true, "Store is missing: use sqlstore.New(db, dialect), or new(memstore.Store) for a trial")
		return
	}
	checker, ok := oauth.StoreAs[oauth.Checker](c.Store)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if err := checker.Check(ctx); err != nil {
		f.add(true, "Store: %w", err)
	}
}

func (f *faults) keys(c Config, required []string) {
	if c.Keys == nil || c.Keys.ring.Empty() {
		f.add(true, "Keys is missing: create keys with `passport keys` and load them with passport.LoadKeys(dir) or passport.KeysFromEnv(), or use passport.GenerateKeys() for a trial")
		return
	}
	if err := c.Keys.ring.Validate(); err != nil {
		f.add(true, "Keys: %w", err)
	}
	for _, alg := range required {
		f.add(!slices.Contains(c.Keys.Algorithms(), alg), "Keys has no %[1]s key, which OpenID needs because every client can verify %[1]s: add one with `passport keys add --alg %[1]s`", alg)
	}
	f.add(len(c.Secrets) == 0 && !c.Keys.ring.Derivable(), "Secrets is missing: the first key does not expose its private key (KMS), so no secrets can be derived from it; set at least 32 random bytes")
}

func (f *faults) formats(c Config) {
	for i, secret := range c.Secrets {
		f.add(len(secret) < 32, "Secrets[%d] has %d bytes: set at least 32 random bytes, such as the output of `openssl rand 32`", i, len(secret))
	}
	f.add(c.ClientIDs != UUIDs && c.ClientIDs != Integers, "ClientIDs %q: want uuid or integer", safeurl.Text(string(c.ClientIDs)))
	f.add(c.PersonalTokenFormat != Opaque && c.PersonalTokenFormat != JWT, "PersonalTokenFormat %q: want opaque or jwt", safeurl.Text(string(c.PersonalTokenFormat)))
	f.add(strings.Trim(c.PersonalTokenPrefix, wordCharacters+"-_") != "" || len(c.PersonalTokenPrefix) > 32,
		"PersonalTokenPrefix %q: want at most 32 letters, digits, hyphens and underscores", safeurl.Text(c.PersonalTokenPrefix))
	f.all(firstparty.CheckCookieName(c.CookieName, strings.HasPrefix(c.Issuer, "https:")))
	f.add((c.PersonalAccessClientID == "") != (c.PersonalAccessClientSecret == ""),
		"PersonalAccessClientID and PersonalAccessClientSecret: set both, or neither to let the server create the client")
}

const wordCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
