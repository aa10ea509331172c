package account

import (
	"context"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/bodylimit"
	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/internal/pageform"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// Accounts keeps users and their browser sessions. It implements [oauth.UserProvider],
// [oauth.PasswordAuthenticator] and [oauth.SignOuter]. It is safe for concurrent use
// and starts no goroutine.
type Accounts struct {
	config  Config
	db      *sqldb.DB
	log     *slog.Logger
	issuer  *url.URL
	prefix  string // the issuer's path
	site    string // the name of the server on the pages
	cookies cookies
	proxies *reqinfo.Proxies
	forms   pageform.Reader
	bodies  *bodylimit.Limit
	hasher  *hasher
	look    *page.Look
	pages   map[string]*template.Template
	server  atomic.Pointer[server]
}

var (
	_ oauth.UserProvider          = (*Accounts)(nil)
	_ oauth.PasswordAuthenticator = (*Accounts)(nil)
	_ oauth.SignOuter             = (*Accounts)(nil)
	_ server                      = (*passport.Server)(nil)
)

// server is the part of *passport.Server that depends on sessions and passwords.
type server interface {
	EndSession(ctx context.Context, user oauth.UserRef, sessionID string) error
	PasswordChanged(ctx context.Context, user oauth.UserRef, exceptSessionID string) error
	RevokeUser(ctx context.Context, user oauth.UserRef) error
	ForgetToken(w http.ResponseWriter, r *http.Request)
}

// New returns the accounts in a database. Its error lists every fault in the
// configuration and how to fix it. New does not touch the database; see
// [Accounts.Migrate].
func New(config Config) (*Accounts, error) {
	config = config.withDefaults()
	if err := config.validate(); err != nil {
		return nil, err
	}
	issuer, _ := url.Parse(config.Issuer) // validated
	prefix := strings.TrimSuffix(issuer.Path, "/")
	look, pages, err := parsePages(config, prefix)
	if err != nil {
		return nil, fmt.Errorf("account: %w", err)
	}
	return &Accounts{
		config:  config,
		db:      sqldb.New(config.DB, config.Dialect),
		log:     config.Logger,
		issuer:  issuer,
		prefix:  prefix,
		site:    config.site(issuer),
		cookies: newCookies(issuer, config.SessionTTL),
		proxies: reqinfo.NewProxies(config.TrustedProxies, config.Logger),
		forms:   formsOf(config.Issuer),
		bodies:  bodylimit.New(maxBody, config.Logger),
		hasher:  newHasher(config.HashConcurrency),
		look:    look,
		pages:   pages,
	}, nil
}

// Connect reports sign-outs, changed passwords and disabled accounts to a
// *passport.Server. The server then revokes codes and tokens according to its
// configuration. Call Connect before the first request is served.
func (a *Accounts) Connect(s server) { a.server.Store(&s) }

//go:embed migrations
var migrations embed.FS

// tables are the tables that the migrations create.
var tables = []string{"passport_users", "passport_sessions", "passport_sign_in_attempts", "passport_account_links"}

// Migrations returns the migrations for a dialect, in goose's format. Use it if the
// application applies migrations with its own tool.
func Migrations(dialect sqldb.Dialect) fs.FS {
	files, err := fs.Sub(migrations, "migrations/"+dialect.Name)
	if err != nil {
		panic("account: " + err.Error()) // unreachable: every dialect's name is a valid path
	}
	return files
}

// Migrate creates or updates the tables. Several nodes may call it at the same time.
func (a *Accounts) Migrate(ctx context.Context) error {
	return a.db.Migrate(ctx, "account", Migrations(a.config.Dialect), tables)
}

// Migrated returns nil if the tables are up to date. Otherwise it returns an error that
// says what to do. It changes nothing.
func (a *Accounts) Migrated(ctx context.Context) error {
	return a.db.Migrated(ctx, "account", Migrations(a.config.Dialect))
}

// Ready returns nil if the database responds and has the tables with all their columns.
// Otherwise it returns an error that says what to do. It changes nothing. Use it for a
// readiness probe, together with passport.Server.Ready.
func (a *Accounts) Ready(ctx context.Context) error {
	return a.db.Intact(ctx, "account", Migrations(a.config.Dialect))
}

// ref returns a reference to an account that is unique across all providers.
func (a *Accounts) ref(userID string) oauth.UserRef {
	return oauth.UserRef{Provider: a.config.Provider, ID: userID}
}
