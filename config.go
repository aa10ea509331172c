package passport

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/go-passport/passport/internal/policy"
	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/oauth"
)

// Config configures a [Server]. Issuer, Store and Keys are required. The zero
// value of every other field is the documented default, and the safe one.
type Config struct {
	// Issuer is the URL that clients know the server by (RFC 8414 §2), such as
	// "https://app.example.com". Every URL in an answer begins with it; the
	// Host header is never asked. It is https, or http on a loopback address.
	// One with a path prefixes every route with it.
	Issuer string

	// Path is where the endpoints lie below the issuer; "/oauth" by default.
	Path string

	// Store keeps clients and tokens: see packages sqlstore and memstore.
	Store oauth.Store

	// Keys sign access tokens; other secrets are derived from them.
	Keys *Keys

	// Secrets, when given, take the place of what is derived from Keys: what
	// seals tickets and derives codes and refresh tokens. The first seals, all
	// open. Each has at least 32 random bytes. They are required where the
	// private keys are not readable, as in a KMS.
	Secrets [][]byte

	// Users connects the server to the application's accounts. Nil leaves
	// only the grants that involve no user.
	Users UserProvider

	// Providers holds further sets of accounts by name, [a-z0-9-]+; a client
	// that names one acts for its users. "users" is Config.Users.
	Providers map[string]UserProvider

	// Scopes are the permissions that a client may ask for, in the order in
	// which they are shown. DefaultScopes are granted when a request names none.
	Scopes        []Scope
	DefaultScopes []string

	// InheritScopes lets a scope cover those below it: "orders" covers
	// "orders:read". What is asked for has to be registered all the same.
	InheritScopes bool

	// Audience is what tokens are for unless the request's resource says
	// otherwise (RFC 9068 §2.2); the issuer by default. The guards of this
	// server admit it alone. Resources are the other APIs that a request may
	// name by the parameter resource (RFC 8707): absolute URIs without fragment.
	Audience  string
	Resources []string

	// Grants adds grant types to the built-in ones.
	Grants []oauth.Grant

	// Responders adds response types to "code": those by which a client gets a token
	// at once, in the fragment of its redirect URI.
	Responders []oauth.Responder

	// Features turns on further parts of the server. Each has its settings as fields.
	Features []Feature

	// EnablePasswordGrant and EnableImplicitGrant let clients that are registered
	// for them use two grants that RFC 9700 §2.1.2 and §2.4 advise against: for
	// those that cannot be changed yet.
	EnablePasswordGrant, EnableImplicitGrant bool

	// ClientIDs is what new clients are called: [UUIDs] by default, or [Integers].
	ClientIDs IDFormat

	// NumericUserIDs writes the IDs of users as numbers in the JSON API, for front
	// ends that were written for an API that has numbers.
	NumericUserIDs bool

	// AccessTokenTTL is the life of an access token, one hour by default.
	// AccessTokenTTLByGrant has other ones by grant_type; a client's own beats both.
	AccessTokenTTL        time.Duration
	AccessTokenTTLByGrant map[string]time.Duration

	// RefreshTokenTTL is how long a refresh token may lie unused, 30 days by
	// default. FamilyTTL is when all that came of one consent ends, whatever
	// was refreshed: by default one year, and 30 days for public clients whose
	// redirect URI is https (browser applications).
	RefreshTokenTTL time.Duration
	FamilyTTL       time.Duration

	// RefreshTokenGrace is how long a refresh that is sent again gets the same
	// answer, for clients that lost it; 10 seconds by default, negative: never.
	RefreshTokenGrace time.Duration

	// CodeTTL is the life of an authorization code, 60 seconds by default, at
	// most 10 minutes (RFC 6749 §4.1.2).
	CodeTTL time.Duration

	// PersonalTokenTTL is the life of a personal access token, and the longest that
	// a user may choose; one year by default.
	PersonalTokenTTL time.Duration

	// PersonalTokenFormat is [Opaque] by default; [JWT] makes personal access
	// tokens that other servers can verify. An opaque one begins with
	// PersonalTokenPrefix, by which people and secret scanners know it;
	// "passport_pat_" by default.
	PersonalTokenFormat TokenFormat
	PersonalTokenPrefix string

	// PersonalAccessClientID and PersonalAccessClientSecret name the client that
	// personal access tokens belong to. Without them the server makes one.
	PersonalAccessClientID, PersonalAccessClientSecret string

	// CookieName is the cookie of [Server.FreshToken], "passport_token" by default,
	// and CookieTTL its life, two hours by default.
	CookieName string
	CookieTTL  time.Duration

	// Views replaces pages: consent.html, redirect.html, decided.html, error.html,
	// the layout.html that they are set in and its style.css, as [WriteViews]
	// writes them. What is missing is ours. What a page is given is in
	// [ConsentPage], [RedirectPage], [DecidedPage] and [ErrorPage].
	Views fs.FS

	// DisableJSONAPI leaves out the endpoints by which a page of the application
	// manages a user's clients and tokens: /oauth/clients, /oauth/tokens,
	// /oauth/personal-access-tokens, /oauth/scopes.
	DisableJSONAPI bool

	// PurgeAfter is how long what has ended is kept before [Server.Run] forgets
	// it, 7 days by default.
	PurgeAfter time.Duration

	// RequirePKCE demands a code challenge of confidential clients too. Public
	// clients need one always (RFC 9700 §2.1.1).
	RequirePKCE bool

	// SkipConsent, when it returns true, lets a client of the application's own
	// have what it asks for without a page, unless prompt holds consent. A
	// public client whose redirect URI is not https sees the page all the same
	// (RFC 8252 §8.6), unless InsecureSkipNativeConsent is set.
	SkipConsent               func(ctx context.Context, client *oauth.Client, user *User) bool
	InsecureSkipNativeConsent bool

	// FamiliesEndWithSession ends what a user granted together with the browser
	// session in which it was granted, for all clients. Off, signing out of the
	// website leaves connected apps connected.
	FamiliesEndWithSession bool

	// Claims adds claims to an access token. Names that RFC 9068 or this
	// server uses are refused: the request then fails with server_error.
	Claims func(ctx context.Context, token *oauth.AccessToken) (map[string]any, error)

	// OnEvent is called after each change, before the answer is written.
	OnEvent func(ctx context.Context, event Event)

	// OnRefusal writes the body of a guard's 401, 403 or 503 in the
	// application's own form. Status and challenge are in err and in the
	// headers already set; it calls WriteHeader itself.
	OnRefusal func(w http.ResponseWriter, r *http.Request, err *oauth.Error)

	// AuditLog stores a record of each change with the change.
	AuditLog bool

	// TrustedProxies are those whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix

	// InsecureAllowHTTP accepts an issuer of plain http that is not loopback.
	InsecureAllowHTTP bool

	// Logger defaults to [slog.Default].
	Logger *slog.Logger
}

// directory is the user providers.
func (c Config) directory() *users.Directory {
	return &users.Directory{Default: c.Users, Further: c.Providers}
}

// policy is what package policy needs of the configuration.
func (c Config) policy() policy.Settings {
	return policy.Settings{
		Scopes: c.Scopes, DefaultScopes: c.DefaultScopes, InheritScopes: c.InheritScopes, Issuer: c.Issuer, Audience: c.Audience, Resources: c.Resources,
		AccessTokenTTL: c.AccessTokenTTL, AccessTokenTTLByGrant: c.AccessTokenTTLByGrant, RefreshTokenTTL: c.RefreshTokenTTL,
		RefreshTokenGrace: c.RefreshTokenGrace, CookieTTL: c.CookieTTL, PurgeAfter: c.PurgeAfter, FamilyTTL: c.FamilyTTL, CodeTTL: c.CodeTTL, PersonalTokenTTL: c.PersonalTokenTTL, FamiliesEndWithSession: c.FamiliesEndWithSession,
	}
}

// IDFormat is what the IDs of clients look like.
type IDFormat string

// UUIDs are hard to guess and need no counter; Integers count up from 1.
const (
	UUIDs    IDFormat = "uuid"
	Integers IDFormat = "integer"
)

// TokenFormat is what an access token looks like.
type TokenFormat string

// An Opaque token says nothing to who holds it; a JWT can be read (RFC 9068).
const (
	Opaque TokenFormat = "opaque"
	JWT    TokenFormat = "jwt"
)

// Format implements [fmt.Formatter]: the issuer alone, for Secrets are secret.
func (c Config) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "passport.Config(%s)", c.Issuer) }

// LogValue implements [slog.LogValuer]: the issuer alone.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.Issuer) }
