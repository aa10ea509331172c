package passport

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/policy"
	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/oauth"
)

// Config configures a [Server]. Issuer, Store and Keys are required. The zero value
// of every other field selects its documented, safe default. A lifetime has at least
// one second. [New] and [Config.Validate] report every invalid field.
type Config struct {
	// Required.

	// Issuer is the URL that identifies the server to clients (RFC 8414 §2), such
	// as "https://app.example.com". It must be https, or http on a loopback
	// address; see InsecureAllowHTTP. Every URL in a response begins with it: the
	// server never uses the Host header. If it has a path, that path precedes all
	// routes.
	Issuer string

	// Store stores clients and tokens. Use package sqlstore, or memstore for tests
	// and trials.
	Store oauth.Store

	// Keys sign access tokens. The server also derives its other secrets from
	// them.
	Keys *Keys

	// Users, scopes and grants.

	// Users connects the server to the application's accounts. Without Users and
	// Providers, only grants without a user are available.
	Users UserProvider

	// Providers are further sets of accounts by name ([a-z0-9-]+). A client with
	// Registration.Provider acts for the users of that provider. The name "users"
	// is reserved for Config.Users.
	Providers map[string]UserProvider

	// Scopes are the permissions that a client may request, in the order of the
	// consent page. Default: none.
	Scopes []Scope

	// DefaultScopes are granted if a request names no scope. With the feature OpenID, it
	// can't have openid. Default: none.
	DefaultScopes []string

	// InheritScopes lets a scope include the scopes below it: "orders" includes
	// "orders:read". A requested scope must be registered in any case.
	InheritScopes bool

	// Audience is the audience of tokens whose request names no resource
	// (RFC 9068 §2.2). This server's guards accept only tokens for this audience. If it
	// is a URL of the issuer's origin, the server serves its metadata (RFC 9728).
	// Default: Issuer.
	Audience string

	// Resources are the other APIs that a request may name in the parameter
	// resource (RFC 8707): absolute URIs without a fragment. A request may spell
	// scheme and host in another case, add the default port, and add or omit the
	// slash of an empty path. Tokens have the spelling of this list. Default: none.
	Resources []string

	// AllowedRedirectSchemes are further schemes of redirect URIs, for applications
	// whose scheme is not a domain name in reverse: names in lower case, such as
	// "cursor". Any application on the user's device can claim such a scheme (RFC
	// 8252 §7.1), so their users always see the consent page. Never allowed are
	// javascript, data, file, blob, vbscript, about, http, https, ws, wss, mailto,
	// ftp, filesystem and view-source. Default: none.
	AllowedRedirectSchemes []string

	// AllowedRedirectURIs are redirect URIs with http on a host that is not the user's own
	// device, in full, such as "http://intranet.example.com/callback". An attacker who can
	// read the network can read their codes, so use https where you can (RFC 9700 §2.6).
	// Default: none.
	AllowedRedirectURIs []string

	// AllowedOrigins are origins whose pages may call the token and revocation
	// endpoints for any client (CORS): scheme://host or scheme://host:port in lower
	// case, such as "capacitor://localhost". The origins of a client's redirect URIs
	// and its own AllowedOrigins are allowed for it in any case. Default: none.
	AllowedOrigins []string

	// Grants are additional grant types. Default: none.
	Grants []oauth.Grant

	// Responders are additional response types beside "code". With one of them, a
	// client gets a token directly, in the fragment of its redirect URI. Default:
	// none.
	Responders []oauth.Responder

	// Features enable further parts of the server. Each feature has its settings
	// as fields. This version has none. Default: none.
	Features []Feature

	// EnablePasswordGrant enables the password grant, which RFC 9700 §2.4 forbids.
	// EnableImplicitGrant enables the implicit grant, which RFC 9700 §2.1.2 advises
	// against. They are for old clients that cannot be changed yet. A client must
	// also be registered for the grant.
	EnablePasswordGrant, EnableImplicitGrant bool

	// RequirePKCE requires PKCE of confidential clients, too. Public clients must
	// always use it (RFC 9700 §2.1.1).
	RequirePKCE bool

	// Lifetimes and formats.

	// AccessTokenTTL is the lifetime of an access token. A lifetime in
	// AccessTokenTTLByGrant precedes it, and the client's own lifetime precedes
	// both. Default: one hour.
	AccessTokenTTL time.Duration

	// AccessTokenTTLByGrant has lifetimes of access tokens by grant_type.
	AccessTokenTTLByGrant map[string]time.Duration

	// RefreshTokenTTL is the lifetime of a refresh token. Each refresh replaces
	// the token, so this is how long a client may be inactive. Default: 30 days.
	RefreshTokenTTL time.Duration

	// FamilyTTL is the lifetime of a token family: all tokens of one consent end
	// after it, regardless of refreshes. Default: one year; 30 days for browser
	// applications, which are public clients with an https redirect URI.
	FamilyTTL time.Duration

	// RefreshTokenGrace is how long a repeated refresh gets the same response, for
	// clients that lost the first one: at most one minute. A negative value
	// disables it. Default: 10 seconds.
	RefreshTokenGrace time.Duration

	// CodeTTL is the lifetime of an authorization code, at most 10 minutes
	// (RFC 6749 §4.1.2). Default: 60 seconds.
	CodeTTL time.Duration

	// FamiliesEndWithSession ends all tokens of a consent with the browser session
	// of the consent, for all clients: when the user signs out, or at
	// [User.SessionExpiresAt]. A granted scope offline_access exempts an app. By
	// default, signing out of the website does not disconnect apps.
	FamiliesEndWithSession bool

	// PersonalTokenTTL is the lifetime of a personal access token, and the maximum
	// that a user may choose. Default: one year.
	PersonalTokenTTL time.Duration

	// MaxClientsPerUser is how many clients a user may own that are not revoked.
	// Above it, creating a client with an owner fails with [oauth.ErrLimit]; the
	// JSON API responds with 422. Concurrent requests may exceed it by their own
	// number. Clients without an owner have no limit. -1 removes the limit, and
	// a lower value is an error. Default, also for 0: 100.
	MaxClientsPerUser int

	// MaxPersonalTokensPerUser is how many live personal access tokens a user may
	// have. Above it, creating one fails with [oauth.ErrLimit]; the JSON API
	// responds with 422. Concurrent requests may exceed it by their own number. -1
	// removes the limit, and a lower value is an error. Default, also for 0: 1000.
	MaxPersonalTokensPerUser int

	// MaxFamiliesPerClient is how many token families of one user at one client
	// stay live: consents in several browsers, for example. None is refused. The
	// oldest above the number end when the user allows a request on a consent page,
	// and when [Server.Run] finds that one began in the last two hours. Families of
	// personal access tokens, and families whose code expired unredeemed, don't count. -1
	// removes the limit, and a lower value is an error. Default, also for 0: 50.
	MaxFamiliesPerClient int

	// PersonalTokenFormat is the format of personal access tokens. With [JWT],
	// other servers can verify them. Default: [Opaque].
	PersonalTokenFormat TokenFormat

	// PersonalTokenPrefix is how opaque personal access tokens begin. Users and
	// secret scanners recognize them by it. Default: "passport_pat_".
	PersonalTokenPrefix string

	// PersonalAccessClientID and PersonalAccessClientSecret are the credentials of
	// the client that personal access tokens belong to. Set both or neither.
	// Default: a client that the server creates.
	PersonalAccessClientID, PersonalAccessClientSecret string

	// ClientIDs is the format of the IDs of new clients. Default: [UUIDs].
	ClientIDs IDFormat

	// NumericUserIDs writes the IDs of users as JSON numbers in the JSON API, for
	// existing front ends that expect numbers.
	NumericUserIDs bool

	// CookieName is the name of the cookie of [Server.FreshToken], of at most 64 bytes. Default:
	// "passport_token_" and ten characters of a digest of the issuer, so that
	// several servers can share a host.
	CookieName string

	// CookieTTL is the lifetime of that cookie. Default: two hours.
	CookieTTL time.Duration

	// Pages and consent.

	// Brand is the name, the logo, the color and the links on the server's pages.
	// Default: the host of the issuer, and no links.
	Brand Brand

	// Views replaces the server's pages: consent.html, redirect.html, decided.html,
	// device.html, logout.html, logged_out.html and error.html, their layout.html, and its
	// style.css. [WriteViews] writes the built-in files as a start. A missing file means
	// the built-in one. The data of the pages are [ConsentPage], [RedirectPage],
	// [DecidedPage], [DevicePage], [LogoutPage], [LoggedOutPage] and [ErrorPage]. The folders account and dashboard are for the packages of these
	// names. Default: the built-in pages.
	Views fs.FS

	// SkipConsent reports whether a client gets its scopes without a consent page,
	// for the application's own clients. The page is still shown if prompt
	// contains consent. It is also shown for a public client whose redirect URI is
	// not https, because another app on the device can impersonate such a client
	// (RFC 8252 §8.6). Default: never.
	SkipConsent func(ctx context.Context, client *oauth.Client, user *User) bool

	// InsecureSkipNativeConsent extends SkipConsent to public clients whose
	// redirect URI is not https.
	InsecureSkipNativeConsent bool

	// DisableJSONAPI removes the JSON endpoints with which an application's page
	// manages the clients and tokens of its user: /oauth/clients, /oauth/tokens,
	// /oauth/personal-access-tokens and /oauth/scopes.
	DisableJSONAPI bool

	// RequireRecentAuthentication lets the JSON API create a personal access token only
	// for a user who has authenticated within [RecentAuthentication]. It responds with 423
	// to others. The pages of package dashboard always require this.
	RequireRecentAuthentication bool

	// Hooks and operations.

	// Claims adds claims to an access token. If it returns a claim that RFC 9068
	// or this server uses, the request fails with server_error. Default: none.
	Claims func(ctx context.Context, token *oauth.AccessToken) (map[string]any, error)

	// OnEvent is called after each change and before the response is written. It
	// must be safe for concurrent use. Default: none.
	OnEvent func(ctx context.Context, event Event)

	// OnRefusal writes the response of a guard that refuses a request with 401,
	// 403 or 503, in the application's own format. err has the status and the
	// challenge, and the headers are already set. OnRefusal must call WriteHeader.
	// Default: a JSON body.
	OnRefusal func(w http.ResponseWriter, r *http.Request, err *oauth.Error)

	// AuditLog stores an audit record of each change, in the same write as the
	// change. A store that is an [oauth.AuditStore] can read the records.
	AuditLog bool

	// PurgeAfter is how long [Server.Run] keeps ended records before it deletes
	// them. Default: 7 days.
	PurgeAfter time.Duration

	// LastUsedTimeOnly keeps only the time of a token's last use, without the IP address
	// and the program that used it. Addresses that were kept before are not shown; they
	// are deleted at the next use, or with the token. See [Server.Run].
	LastUsedTimeOnly bool

	// Path is the path of the endpoints below the issuer. Default: "/oauth".
	Path string

	// Secrets replace the secrets that are derived from Keys, which seal tickets
	// and cookies and generate codes and refresh tokens. The first secret seals,
	// and all secrets open. Each has at least 32 random bytes. Secrets are required
	// if the private key cannot be read, as in a KMS. Default: derived from Keys.
	Secrets [][]byte

	// TrustedProxies are the addresses of proxies whose X-Forwarded-For the server
	// trusts. Default: none.
	TrustedProxies []netip.Prefix

	// InsecureAllowHTTP accepts an http issuer that is not a loopback address.
	InsecureAllowHTTP bool

	// Logger is the server's log. Each value is cut to 1024 bytes, and its control
	// characters are escaped. Default: [slog.Default].
	Logger *slog.Logger
}

// directory returns the user providers.
func (c Config) directory() *users.Directory {
	return &users.Directory{Default: c.Users, Further: c.Providers}
}

// policy returns the settings for package policy.
func (c Config) policy(parts *feature.Joined) policy.Settings {
	return policy.Settings{
		Scopes: c.Scopes, FeatureScopes: parts.Scopes, DefaultScopes: c.DefaultScopes, InheritScopes: c.InheritScopes, Issuer: c.Issuer, Audience: c.Audience, Resources: c.Resources,
		AllowedRedirectSchemes: c.AllowedRedirectSchemes, AllowedRedirectURIs: c.AllowedRedirectURIs, AllowedOrigins: c.AllowedOrigins,
		AccessTokenTTL: c.AccessTokenTTL, AccessTokenTTLByGrant: c.AccessTokenTTLByGrant, RefreshTokenTTL: c.RefreshTokenTTL,
		RefreshTokenGrace: c.RefreshTokenGrace, CookieTTL: c.CookieTTL, PurgeAfter: c.PurgeAfter, FamilyTTL: c.FamilyTTL, CodeTTL: c.CodeTTL, PersonalTokenTTL: c.PersonalTokenTTL, FamiliesEndWithSession: c.FamiliesEndWithSession, Log: c.Logger,
	}
}

// IDFormat is a format for the IDs of clients.
type IDFormat string

// The formats for the IDs of clients.
const (
	UUIDs    IDFormat = "uuid"    // version 7 (RFC 9562 §5.7)
	Integers IDFormat = "integer" // 1, 2, 3 …
)

// TokenFormat is a format for access tokens.
type TokenFormat string

// The formats for access tokens.
const (
	Opaque TokenFormat = "opaque" // random; only this server can verify it
	JWT    TokenFormat = "jwt"    // signed; readable by its holder (RFC 9068)
)

// Format implements [fmt.Formatter]. It prints only the issuer, so that Secrets do
// not leak.
func (c Config) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "passport.Config(%s)", c.Issuer) }

// LogValue implements [slog.LogValuer]: only the issuer.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.Issuer) }
