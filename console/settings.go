package console

import (
	"log/slog"
	"strings"
	"time"

	"github.com/go-passport/passport"
)

// settings is everything that flags, environment and file can say. What a
// [passport.Config] holds and a file can is set in it directly.
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
	listenedByOrder bool // by flag or environment, rather than file or default
}

// logFormat is how the log is written.
type logFormat string

// The formats of the log.
const (
	formatAuto logFormat = "auto" // short lines on a terminal, formatText elsewhere
	formatText logFormat = "text" // logfmt
	formatJSON logFormat = "json"
)

// defaults are the settings of a server that nobody configured.
func defaults() *settings {
	return &settings{
		Listen:         "127.0.0.1:8000",
		DatabaseURL:    "sqlite:storage/passport.sqlite",
		KeysDir:        "storage",
		MigrateOnStart: true,
		LogFormat:      formatAuto,
		IdleTimeout:    defaultIdleTimeout,
	}
}

// setting is one of the settings: its name in passport.toml, the field that it
// sets, and what the file that `passport install` writes says of it.
type setting struct {
	key    string
	field  func(*settings) any
	sample string // in TOML
	help   string
}

// env is the setting's name in the environment.
func (s setting) env() string { return "PASSPORT_" + strings.ToUpper(s.key) }

// all lists the settings in the order in which the file explains them.
// A field of passport.Config that a file can hold must be here; a test looks.
var all = []setting{
	{"listen", func(s *settings) any { return &s.Listen }, `"127.0.0.1:8000"`,
		"Where the server listens. Behind a proxy leave it on loopback."},
	{"issuer", func(s *settings) any { return &s.Issuer }, `"https://auth.example.com"`,
		"The URL that clients know the server by. Required unless it listens on loopback;\nthere it is the address itself."},
	{"database_url", func(s *settings) any { return &s.DatabaseURL }, `"sqlite:storage/passport.sqlite"`,
		"sqlite:FILE, postgres://user:password@host/database or mysql://user:password@host/database.\nA URL with a password belongs into the environment: PASSPORT_DATABASE_URL."},
	{"migrate_on_start", func(s *settings) any { return &s.MigrateOnStart }, `true`,
		"Make and change the tables when the server starts. Turn it off where the server may not, and\nrun `passport migrate` with an account that may."},
	{"keys_dir", func(s *settings) any { return (*folder)(&s.KeysDir) }, `"storage"`,
		"The folder of the signing keys. The first start makes them; whoever has them can sign tokens."},
	{"keys_secret", func(s *settings) any { return &s.KeysSecret }, `""`,
		"Keep the keys in the database in place of a folder, sealed with this secret: base64 of at least\n32 random bytes, as of `openssl rand -base64 32`, the same for every server. Better in the\nenvironment: PASSPORT_KEYS_SECRET."},
	{"private_key", func(s *settings) any { return &s.PrivateKey }, `""`,
		"The private key itself, as PEM, in place of the folder. Better in the environment:\nPASSPORT_PRIVATE_KEY."},
	{"public_key", func(s *settings) any { return &s.PublicKey }, `""`,
		"The public key to a private_key, as PEM. It follows from the private one and may be left out."},
	{"secrets", func(s *settings) any { return &s.Secrets }, `[]`,
		"What seals tickets and codes, in place of what is derived from the keys: base64 of at least\n32 random bytes each, as of `openssl rand -base64 32`. The first seals, all open.\nBetter in the environment: PASSPORT_SECRETS."},
	{"path", func(s *settings) any { return &s.Path }, `"/oauth"`,
		"Where the endpoints lie below the issuer."},
	{"default_scopes", func(s *settings) any { return &s.DefaultScopes }, `["check-status"]`,
		"What a request gets that names no scope."},
	{"inherit_scopes", func(s *settings) any { return &s.InheritScopes }, `false`,
		"Let a scope cover those below it: orders covers orders:read."},
	{"audience", func(s *settings) any { return &s.Audience }, `"https://api.example.com"`,
		"What access tokens are for; the issuer, unless set."},
	{"resources", func(s *settings) any { return &s.Resources }, `["https://reports.example.com"]`,
		"Other APIs that a request may name by the parameter resource (RFC 8707)."},
	{"allowed_redirect_schemes", func(s *settings) any { return &s.AllowedRedirectSchemes }, `["cursor"]`,
		"Further schemes of redirect URIs, for apps whose scheme is not a domain name in reverse."},
	{"allowed_origins", func(s *settings) any { return &s.AllowedOrigins }, `["capacitor://localhost"]`,
		"Origins whose pages may call the token endpoint for any client (CORS)."},
	{"enable_password_grant", func(s *settings) any { return &s.EnablePasswordGrant }, `false`,
		"Let clients of your own that are registered for it exchange a user's password for tokens.\nRFC 9700 advises against it: the application sees the password."},
	{"enable_implicit_grant", func(s *settings) any { return &s.EnableImplicitGrant }, `false`,
		"Let clients that are registered for it get access tokens in the fragment of their redirect URI.\nRFC 9700 advises against it: tokens in URLs leak."},
	{"client_ids", func(s *settings) any { return (*choice)(&s.ClientIDs) }, `"uuid"`,
		"What new clients are called: \"uuid\", or \"integer\" for numbers that count up."},
	{"numeric_user_ids", func(s *settings) any { return &s.NumericUserIDs }, `false`,
		"Write the IDs of users as numbers in the JSON API."},
	{"access_token_ttl", func(s *settings) any { return &s.AccessTokenTTL }, `"1h"`,
		"The life of an access token."},
	{"access_token_ttl_by_grant", func(s *settings) any { return &s.AccessTokenTTLByGrant }, `["client_credentials=10m"]`,
		"The life of access tokens of some grants."},
	{"refresh_token_ttl", func(s *settings) any { return &s.RefreshTokenTTL }, `"30d"`,
		"How long a refresh token may lie unused."},
	{"family_ttl", func(s *settings) any { return &s.FamilyTTL }, `"365d"`,
		"When all that came of one consent ends, whatever was refreshed. Unless set it is a year,\nand 30 days for browser applications."},
	{"refresh_token_grace", func(s *settings) any { return &s.RefreshTokenGrace }, `"10s"`,
		"How long a refresh that is sent again gets the same answer; \"-1s\" for never."},
	{"code_ttl", func(s *settings) any { return &s.CodeTTL }, `"60s"`,
		"The life of an authorization code, at most 10 minutes."},
	{"personal_token_ttl", func(s *settings) any { return &s.PersonalTokenTTL }, `"365d"`,
		"The life of a personal access token, and the longest that a user may choose."},
	{"max_clients_per_user", func(s *settings) any { return &s.MaxClientsPerUser }, `100`,
		"How many clients a user may own, without revoked ones; 0 for the default, -1 for any number."},
	{"max_personal_tokens_per_user", func(s *settings) any { return &s.MaxPersonalTokensPerUser }, `1000`,
		"How many live personal access tokens a user may have; 0 for the default, -1 for any number."},
	{"max_families_per_client", func(s *settings) any { return &s.MaxFamiliesPerClient }, `50`,
		"How many consents of one user at one client stay alive; a consent page ends older ones.\n0 for the default, -1 for any number."},
	{"personal_token_format", func(s *settings) any { return (*choice)(&s.PersonalTokenFormat) }, `"opaque"`,
		"\"opaque\", or \"jwt\" for personal access tokens that other servers can verify."},
	{"personal_token_prefix", func(s *settings) any { return &s.PersonalTokenPrefix }, `"passport_pat_"`,
		"What an opaque personal access token begins with, so that people and secret scanners know it."},
	{"personal_access_client_id", func(s *settings) any { return &s.PersonalAccessClientID }, `""`,
		"The client that personal access tokens belong to. Without it the server makes one."},
	{"personal_access_client_secret", func(s *settings) any { return &s.PersonalAccessClientSecret }, `""`,
		"Its secret. Better in the environment: PASSPORT_PERSONAL_ACCESS_CLIENT_SECRET."},
	{"cookie_name", func(s *settings) any { return &s.CookieName }, `""`,
		"The cookie by which pages of your own call the API. Without it: passport_token_ and a digest of the issuer."},
	{"cookie_ttl", func(s *settings) any { return &s.CookieTTL }, `"2h"`,
		"The life of that cookie."},
	{"views", func(s *settings) any { return &s.Views }, `"views"`,
		"A folder with pages of your own: `passport views FOLDER` writes ours there, to start from."},
	{"disable_json_api", func(s *settings) any { return &s.DisableJSONAPI }, `false`,
		"Leave out /oauth/clients, /oauth/tokens, /oauth/personal-access-tokens and /oauth/scopes, by which\npages of your own manage a user's clients and tokens."},
	{"purge_after", func(s *settings) any { return &s.PurgeAfter }, `"7d"`,
		"How long tokens, codes and sessions that have ended are kept."},
	{"require_pkce", func(s *settings) any { return &s.RequirePKCE }, `false`,
		"Demand a code challenge of confidential clients too."},
	{"skip_consent", func(s *settings) any { return &s.SkipConsentIDs }, `["client-id"]`,
		"Clients of your own that get what they ask for without a consent page."},
	{"insecure_skip_native_consent", func(s *settings) any { return &s.InsecureSkipNativeConsent }, `false`,
		"Let skip_consent hold for public clients too whose redirect URI is not https (RFC 8252 §8.6)."},
	{"families_end_with_session", func(s *settings) any { return &s.FamiliesEndWithSession }, `false`,
		"Disconnect applications when the session ends in which they were connected: the user signs out, or it expires."},
	{"audit_log", func(s *settings) any { return &s.AuditLog }, `false`,
		"Store a record of each change with the change."},
	{"trusted_proxies", func(s *settings) any { return &s.TrustedProxies }, `["10.0.0.0/8"]`,
		"Proxies whose X-Forwarded-For is believed."},
	{"insecure_allow_http", func(s *settings) any { return &s.InsecureAllowHTTP }, `false`,
		"Accept an issuer of plain http that is not loopback: for a trial in a closed network."},
	{"drain_delay", func(s *settings) any { return &s.DrainDelay }, `"0s"`,
		"How long a server that was told to stop goes on answering, while /readyz says that it stops:\nas long as a load balancer takes to notice, and at most 10m."},
	{"idle_timeout", func(s *settings) any { return &s.IdleTimeout }, `"620s"`,
		"How long a connection without a request is kept. Set it longer than your load balancer keeps\nconnections, which else answers 502 now and then."},
	{"log_level", func(s *settings) any { return &s.LogLevel }, `"info"`,
		"debug, info, warn or error."},
	{"log_format", func(s *settings) any { return &s.LogFormat }, `"auto"`,
		"text (logfmt), json, or auto: short lines on a terminal, text elsewhere."},
	{"scopes", func(s *settings) any { return &s.Scopes }, "",
		"The permissions that clients may ask for, in the order in which they are shown."},
}

// find returns the setting of a name in passport.toml.
func find(key string) (setting, bool) {
	for _, s := range all {
		if s.key == key {
			return s, true
		}
	}
	return setting{}, false
}
