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
	"github.com/go-passport/passport/internal/dburl"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
)

// opened is what the commands work on: the database, with what is kept in it.
type opened struct {
	settings *settings
	db       *sql.DB
	store    *sqlstore.Store
	accounts *account.Accounts
	building building
	frozen   bool // nothing can be written to the database
}

func (o *opened) close() error { return o.db.Close() }

// open opens the database. A command that makes databases also makes the tables,
// unless the settings forbid it.
// Those of accounts are left to [opened.prepareAccounts].
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

// check reports everything that is wrong with the settings, before anything is
// made or opened.
func (s *settings) check() error {
	keys, err := passport.GenerateKeys()
	if err != nil {
		return err
	}
	c := s.Config
	c.Store, c.Keys, c.Logger = noStore{}, keys, slog.New(slog.DiscardHandler)
	c.Users = new(account.Accounts) // nothing is asked of it either
	_, err = passport.New(withoutPersonalClient(c))
	if s.IdleTimeout < time.Second {
		err = errors.Join(err, fmt.Errorf("idle_timeout is %v: want at least a second", s.IdleTimeout))
	}
	if s.DrainDelay < 0 || s.DrainDelay > maxDrainDelay {
		err = errors.Join(err, fmt.Errorf("drain_delay is %s: want at most %s, and not less than 0s", spell(s.DrainDelay), spell(maxDrainDelay)))
	}
	return inSettings(err)
}

// withoutPersonalClient returns a configuration whose client of personal access
// tokens is not looked up: there is no store yet, or the command is one that may
// have to mend just that client.
func withoutPersonalClient(c passport.Config) passport.Config {
	if c.PersonalAccessClientID != "" && c.PersonalAccessClientSecret != "" { // one alone is a fault
		c.PersonalAccessClientID, c.PersonalAccessClientSecret = "", ""
	}
	return c
}

// noStore is what settings and pages are checked with: nothing is asked of it.
type noStore struct{ oauth.Store }

// What SQLite says of a file (https://sqlite.org/rescode.html).
const (
	readOnly    = 8
	cannotOpen  = 14
	notDatabase = 26
)

// sqliteCode returns what SQLite says of an error, or 0 for errors of others.
func sqliteCode(err error) int {
	if e, ok := errors.AsType[interface {
		error
		Code() int
	}](err); ok {
		return e.Code() & 0xff
	}
	return 0
}

// unusable says what is wrong with a database, and what to do.
func unusable(s *settings, err error) error {
	name := safe(s.DatabaseURL)
	switch sqliteCode(err) {
	case readOnly, cannotOpen:
		return fmt.Errorf("the database %s cannot be opened: its folder has to be there, and this user has to be allowed to write to the folder and to the file", name)
	case notDatabase:
		return fmt.Errorf("%s is not an SQLite database: name another file", name)
	}
	if e, ok := errors.AsType[net.Error](err); ok {
		return fmt.Errorf("the database %s does not answer (%w): is it running, and is this its address?", name, e)
	}
	if sqldb.NotReady(err) {
		return fmt.Errorf("the database %s is not ready (%w): try again in a moment", name, err)
	}
	if e, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err); ok {
		return fmt.Errorf("the database %s refuses (%w): look at the setting database_url", name, e)
	}
	if errors.Is(err, oauth.ErrUnavailable) {
		return fmt.Errorf("the database %s refuses (%w): look at the setting database_url", name, deepest(err))
	}
	return fmt.Errorf("the database %s cannot be used: %w", name, err)
}

// deepest returns what began an error: the sentence of the driver.
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

// connect opens the database and changes nothing in it.
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
			return nil, fmt.Errorf("the database %s is there, but this user may not write to it: run this as the user of the server", u)
		}
	}
	return p.connectTo(ctx, s, u, logger)
}

// connectTo opens the database of the settings at a URL.
func (p *program) connectTo(ctx context.Context, s *settings, u dburl.URL, logger *slog.Logger) (*opened, error) {
	p.Logs(logger)
	db, err := p.openPool(ctx, u)
	if err != nil {
		return nil, fmt.Errorf("the database %s cannot be opened: %w", u, err)
	}
	accounts, err := account.New(account.Config{
		DB: db, Dialect: u.Dialect, Issuer: s.Issuer, TrustedProxies: s.TrustedProxies, Views: s.Views, Logger: logger,
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &opened{settings: s, db: db, store: sqlstore.New(db, u.Dialect), accounts: accounts, building: p.building}, nil
}

// openPool opens the database. At a server of a Galera cluster each connection waits
// for what the other servers have committed: see [sqldb.SyncWait]. Whether it is one
// is asked once; a server that does not answer yet is told of where it is needed.
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

// How many connections a server has at most. More would wait for one another in
// the database; each of SQLite's has a cache of pages of its own.
const (
	connections       = 16
	sqliteConnections = 8
)

// maxLifetime is for how long a connection to a server is used. After a failover or a
// change of an address, a connection under load would lead to the old server forever.
const maxLifetime = 30 * time.Minute

// setPool keeps connections for a while: of its own accord database/sql closes all
// but two as soon as they are free, and under load most requests would make one.
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

// patience is how long a database may take to answer for the first time.
const patience = 10 * time.Second

// prepare makes the tables, or looks whether they are there.
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
		return nil // passport.New looks after the store
	}
	return o.building.during(ctx, o.store.Migrate)
}

// prepareAccounts makes the tables of accounts, or looks whether they are there.
// What has to do with clients alone does without, for the database may be that of
// an application with accounts of its own.
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

// migrates reports whether the command makes or changes the tables.
func (s *settings) migrates() bool { return s.access == makes && s.MigrateOnStart }

// ownDatabase reports whether the database is a file of this server alone.
func (s *settings) ownDatabase() bool { return strings.HasPrefix(s.DatabaseURL, "sqlite:") }

// makeFolder makes the folder of the database that a server has by default. One
// that somebody named is expected to be there: a folder made for a slip of the
// pen would hide it.
func makeFolder(database string) error {
	if database != defaults().DatabaseURL {
		return nil
	}
	folder := filepath.Dir(strings.TrimPrefix(database, "sqlite:"))
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("the folder %s cannot be made: %w", folder, reason(err))
	}
	return nil
}

// makeFile makes the file of an SQLite database that is not there, for its owner
// alone: it holds the hashes of passwords, and SQLite makes it for everybody. What
// stands in the way SQLite says itself, and better.
func makeFile(database string) {
	file, ok := dburl.File(database)
	if !ok {
		return
	}
	// One that is there is not touched: closing it would take off the locks that
	// this process may hold on it.
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		_ = f.Close()
	}
}
