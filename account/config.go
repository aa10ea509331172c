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
	"github.com/go-passport/passport/internal/logline"
	"github.com/go-passport/passport/internal/loopback"
	"github.com/go-passport/passport/internal/safeurl"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/internal/weburl"
)

// The defaults of [Config].
const (
	DefaultSessionTTL     = 30 * 24 * time.Hour
	DefaultSessionIdleTTL = 7 * 24 * time.Hour
)

// Config configures [Accounts]. DB, Dialect and Issuer are required.
type Config struct {
	// DB is the application's database, and Dialect its kind: sqlstore.SQLite,
	// sqlstore.Postgres or sqlstore.MySQL.
	DB      *sql.DB
	Dialect sqldb.Dialect

	// Issuer is that of passport.Config. It decides where the pages lie, the
	// name of the cookie, and whether that is for https only. The Host header
	// decides nothing.
	Issuer string

	// Provider is the name under which passport.Config knows these accounts;
	// [passport.DefaultProvider] by default.
	Provider string

	// SessionTTL is how long a session lasts at most, [DefaultSessionTTL] by
	// default. SessionIdleTTL is how long it may lie unused,
	// [DefaultSessionIdleTTL] or SessionTTL by default, whichever is shorter.
	SessionTTL     time.Duration
	SessionIdleTTL time.Duration

	// TrustedProxies are those whose X-Forwarded-For is believed when tries to
	// sign in are counted.
	TrustedProxies []netip.Prefix

	// Views is that of passport.Config, or nil: the pages here are set in its
	// layout.html and wear its style.css, so that all pages look alike.
	Views fs.FS

	// HashConcurrency is how many passwords are hashed at once, each in 19 MiB
	// of memory; GOMAXPROCS by default.
	HashConcurrency int

	// Logger gets the log, with each value cut to 1024 bytes. Default: [slog.Default].
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	c.Provider = cmp.Or(c.Provider, passport.DefaultProvider)
	c.SessionTTL = cmp.Or(c.SessionTTL, DefaultSessionTTL)
	c.SessionIdleTTL = cmp.Or(c.SessionIdleTTL, min(DefaultSessionIdleTTL, c.SessionTTL))
	c.Logger = logline.Bounded(cmp.Or(c.Logger, slog.Default()), nil)
	return c
}

// validate reports everything that is wrong, each with its remedy.
func (c Config) validate() error {
	var faults []error
	add := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf("account: Config."+format, args...))
		}
	}
	add(c.DB == nil, "DB is missing: give the application's *sql.DB")
	add(c.Dialect.Name == "", "Dialect is missing: name the kind of DB, sqlstore.SQLite, sqlstore.Postgres or sqlstore.MySQL")
	add(!isIssuer(c.Issuer), "Issuer %q: want the URL in passport.Config.Issuer, such as https://app.example.com", safeurl.Text(c.Issuer))
	add(strings.Trim(c.Provider, "abcdefghijklmnopqrstuvwxyz0123456789-") != "",
		"Provider %q: want the name in passport.Config.Providers, of small letters, digits and hyphens", safeurl.Text(c.Provider))
	add(c.Provider == "client", "Provider %q: choose another name; client: marks a client's own tokens", c.Provider)
	add(c.SessionTTL < time.Minute, "SessionTTL is %v: want at least a minute, or none for %v", c.SessionTTL, DefaultSessionTTL)
	add(c.SessionIdleTTL < time.Minute, "SessionIdleTTL is %v: want at least a minute, or none for %v", c.SessionIdleTTL, DefaultSessionIdleTTL)
	add(c.SessionTTL >= time.Minute && c.SessionIdleTTL > c.SessionTTL,
		"SessionIdleTTL is %v, longer than SessionTTL with %v: a session would never be idle; make it shorter, or leave it out", c.SessionIdleTTL, c.SessionTTL)
	add(c.HashConcurrency < 0, "HashConcurrency is %d: want none for GOMAXPROCS, or how many passwords may be hashed at once", c.HashConcurrency)
	for i, p := range c.TrustedProxies {
		add(!p.IsValid(), "TrustedProxies[%d] is no prefix: make it with netip.ParsePrefix", i)
	}
	return errors.Join(faults...)
}

func isIssuer(s string) bool {
	u, err := url.Parse(s)
	spelling, _ := weburl.Canonical(s)
	return err == nil && spelling == s && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && !u.ForceQuery &&
		!strings.ContainsAny(s, `?#{}%\`) && !strings.HasSuffix(s, "/") && !strings.Contains(u.Path, "//")
}

// site is what the pages call the server: the host of the issuer.
func site(issuer *url.URL) string {
	if loopback.Name(issuer.Hostname()) {
		return issuer.Host // with the port, for there may be several
	}
	return issuer.Hostname()
}
