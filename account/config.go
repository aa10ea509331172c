package account

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/brand"
	"github.com/go-passport/passport/internal/logline"
	"github.com/go-passport/passport/internal/loopback"
	"github.com/go-passport/passport/internal/safeurl"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/internal/weburl"
	"github.com/go-passport/passport/oauth"
)

// The defaults of [Config].
const (
	DefaultSessionTTL     = 30 * 24 * time.Hour
	DefaultSessionIdleTTL = 7 * 24 * time.Hour
)

// Config configures [Accounts]. DB, Dialect and Issuer are required.
type Config struct {
	// DB is the application's database. Dialect is its kind: sqlstore.SQLite,
	// sqlstore.Postgres or sqlstore.MySQL.
	DB      *sql.DB
	Dialect sqldb.Dialect

	// Issuer is the issuer in passport.Config. It determines the URL of the pages, the
	// name of the cookie, and whether the cookie is Secure. The Host header has no
	// influence.
	Issuer string

	// Provider is the name of these accounts in passport.Config. Default:
	// [passport.DefaultProvider].
	Provider string

	// SessionTTL is the maximum lifetime of a session. Default: [DefaultSessionTTL].
	// SessionIdleTTL is how long a session lives without a request. Default:
	// [DefaultSessionIdleTTL], or SessionTTL if that is shorter.
	SessionTTL     time.Duration
	SessionIdleTTL time.Duration

	// AccountPath is the path, below the issuer's, of the pages for signed-in users:
	// "/account" serves /account, /account/sessions (where the user is signed in),
	// /account/security (change the password), and the redirect
	// /.well-known/change-password. Default: none, and there are no such
	// pages.
	AccountPath string

	// AppsPath is the path, below the issuer's, of the list of package dashboard. The
	// navigation links to it. If it equals AccountPath, the list replaces the page there.
	// Default: none, and there is no link.
	AppsPath string

	// TokensPath is the path, below the issuer's, of the personal access tokens of package
	// dashboard: its Config.Path + "/tokens". The navigation links to it. Default: none,
	// and there is no link.
	TokensPath string

	// TrustedProxies are the proxies whose X-Forwarded-For header is used to count
	// sign-in attempts. Default: none.
	TrustedProxies []netip.Prefix

	// Views is the Views of passport.Config, or nil. The pages of this package use its
	// layout.html and style.css, so that all pages look alike. Files in its folder account
	// replace the pages.
	Views fs.FS

	// Brand is the Brand of passport.Config. Default: the host of the issuer, and no
	// links.
	Brand passport.Brand

	// HashConcurrency is the number of passwords that are hashed at the same time. Each
	// takes 19 MiB of memory. Default: GOMAXPROCS.
	HashConcurrency int

	// Logger receives the log. Each value is cut to 1024 bytes. Default:
	// [slog.Default].
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	c.Provider = cmp.Or(c.Provider, passport.DefaultProvider)
	c.SessionTTL = cmp.Or(c.SessionTTL, DefaultSessionTTL)
	c.SessionIdleTTL = cmp.Or(c.SessionIdleTTL, min(DefaultSessionIdleTTL, c.SessionTTL))
	c.Logger = logline.Bounded(cmp.Or(c.Logger, slog.Default()), nil)
	return c
}

// validate returns all faults, each with its fix.
func (c Config) validate() error {
	var faults []error
	add := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf("account: Config."+format, args...))
		}
	}
	add(c.DB == nil, "DB is missing: set it to the application's *sql.DB")
	add(c.Dialect.Name == "", "Dialect is missing: set sqlstore.SQLite, sqlstore.Postgres or sqlstore.MySQL")
	add(!isIssuer(c.Issuer), "Issuer %q: want the URL in passport.Config.Issuer, such as https://app.example.com", safeurl.Text(c.Issuer))
	add(c.Provider != "" && !oauth.ValidProvider(c.Provider),
		"Provider %q: want the name in passport.Config.Providers, in lower-case letters, digits, hyphens and underscores; client is reserved for clients' own tokens", safeurl.Text(c.Provider))
	add(c.SessionTTL < time.Minute, "SessionTTL is %v: want at least a minute, or 0 for %v", c.SessionTTL, DefaultSessionTTL)
	add(c.SessionIdleTTL < time.Minute, "SessionIdleTTL is %v: want at least a minute, or 0 for %v", c.SessionIdleTTL, DefaultSessionIdleTTL)
	add(c.SessionTTL >= time.Minute && c.SessionIdleTTL > c.SessionTTL,
		"SessionIdleTTL is %v, longer than SessionTTL (%v): a session would never become idle; make it shorter, or set 0 for the default", c.SessionIdleTTL, c.SessionTTL)
	add(c.AccountPath != "" && !weburl.Path(c.AccountPath),
		"AccountPath %q: want a path such as /account, without a slash at the end, or leave it empty", safeurl.Text(c.AccountPath))
	add(c.AppsPath != "" && !weburl.Path(c.AppsPath),
		"AppsPath %q: want the path in dashboard.Config, such as /account, or leave it empty", safeurl.Text(c.AppsPath))
	add(c.TokensPath != "" && !weburl.Path(c.TokensPath),
		"TokensPath %q: want the path in dashboard.Config and /tokens, such as /account/tokens, or leave it empty", safeurl.Text(c.TokensPath))
	add(c.HashConcurrency < 0, "HashConcurrency is %d: want a positive number, or 0 for GOMAXPROCS", c.HashConcurrency)
	for i, p := range c.TrustedProxies {
		add(!p.IsValid(), "TrustedProxies[%d] is not a valid prefix: use netip.ParsePrefix", i)
	}
	for _, fault := range brand.Brand(c.Brand).Faults() {
		add(true, "%w", fault)
	}
	for _, fault := range pageGroup.Check(c.Views) {
		add(true, "Views: %w", fault)
	}
	return errors.Join(faults...)
}

func isIssuer(s string) bool {
	u, err := url.Parse(s)
	spelling, _ := weburl.Canonical(s)
	return err == nil && spelling == s && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && !u.ForceQuery &&
		!strings.ContainsAny(s, `?#{}%\`) && !strings.HasSuffix(s, "/") && !strings.Contains(u.Path, "//")
}

// site returns the name of the server on the pages: of the brand, or else the
// issuer's host.
func (c Config) site(issuer *url.URL) string {
	if c.Brand.Name != "" {
		return c.Brand.Name
	}
	if loopback.Name(issuer.Hostname()) {
		return issuer.Host // with the port: several servers may run on loopback
	}
	return issuer.Hostname()
}
