package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"io/fs"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// Dialect is a kind of database: [SQLite], [Postgres] or [MySQL].
type Dialect = sqldb.Dialect

// The supported databases. MySQL includes MariaDB.
var (
	SQLite   = sqldb.SQLite
	Postgres = sqldb.Postgres
	MySQL    = sqldb.MySQL
)

// SQLiteDSN returns a DSN for modernc.org/sqlite that opens the file at path with safe
// settings for a server. It enables a write-ahead log (WAL), so that readers and the
// writer do not block each other. It syncs each COMMIT to disk (synchronous=FULL), so
// that a revoked token cannot work again after a power failure. It waits up to five
// seconds for other processes (busy_timeout).
//
// The path ":memory:" opens a database in memory. Each call returns a different
// database, which exists while a connection to it is open.
func SQLiteDSN(path string) string { return sqldb.SQLiteDSN(path) }

//go:embed migrations
var migrations embed.FS

// migrationSet is the name of our migrations in the migrations table.
const migrationSet = "oauth"

// tables are the tables that the migrations create.
var tables = []string{
	"oauth_clients", "oauth_client_secrets", "oauth_families", "oauth_cut_offs", "oauth_auth_codes",
	"oauth_access_tokens", "oauth_refresh_tokens", "oauth_consents", "oauth_once", "oauth_audit", "oauth_counters",
	"oauth_key_rings", "oauth_pending_requests", "oauth_client_metadata", "oauth_client_logos", "oauth_device_codes", "oauth_last_used",
	"oauth_imported_clients", "oauth_imported_refresh_tokens", "oauth_import_notes",
	"oauth_client_sessions", "oauth_logout_notices", "oauth_logout_status",
}

// Migrations returns the migrations for a dialect, in goose's format. Use it if the
// application has its own migration tool.
func Migrations(d Dialect) fs.FS {
	sub, err := fs.Sub(migrations, "migrations/"+d.Name)
	if err != nil {
		panic(err) // unreachable: every dialect's name is a valid path
	}
	return sub
}

// Store implements [oauth.Store] in a SQL database. Create one with [New]. It is
// safe for concurrent use.
type Store struct{ db *sqldb.DB }

var (
	_ oauth.Store               = (*Store)(nil)
	_ oauth.AuditStore          = (*Store)(nil)
	_ oauth.KeyStore            = (*Store)(nil)
	_ oauth.PresentedStore      = (*Store)(nil)
	_ oauth.Checker             = (*Store)(nil)
	_ oauth.PendingRequestStore = (*Store)(nil)
	_ oauth.FamilyLimitStore    = (*Store)(nil)
	_ oauth.ConsentListStore    = (*Store)(nil)
	_ oauth.ClientMetadataStore = (*Store)(nil)
	_ oauth.DeviceStore         = (*Store)(nil)
	_ oauth.GrantPowerStore     = (*Store)(nil)
	_ oauth.DeviceReader        = deviceReader{}
	_ oauth.LastUsedStore       = (*Store)(nil)
	_ oauth.ImportStore         = (*Store)(nil)
	_ oauth.LogoutStore         = (*Store)(nil)
)

// New returns a store that uses the application's database. New itself does not access
// the database. Call [Store.Migrate] to create the tables.
func New(db *sql.DB, d Dialect) *Store { return &Store{db: sqldb.New(db, d)} }

// Migrate creates the tables, or updates those of an older version. Call it at every
// start; several nodes may do so at the same time. If it finds tables that it did not
// create, it changes nothing and returns an error that says what to do.
func (s *Store) Migrate(ctx context.Context) error {
	return s.db.Migrate(ctx, migrationSet, Migrations(s.db.Dialect()), tables)
}

// Check implements [oauth.Checker]. It changes nothing. It also accepts tables that
// another tool created from [Migrations] if they have all columns.
func (s *Store) Check(ctx context.Context) error {
	return errors.Join(s.db.Check(ctx), s.db.Intact(ctx, migrationSet, Migrations(s.db.Dialect())))
}

// form returns the form of a statement that this kind of database knows.
func (s *Store) form(others, mysql string) string {
	if s.db.Dialect().Name == sqldb.MySQL.Name {
		return mysql
	}
	return others
}

// change runs f in a transaction, together with the audit record of the change. f
// reports whether it changed anything. Without a change, no record is written.
func (s *Store) change(ctx context.Context, a *oauth.AuditRecord, f func(ctx context.Context, tx *sqldb.Tx) (changed bool, err error)) error {
	return s.db.Tx(ctx, func(ctx context.Context, tx *sqldb.Tx) error {
		changed, err := f(ctx, tx)
		if err != nil || !changed {
			return err
		}
		return saveAudit(ctx, tx, a)
	})
}

// exists returns [oauth.ErrNotFound] if a row does not exist. Call it after a statement
// that changed no row: that may also mean that the row already had the new values.
func (s *Store) exists(ctx context.Context, q, id string) error {
	return s.db.Row(ctx, q, func(sqldb.Row) error { return nil }, id)
}

// storable reports whether all of these IDs can be stored.
func storable(ids ...string) bool {
	for _, id := range ids {
		if !sqldb.Storable(id) {
			return false
		}
	}
	return true
}
