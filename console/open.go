package console

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/dashboard"
	"github.com/go-passport/passport/internal/dburl"
	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
)

// opened is an open database with its clients and accounts.
type opened struct {
	settings *settings
	db       *sql.DB
	store    *sqlstore.Store
	accounts *account.Accounts
	apps     *dashboard.Dashboard // with the server
	building building
	frozen   bool    // nothing can be written to the database
	laravel  *sql.DB // the database of Laravel; nil without one
}

func (o *opened) close() error {
	err := o.db.Close()
	if o.laravel != nil {
		err = errors.Join(err, o.laravel.Close())
	}
	return err
}

// open opens the database. A command that creates databases also creates the tables,
// unless the settings forbid it. [opened.prepareAccounts] creates those of accounts.
func (p *program) open(ctx context.Context, s *settings, logger *slog.Logger) (*opened, error) {
	o, err := p.connect(ctx, s, logger)
	if err != nil || o.frozen {
		return o, err
	}
	err = o.prepare(ctx)
	if code := sqliteCode(err); s.access == reads && (code == readOnly || code == cannotOpen) && closed(s.DatabaseURL) {
		if err := o.close(); err != nil {
			return nil, err
		}
		return p.openToRead(ctx, s, logger)
	}
	if err != nil {
		return nil, errors.Join(unusable(s, err), o.close())
	}
	return o, nil
}

// openAll is open with the tables of accounts.
func (p *program) openAll(ctx context.Context, s *settings, logger *slog.Logger) (*opened, error) {
	o, err := p.open(ctx, s, logger)
	if err != nil {
		return nil, err
	}
	if err := o.prepareAccounts(ctx); err != nil {
		return nil, errors.Join(err, o.close())
	}
	return o, nil
}

// check reports all faults of the settings, before a database is created or opened.
func (s *settings) check() error {
	keys, err := s.generatedKeys()
	if err != nil {
		return err
	}
	c := s.Config
	c.Store, c.Keys, c.Logger = noStore{}, keys, slog.New(slog.DiscardHandler)
	c.Users = new(account.Accounts) // not used either
	_, err = passport.New(withoutPersonalClient(c))
	if s.IdleTimeout < time.Second {
		err = errors.Join(err, fmt.Errorf("idle_timeout is %v: want at least 1s", s.IdleTimeout))
	}
	if s.DrainDelay < 0 || s.DrainDelay > maxDrainDelay {
		err = errors.Join(err, fmt.Errorf("drain_delay is %s: want 0s to %s", spell(s.DrainDelay), spell(maxDrainDelay)))
	}
	err = errors.Join(inSettings(err), s.Laravel.check())
	for _, g := range []page.Group{account.Pages(), dashboard.Pages(), ownPages} {
		for _, fault := range g.Check(s.Views) {
			err = errors.Join(err, fmt.Errorf("views: %w", fault))
		}
	}
	return err
}

// withoutPersonalClient returns a configuration that does not look up the client of
// personal access tokens: there is no store yet, or the command may have to repair that
// client.
func withoutPersonalClient(c passport.Config) passport.Config {
	if c.PersonalAccessClientID != "" && c.PersonalAccessClientSecret != "" { // one alone is a fault
		c.PersonalAccessClientID, c.PersonalAccessClientSecret = "", ""
	}
	return c
}

// noStore is the store while settings and pages are checked. Nothing calls its other
// methods.
type noStore struct {
	oauth.Store
	oauth.DeviceStore
	oauth.LogoutStore
	oauth.ImportStore
}

// GrantPowers implements [oauth.GrantPowerStore].
func (noStore) GrantPowers() []any { return []any{struct{ oauth.DeviceReader }{}} }

// TellsClients implements [oauth.LogoutStore]: there are no clients to tell.
func (noStore) TellsClients(context.Context) (bool, error) { return false, nil }

// Result codes of SQLite about a file (https://sqlite.org/rescode.html).
const (
	readOnly    = 8
	cannotOpen  = 14
	notDatabase = 26
)

// sqliteCode returns SQLite's result code of an error, or 0 for other errors.
func sqliteCode(err error) int {
	if e, ok := errors.AsType[interface {
		error
		Code() int
	}](err); ok {
		return e.Code() & 0xff
	}
	return 0
}

// unusable returns what is wrong with a database, and what to do.
func unusable(s *settings, err error) error {
	name := safe(s.DatabaseURL)
	switch sqliteCode(err) {
	case readOnly, cannotOpen:
		return fmt.Errorf("can't open the database %s: its folder must exist, and this user must have permission to write to the folder and the file", name)
	case notDatabase:
		return fmt.Errorf("%s is not an SQLite database: name another file", name)
	}
	if sqldb.Incomplete(err) {
		return fmt.Errorf("can't use the database %s: %w", name, err)
	}
	if e, ok := errors.AsType[net.Error](err); ok {
		return fmt.Errorf("the database %s doesn't respond (%w): is it running, and is this its address?", name, e)
	}
	if sqldb.NotReady(err) {
		return fmt.Errorf("the database %s is not ready (%w): try again in a moment", name, err)
	}
	if e, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err); ok {
		return fmt.Errorf("the database %s refuses the connection (%w): check the setting database_url", name, e)
	}
	if errors.Is(err, oauth.ErrUnavailable) {
		return fmt.Errorf("the database %s refuses the connection (%w): check the setting database_url", name, deepest(err))
	}
	return fmt.Errorf("can't use the database %s: %w", name, err)
}

// deepest returns the innermost error: that of the driver.
func deepest(err error) error {
	for {
		inner := errors.Unwrap(err)
		if many, ok := err.(interface{ Unwrap() []error }); ok {
			inner = many.Unwrap()[len(many.Unwrap())-1]
		}
		if inner == nil {
			return err
		}
		err = inner
	}
}

// connect opens the database and does not change it.
func (p *program) connect(ctx context.Context, s *settings, logger *slog.Logger) (*opened, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	u, err := dburl.Read(s.DatabaseURL)
	if err != nil {
		return nil, err
	}
	p.database = u
	if s.access == makes {
		err = makeFolder(s.DatabaseURL)
	} else {
		err, u = existing(s.DatabaseURL), u.Existing()
	}
	if err != nil {
		return nil, err
	}
	if s.access != makes && !writable(s.DatabaseURL) {
		if s.access == reads && closed(s.DatabaseURL) {
			return p.openToRead(ctx, s, logger)
		}
		if s.access == uses {
			return nil, fmt.Errorf("this user has no permission to write to the database %s: run the command as the user of the server", u)
		}
	}
	return p.connectTo(ctx, s, u, logger)
}

// connectTo opens the database of the settings at a URL.
func (p *program) connectTo(ctx context.Context, s *settings, u dburl.URL, logger *slog.Logger) (*opened, error) {
	p.Logs(logger)
	db, err := p.openPool(ctx, u)
	if err != nil {
		return nil, fmt.Errorf("can't open the database %s: %w", u, err)
	}
	accounts, err := account.New(account.Config{
		DB: db, Dialect: u.Dialect, Issuer: s.Issuer, AccountPath: accountPath, AppsPath: accountPath, TokensPath: accountPath + "/tokens", TrustedProxies: s.TrustedProxies, Views: s.Views, Brand: s.Brand, Logger: logger,
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &opened{settings: s, db: db, store: sqlstore.New(db, u.Dialect), accounts: accounts, building: p.building}, nil
}

// openPool opens the database. On a node of a Galera cluster each connection waits for
// the commits of the other nodes: see [sqldb.SyncWait]. openPool finds that out once. An
// error of a server that does not respond yet is left to the first query.
func (p *program) openPool(ctx context.Context, u dburl.URL) (*sql.DB, error) {
	db, err := p.Open(u.Driver, u.DSN())
	if err != nil {
		return nil, err
	}
	if u.Dialect.Name != sqldb.SQLite.Name {
		if err := p.awaitDatabase(ctx, db.PingContext); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	if u.Dialect.Name == sqldb.MySQL.Name {
		first, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		if inCluster, err := sqldb.InGalera(first, db); err == nil && inCluster {
			_ = db.Close() // nothing was written
			if db, err = p.Open(u.Driver, dburl.Waiting(u.DSN())); err != nil {
				return nil, err
			}
		}
	}
	setPool(db, u.Dialect)
	return db, nil
}

// The maximum number of connections. More would wait for each other in the database, and
// each connection to SQLite has its own page cache.
const (
	connections       = 16
	sqliteConnections = 8
)

// maxLifetime is the maximum lifetime of a connection to a server. After a failover or a
// change of address, a busy connection would otherwise use the old server forever.
const maxLifetime = 30 * time.Minute

// setPool keeps idle connections for a while. By default database/sql keeps only two, so
// that under load most requests would open one.
func setPool(db *sql.DB, dialect sqlstore.Dialect) {
	n := connections
	if dialect.Name == sqlstore.SQLite.Name {
		n = sqliteConnections
	}
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	db.SetConnMaxIdleTime(5 * time.Minute)
	if dialect.Name != sqlstore.SQLite.Name {
		db.SetConnMaxLifetime(maxLifetime)
	}
}

// patience is the maximum time for the first response of a database.
const patience = 10 * time.Second

// prepare creates the tables if the command does that.
func (o *opened) prepare(ctx context.Context) error {
	if o.settings.access == makes {
		makeFile(o.settings.DatabaseURL)
	}
	first, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := o.db.PingContext(first); err != nil {
		return err
	}
	if !o.settings.migrates() {
		return nil // passport.New checks the store
	}
	return o.building.during(ctx, o.store.Migrate)
}

// hasTables checks the tables of the store. A command that creates a server doesn't need
// it: passport.New checks them. A frozen database lacks the settings for writing, which the
// store checks too.
func (o *opened) hasTables(ctx context.Context) error {
	if o.frozen {
		return nil
	}
	if err := o.store.Check(ctx); err != nil {
		return unusable(o.settings, err)
	}
	return nil
}

// prepareAccounts creates the tables of accounts, or checks that they exist. Commands
// about clients don't call it, because the database may belong to an application with its
// own accounts.
func (o *opened) prepareAccounts(ctx context.Context) error {
	if o.settings.migrates() {
		if err := o.building.during(ctx, o.accounts.Migrate); err != nil {
			return unusable(o.settings, err)
		}
	}
	if err := o.accounts.Ready(ctx); err != nil {
		return unusable(o.settings, err)
	}
	return nil
}

// migrates reports whether the command creates or updates the tables.
func (s *settings) migrates() bool { return s.access == makes && s.MigrateOnStart }

// ownDatabase reports whether the database is a file, which only this server uses.
func (s *settings) ownDatabase() bool { return strings.HasPrefix(s.DatabaseURL, "sqlite:") }

// makeFolder creates the folder of the default database. The folder of any other must
// exist, so that a typing mistake does not create one.
func makeFolder(database string) error {
	if database != defaults().DatabaseURL {
		return nil
	}
	folder := filepath.Dir(strings.TrimPrefix(database, "sqlite:"))
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("can't create the folder %s: %w", folder, reason(err))
	}
	return nil
}

// makeFile creates the file of a new SQLite database, readable by its owner only, because
// it has password hashes. SQLite would create it readable by all. makeFile ignores
// errors: SQLite reports them better.
func makeFile(database string) {
	file, ok := dburl.File(database)
	if !ok {
		return
	}
	// It never opens an existing file: closing it would release the locks that this
	// process may have on it.
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		_ = f.Close()
	}
}
