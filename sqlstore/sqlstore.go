package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// Dialect names a kind of database: [SQLite], [Postgres] or [MySQL].
type Dialect = sqldb.Dialect

// The databases that are supported. MySQL is MariaDB too.
var (
	SQLite   = sqldb.SQLite
	Postgres = sqldb.Postgres
	MySQL    = sqldb.MySQL
)

// SQLiteDSN returns the DSN with which modernc.org/sqlite opens the file at
// path as a server needs it, on each connection: a write-ahead log, so that
// readers and the writer do not lock each other out; every COMMIT on the disk
// before it is answered, so that no power cut brings a revoked token back; some
// patience with other processes. The path ":memory:" is a database in memory,
// one for each call, which lasts while a connection to it is open.
func SQLiteDSN(path string) string { return sqldb.SQLiteDSN(path) }

//go:embed migrations
var migrations embed.FS

// migrationSet is the name of our migrations among those of other packages.
const migrationSet = "oauth"

// tables are those that the migrations make.
var tables = []string{
	"oauth_clients", "oauth_client_secrets", "oauth_families", "oauth_cut_offs", "oauth_auth_codes",
	"oauth_access_tokens", "oauth_refresh_tokens", "oauth_consents", "oauth_once", "oauth_audit", "oauth_counters",
	"oauth_key_rings",
}

// Migrations returns the migrations for a dialect, in goose's format, for
// applications that have a tool of their own to apply them.
func Migrations(d Dialect) fs.FS {
	sub, err := fs.Sub(migrations, "migrations/"+d.Name)
	if err != nil {
		panic(err) // only for a path that is not valid
	}
	return sub
}

// Store implements [oauth.Store].
type Store struct{ db *sqldb.DB }

var (
	_ oauth.Store      = (*Store)(nil)
	_ oauth.AuditStore = (*Store)(nil)
	_ oauth.KeyStore   = (*Store)(nil)
	_ oauth.Checker    = (*Store)(nil)
)

// New returns a store over the application's database. It touches nothing;
// [Store.Migrate] makes the tables.
func New(db *sql.DB, d Dialect) *Store { return &Store{db: sqldb.New(db, d)} }

// Migrate makes the tables, or brings those of an older version up to date. Any
// number of nodes may call it at once, at each start. If it finds tables that
// it did not make it changes nothing and says what to do.
func (s *Store) Migrate(ctx context.Context) error {
	return s.db.Migrate(ctx, migrationSet, Migrations(s.db.Dialect()), tables)
}

// Check implements [oauth.Checker]. It changes nothing.
func (s *Store) Check(ctx context.Context) error {
	return errors.Join(s.db.Check(ctx), s.checkTables(ctx))
}

// checkTables accepts tables that another tool has made from [Migrations]: then
// what counts is that they are there, with all their columns.
func (s *Store) checkTables(ctx context.Context) error {
	missing := s.db.Migrated(ctx, migrationSet, Migrations(s.db.Dialect()))
	if missing == nil || errors.Is(missing, oauth.ErrUnavailable) {
		return missing
	}
	never := func(sqldb.Row) error { return nil }
	for _, q := range probes {
		if err := s.db.Each(ctx, q, never); errors.Is(err, oauth.ErrUnavailable) {
			return err
		} else if err != nil {
			return fmt.Errorf("%w (%w)", missing, err)
		}
	}
	return nil
}

// probes read no row, and fail where a table or a column is missing.
var probes = []string{
	`SELECT ` + clientColumns + ` FROM oauth_clients c WHERE 1 = 0`,
	`SELECT s.client_id, s.digest, s.created_at, s.expires_at FROM oauth_client_secrets s WHERE 1 = 0`,
	`SELECT ` + familyColumns + `, f.revoked_at FROM oauth_families f WHERE 1 = 0`,
	`SELECT ` + cutOffColumns + ` FROM oauth_cut_offs x WHERE 1 = 0`,
	`SELECT ` + codeColumns + `, k.family_id FROM oauth_auth_codes k WHERE 1 = 0`,
	`SELECT ` + tokenColumns + `, t.family_id, t.client_id, t.keep_until FROM oauth_access_tokens t WHERE 1 = 0`,
	`SELECT r.digest, r.access_token_id, r.family_id, r.scopes, r.attributes, r.expires_at, r.spent_at, r.successor FROM oauth_refresh_tokens r WHERE 1 = 0`,
	`SELECT n.provider, n.user_id, n.client_id, n.scope, n.granted_at, n.consent_version FROM oauth_consents n WHERE 1 = 0`,
	`SELECT o.purpose, o.digest, o.keep_until FROM oauth_once o WHERE 1 = 0`,
	`SELECT n.name, n.value FROM oauth_counters n WHERE 1 = 0`,
	`SELECT r.name, r.version, r.sealed FROM oauth_key_rings r WHERE 1 = 0`,
	`SELECT ` + auditColumns + ` FROM oauth_audit a WHERE 1 = 0`,
}

// change runs f as one write, together with the audit record of what it
// changes. f reports whether it changed anything: a record tells of changes.
func (s *Store) change(ctx context.Context, a *oauth.AuditRecord, f func(ctx context.Context, tx *sqldb.Tx) (changed bool, err error)) error {
	return s.db.Tx(ctx, func(ctx context.Context, tx *sqldb.Tx) error {
		changed, err := f(ctx, tx)
		if err != nil || !changed {
			return err
		}
		return saveAudit(ctx, tx, a)
	})
}

// exists asks whether a row is there, for a statement that changed none: to
// conclude it from the number of changed rows would be wrong where there was
// nothing to change.
func (s *Store) exists(ctx context.Context, q, id string) error {
	return s.db.Row(ctx, q, func(sqldb.Row) error { return nil }, id)
}

// storable reports whether all of these can be part of a row.
func storable(ids ...string) bool {
	for _, id := range ids {
		if !sqldb.Storable(id) {
			return false
		}
	}
	return true
}
