package console

import (
	"log/slog"
	"strings"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/account"
)

// settings holds the values of flags, environment and file. Those of a
// [passport.Config] are set in it directly.
type settings struct {
	passport.Config
	Listen          string
	DatabaseURL     string
	KeysDir         string
	KeysSecret      []byte
	PrivateKey      string
	PublicKey       string
	MigrateOnStart  bool
	SkipConsentIDs  []string
	DrainDelay      time.Duration
	IdleTimeout     time.Duration
	LogLevel        slog.Level
	LogFormat       logFormat
	access          access
	listenedByOrder bool // Listen is from a flag or the environment

	// The features: their settings, and the tables that occur; see [features].
	Device        passport.Device
	DeviceEnabled bool
	OpenID        passport.OpenID
	OpenIDEnabled bool
	Laravel       laravelSettings
	begun         map[string]bool
}

// logFormat is the format of the log.
type logFormat string

// The formats of the log.
const (
	formatAuto logFormat = "auto" // short lines on a terminal, formatText elsewhere
	formatText logFormat = "text" // logfmt
	formatJSON logFormat = "json"
)

// defaults returns the settings of a server without configuration.
func defaults() *settings {
	return &settings{
		Listen:         "127.0.0.1:8000",
		DatabaseURL:    "sqlite:storage/passport.sqlite",
		KeysDir:        "storage",
		MigrateOnStart: true,
		LogFormat:      formatAuto,
		IdleTimeout:    defaultIdleTimeout,
		DeviceEnabled:  true,
		OpenID:         passport.OpenID{UserClaims: account.Claims, StandardClaims: account.StandardClaims()},
		OpenIDEnabled:  true,
		Laravel:        laravelSettings{Enabled: true},
		Config:         passport.Config{RequireRecentAuthentication: true},
	}
}

// setting is one of the settings: its name in passport.toml, the field that it sets, and
// its text in the file that `passport install` writes.
type setting struct {
	key    string
	field  func(*settings) any
	sample string // in TOML
	help   string
}

// env is the setting's name in the environment.
func (s setting) env() string {
	return "PASSPORT_" + strings.ToUpper(strings.ReplaceAll(s.key, ".", "_"))
}

// table splits the name of a setting in a table of the file, such as brand.name. table
// is empty for the others.
func (s setting) table() (table, key string) {
	if table, key, ok := strings.Cut(s.key, "."); ok {
		return table, key
	}
	return "", s.key
}

// all lists the settings in the order of the file. A test checks that it has every field
// of passport.Config that a file can hold.
var all = []setting{
	{"listen", func(s *settings) any { return &s.Listen }, `"127.0.0.1:8000"`,
		"The address that the server listens on. Behind a proxy, keep it on loopback."},
	{"issuer", func(s *settings) any { return &s.Issuer }, `"https://auth.example.com"`,
		"The URL that clients know the server by. Required, unless the server listens on loopback:\nthen the default is its address."},
	{"database_url", func(s *settings) any { return &s.DatabaseURL }, `"sqlite:storage/passport.sqlite"`,
		"sqlite:FILE, postgres://user:password@host/database or mysql://user:password@host/database.\nPut a URL with a password into the environment: PASSPORT_DATABASE_URL."},
	{"migrate_on_start", func(s *settings) any { return &s.MigrateOnStart }, `true`,
		"Create and update the tables when the server starts. If its database user lacks the permission,\nturn this off and run `passport migrate` as a user that has it."},
	{"keys_dir", func(s *settings) any { return (*folder)(&s.KeysDir) }, `"storage"`,
		"The folder of the signing keys. The first start creates them. Keep them secret: they sign tokens."},
	{"keys_secret", func(s *settings) any { return &s.KeysSecret }, `""`,
		"Keep the keys in the database instead of a folder, encrypted with this secret: base64 of at least\n32 random bytes, such as from `openssl rand -base64 32`. All nodes need the same secret. Better in\nthe environment: PASSPORT_KEYS_SECRET."},
	{"private_key", func(s *settings) any { return &s.PrivateKey }, `""`,
		"The private key as PEM text, instead of a folder. Better in the environment:\nPASSPORT_PRIVATE_KEY."},
	{"public_key", func(s *settings) any { return &s.PublicKey }, `""`,
		"The public key of private_key, as PEM text. Optional: it is derived from the private key."},
	{"secrets", func(s *settings) any { return &s.Secrets }, `[]`,
		"Secrets that encrypt tickets and codes, instead of secrets derived from the keys: base64 of at least\n32 random bytes each, such as from `openssl rand -base64 32`. The first encrypts, all decrypt.\nBetter in the environment: PASSPORT_SECRETS."},
	{"path", func(s *settings) any { return &s.Path }, `"/oauth"`,
		"The path of the endpoints below the issuer."},
	{"default_scopes", func(s *settings) any { return &s.DefaultScopes }, `["check-status"]`,
		"The scopes of a request that names none."},
	{"inherit_scopes", func(s *settings) any { return &s.InheritScopes }, `false`,
		"Let a scope include the scopes below it: orders includes orders:read."},
	{"audience", func(s *settings) any { return &s.Audience }, `"https://api.example.com"`,
		"The audience of access tokens. Default: the issuer."},
	{"resources", func(s *settings) any { return &s.Resources }, `["https://reports.example.com"]`,
		"Further APIs that a request can name in the parameter resource (RFC 8707)."},
	{"allowed_redirect_schemes", func(s *settings) any { return &s.AllowedRedirectSchemes }, `["cursor"]`,
		"Further schemes of redirect URIs, for apps whose scheme is not a reversed domain name."},
	{"allowed_redirect_uris", func(s *settings) any { return &s.AllowedRedirectURIs }, `["http://intranet.example.com/callback"]`,
		"Whole redirect URIs with http on a host that is not the user's device. The network can read their codes."},
	{"allowed_origins", func(s *settings) any { return &s.AllowedOrigins }, `["capacitor://localhost"]`,
		"Origins whose pages may call the token endpoint as any client (CORS)."},
	{"enable_password_grant", func(s *settings) any { return &s.EnablePasswordGrant }, `false`,
		"Let clients that are registered for it exchange a user's password for tokens.\nRFC 9700 advises against it, because the application sees the password."},
	{"enable_implicit_grant", func(s *settings) any { return &s.EnableImplicitGrant }, `false`,
		"Let clients that are registered for it get access tokens in the fragment of their redirect URI.\nRFC 9700 advises against it, because tokens in URLs leak."},
	{"client_ids", func(s *settings) any { return (*choice)(&s.ClientIDs) }, `"uuid"`,
		"The format of the IDs of new clients: \"uuid\", or \"integer\" for sequential numbers."},
	{"numeric_user_ids", func(s *settings) any { return &s.NumericUserIDs }, `false`,
		"Write user IDs as numbers in the JSON API."},
	{"access_token_ttl", func(s *settings) any { return &s.AccessTokenTTL }, `"1h"`,
		"The lifetime of access tokens."},
	{"access_token_ttl_by_grant", func(s *settings) any { return &s.AccessTokenTTLByGrant }, `["client_credentials=10m"]`,
		"The lifetime of access tokens for some grants."},
	{"refresh_token_ttl", func(s *settings) any { return &s.RefreshTokenTTL }, `"30d"`,
		"The time until an unused refresh token expires."},
	{"family_ttl", func(s *settings) any { return &s.FamilyTTL }, `"365d"`,
		"The lifetime of all tokens of one consent, regardless of refreshes. Default: a year,\nor 30 days for browser applications."},
	{"refresh_token_grace", func(s *settings) any { return &s.RefreshTokenGrace }, `"10s"`,
		"How long a repeated refresh gets the same response; \"-1s\" for never."},
	{"code_ttl", func(s *settings) any { return &s.CodeTTL }, `"60s"`,
		"The lifetime of authorization codes, at most 10 minutes."},
	{"personal_token_ttl", func(s *settings) any { return &s.PersonalTokenTTL }, `"365d"`,
		"The lifetime of personal access tokens, and the longest that a user can choose."},
	{"max_clients_per_user", func(s *settings) any { return &s.MaxClientsPerUser }, `100`,
		"The maximum number of clients that a user may own, not counting revoked ones; 0 for the default, -1 for\nno limit."},
	{"max_personal_tokens_per_user", func(s *settings) any { return &s.MaxPersonalTokensPerUser }, `1000`,
		"The maximum number of live personal access tokens of a user; 0 for the default, -1 for no limit."},
	{"max_families_per_client", func(s *settings) any { return &s.MaxFamiliesPerClient }, `50`,
		"The maximum number of live consents of one user at one client. The consent page ends older ones.\n0 for the default, -1 for no limit."},
	{"personal_token_format", func(s *settings) any { return (*choice)(&s.PersonalTokenFormat) }, `"opaque"`,
		"\"opaque\", or \"jwt\" for personal access tokens that other servers can verify."},
	{"personal_token_prefix", func(s *settings) any { return &s.PersonalTokenPrefix }, `"passport_pat_"`,
		"The beginning of opaque personal access tokens, so that people and secret scanners recognize them."},
	{"personal_access_client_id", func(s *settings) any { return &s.PersonalAccessClientID }, `""`,
		"The client that personal access tokens belong to. Default: the server creates one."},
	{"personal_access_client_secret", func(s *settings) any { return &s.PersonalAccessClientSecret }, `""`,
		"The secret of that client. Better in the environment: PASSPORT_PERSONAL_ACCESS_CLIENT_SECRET."},
	{"cookie_name", func(s *settings) any { return &s.CookieName }, `""`,
		"The name of the cookie with which your own pages call the API. Default: passport_token_ and a\ndigest of the issuer."},
	{"cookie_ttl", func(s *settings) any { return &s.CookieTTL }, `"2h"`,
		"The lifetime of that cookie."},
	{"views", func(s *settings) any { return &s.Views }, `"views"`,
		"A folder with your own pages. `passport views FOLDER` writes the built-in pages."},
	{"disable_json_api", func(s *settings) any { return &s.DisableJSONAPI }, `false`,
		"Leave out the JSON API with which your own pages manage a user's clients and tokens:\n/oauth/clients, /oauth/tokens, /oauth/personal-access-tokens and /oauth/scopes."},
	{"require_recent_authentication", func(s *settings) any { return &s.RequireRecentAuthentication }, `true`,
		"Let the JSON API create a token only if the user entered the password in the last ten minutes, as\nthe page of tokens does."},
	{"purge_after", func(s *settings) any { return &s.PurgeAfter }, `"7d"`,
		"How long ended tokens, codes and sessions are kept."},
	{"last_used_time_only", func(s *settings) any { return &s.LastUsedTimeOnly }, `false`,
		"Keep only the time of a token's last use, without the IP address and the program."},
	{"require_pkce", func(s *settings) any { return &s.RequirePKCE }, `false`,
		"Require PKCE from confidential clients too. Public clients always need it."},
	{"skip_consent", func(s *settings) any { return &s.SkipConsentIDs }, `["client-id"]`,
		"IDs of clients that get tokens without a consent page, because they are yours."},
	{"insecure_skip_native_consent", func(s *settings) any { return &s.InsecureSkipNativeConsent }, `false`,
		"Apply skip_consent also to public clients whose redirect URI is not https (RFC 8252 §8.6)."},
	{"families_end_with_session", func(s *settings) any { return &s.FamiliesEndWithSession }, `false`,
		"Disconnect an application when the session in which it was connected ends, because the user signs\nout or the session expires."},
	{"audit_log", func(s *settings) any { return &s.AuditLog }, `false`,
		"Store a record of each change, in the same write."},
	{"trusted_proxies", func(s *settings) any { return &s.TrustedProxies }, `["10.0.0.0/8"]`,
		"Proxies whose X-Forwarded-For header the server trusts."},
	{"insecure_allow_http", func(s *settings) any { return &s.InsecureAllowHTTP }, `false`,
		"Accept a plain http issuer that is not loopback, for a trial in a closed network."},
	{"drain_delay", func(s *settings) any { return &s.DrainDelay }, `"0s"`,
		"How long a stopping server still serves requests while /readyz says that it stops: as long as a\nload balancer takes to notice, at most 10m."},
	{"idle_timeout", func(s *settings) any { return &s.IdleTimeout }, `"620s"`,
		"How long an idle connection is kept. Set it longer than the idle timeout of your load balancer, which\notherwise sometimes responds with 502."},
	{"log_level", func(s *settings) any { return &s.LogLevel }, `"info"`,
		"debug, info, warn or error."},
	{"log_format", func(s *settings) any { return &s.LogFormat }, `"auto"`,
		"text (logfmt), json, or auto: short lines on a terminal, text elsewhere."},
	{"brand.name", func(s *settings) any { return &s.Brand.Name }, `"The Shop"`,
		"The name at the top of every page and in its title. Default: the host of the issuer."},
	{"brand.logo", func(s *settings) any { return (*picture)(&s.Brand.Logo) }, `"logo.svg"`,
		"An SVG or PNG file, of at most 512 kB and 1024×1024 pixels. Default: the first letter of the name."},
	{"brand.logo_dark", func(s *settings) any { return (*picture)(&s.Brand.LogoDark) }, `"logo-dark.svg"`,
		"The logo for the dark color scheme. Default: the logo."},
	{"brand.accent", func(s *settings) any { return &s.Brand.Accent }, `"#0b6e4f"`,
		"The color of buttons and links. Its contrast with white must be at least 4.5:1."},
	{"brand.home_url", func(s *settings) any { return &s.Brand.HomeURL }, `"https://example.com"`,
		"The page that the name at the top links to."},
	{"brand.privacy_url", func(s *settings) any { return &s.Brand.PrivacyURL }, `"https://example.com/privacy"`,
		"Your privacy policy, linked at the end of every page."},
	{"brand.terms_url", func(s *settings) any { return &s.Brand.TermsURL }, `"https://example.com/terms"`,
		"Your terms of service, linked at the end of every page."},
	{"brand.support_url", func(s *settings) any { return &s.Brand.SupportURL }, `"https://example.com/help"`,
		"Your help page, linked at the end of every page."},
	{"device.enabled", func(s *settings) any { return &s.DeviceEnabled }, `true`,
		"The table turns on device authorization (RFC 8628), for devices without a browser. false turns it off."},
	{"device.lifetime", func(s *settings) any { return &s.Device.Lifetime }, `"10m"`,
		"How long a user can enter the code of a device: 1m to 15m."},
	{"device.interval", func(s *settings) any { return &s.Device.Interval }, `"5s"`,
		"How long a device must wait between two polls: 1s to 1m."},
	{"device.max_pending", func(s *settings) any { return &s.Device.MaxPending }, `10000`,
		"The maximum number of codes of one client that wait for a user."},
	{"openid.enabled", func(s *settings) any { return &s.OpenIDEnabled }, `true`,
		"The table turns on OpenID Connect, so that users can sign in to other applications with this server.\nfalse turns it off."},
	{"openid.id_token_ttl", func(s *settings) any { return &s.OpenID.IDTokenTTL }, `"1h"`,
		"The lifetime of ID tokens. A client can have its own."},
	{"openid.backchannel_allowed_hosts", func(s *settings) any { return &s.OpenID.BackchannelAllowedHosts }, `["app.internal"]`,
		"Hosts in private networks that may be told about a sign-out. Default: public addresses only."},
	{"laravel.enabled", func(s *settings) any { return &s.Laravel.Enabled }, `true`,
		"The table accepts tokens, codes and secrets of Laravel Passport, after\n`passport import laravel`. false turns it off."},
	{"laravel.public_key", func(s *settings) any { return &s.Laravel.PublicKey }, `"laravel-public.key"`,
		"The file with the public key of Laravel Passport, or its PEM text. It verifies access tokens."},
	{"laravel.app_keys", func(s *settings) any { return &s.Laravel.AppKeys }, `[]`,
		"APP_KEY of Laravel, and older ones. They open refresh tokens and codes. Better in the environment:\nPASSPORT_LARAVEL_APP_KEYS."},
	{"laravel.from", func(s *settings) any { return &s.Laravel.From }, `""`,
		"The database of Laravel, until the switch: its rows decide about access tokens. The server only reads.\nBetter in the environment: PASSPORT_LARAVEL_FROM."},
	{"laravel.table_prefix", func(s *settings) any { return &s.Laravel.TablePrefix }, `""`,
		"The prefix of the tables in that database."},
	{"scopes", func(s *settings) any { return &s.Scopes }, "",
		"The permissions that clients can request, in the order of the consent page. group is the heading over a\nscope there; can_change and sensitive mark it. The user may decline a scope\nthat is optional, and allow the rest."},
}

// find returns the setting with a name in passport.toml.
func find(key string) (setting, bool) {
	for _, s := range all {
		if s.key == key {
			return s, true
		}
	}
	return setting{}, false
}
