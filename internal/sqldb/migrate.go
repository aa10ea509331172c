package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
)

const (
	// migrationPatience is the maximum wait for another node that migrates, and the
	// maximum time of a file that blocks writes.
	migrationPatience = 2 * time.Minute

	// buildPatience is the maximum time of a file that builds indexes on tables in use.
	buildPatience = time.Hour
)

const (
	createMigrations = `CREATE TABLE IF NOT EXISTS passport_migrations (
  set_name VARCHAR(100) NOT NULL, name VARCHAR(100) NOT NULL, begun_at BIGINT NOT NULL, applied_at BIGINT,
  PRIMARY KEY (set_name, name))`
	selectMigrations = `SELECT name, applied_at FROM passport_migrations WHERE set_name = ?`
	insertMigration  = `INSERT INTO passport_migrations (set_name, name, begun_at) VALUES (?, ?, ?)`
	finishMigration  = `UPDATE passport_migrations SET applied_at = ? WHERE set_name = ? AND name = ?`
)

// Migrate applies the files of a set that have not been applied, in the order of
// their names. They are in goose's format. Several nodes may call it at the same time:
// one node migrates, the others wait until it is done.
//
// tables are the tables that the files create. If one of them exists before the first
// file was applied, it belongs to other software: Migrate changes nothing and returns
// an error that says what to do.
//
// A file with "-- +goose NO TRANSACTION" is for PostgreSQL: it builds indexes with
// CREATE INDEX CONCURRENTLY, so that writes continue. It runs on a second connection,
// while the first one holds the lock. If the pool has a single connection, or if the
// set's tables are new, the file runs in the transaction, without CONCURRENTLY.
//
// If DDL can't be rolled back (MySQL), a file that failed half-way runs again from the
// start and skips existing objects. So the data changes of a file must be idempotent.
// In a Galera cluster a lock covers a single node, so several cluster nodes may
// migrate at the same time.
func (db *DB) Migrate(ctx context.Context, set string, files fs.FS, tables []string) error {
	if db.Migrated(ctx, set, files) == nil {
		return nil
	}
	names, err := migrationNames(files)
	if err != nil {
		return err
	}
	if err := db.acquireWriter(ctx); err != nil {
		return err
	}
	defer db.releaseWriter()
	for wait := 10 * time.Millisecond; ; wait *= 2 {
		err := db.migrate(ctx, set, files, names, tables)
		if !disturbed(err) || wait > migrationPatience || !pause(ctx, wait) {
			return err
		}
	}
}

// disturbed reports whether another node interrupted a migration. A Galera node ends
// transactions and connections that block another node's DDL.
func disturbed(err error) bool {
	return err != nil && (classOf(err) == conflict || errors.Is(err, driver.ErrBadConn))
}

func (db *DB) migrate(ctx context.Context, set string, files fs.FS, names, tables []string) error {
	conn, err := db.connection(ctx)
	if err != nil {
		return fmt.Errorf("migrate: %w", failure(ctx, err))
	}
	defer conn.Close()
	m := &migrator{db: db, conn: conn, set: set, files: files}
	for more := true; more; {
		err := m.locked(ctx, func() (err error) {
			more, err = m.run(ctx, names, tables)
			return err
		})
		if err != nil {
			return fmt.Errorf("migrate %s: %w", set, err)
		}
	}
	return nil
}

// Migrated returns nil if every file of a set has been applied. Otherwise its error
// names the first file that has not. It changes nothing.
func (db *DB) Migrated(ctx context.Context, set string, files fs.FS) error {
	names, err := migrationNames(files)
	if err != nil {
		return err
	}
	var there int64
	scan := func(row Row) error { return row.Scan(&there) }
	if err := db.Row(ctx, db.dialect.tableExists, scan, "passport_migrations"); err != nil {
		return fmt.Errorf("look for the migrations table: %w", err)
	}
	applied := map[string]bool{}
	if there > 0 {
		if applied, err = db.applied(ctx, set); err != nil {
			return err
		}
	}
	for _, name := range names {
		if !applied[name] {
			return incomplete{fmt.Errorf(`the database lacks the migration %s of %q: run "passport migrate", or call Migrate`, name, set)}
		}
	}
	return nil
}

func (db *DB) applied(ctx context.Context, set string) (map[string]bool, error) {
	applied := map[string]bool{}
	err := db.Each(ctx, selectMigrations, scanMigration(applied), set)
	if err != nil {
		return nil, fmt.Errorf("read the migrations table: %w", err)
	}
	return applied, nil
}

// scanMigration collects the names of the files that were begun, and whether they were
// applied.
func scanMigration(into map[string]bool) func(Row) error {
	return func(row Row) error {
		var name string
		var at sql.NullInt64
		err := row.Scan(&name, &at)
		into[name] = at.Valid
		return err
	}
}

func migrationNames(files fs.FS) ([]string, error) {
	names, err := fs.Glob(files, "*.sql")
	if err == nil && len(names) == 0 {
		err = errors.New("there are no migrations")
	}
	slices.Sort(names)
	return names, err
}

// migrator runs a set on the connection that holds the lock.
type migrator struct {
	db    *DB
	conn  *sql.Conn
	set   string
	files fs.FS

	// fresh means that no file of the set was begun before. So no other software uses
	// its tables.
	fresh bool

	// cluster means that other Galera nodes may migrate at the same time, because the
	// lock covers a single node.
	cluster bool
}

// run applies the files that were not applied. more means that the transaction must end
// before the next file, because that file runs outside it.
func (m *migrator) run(ctx context.Context, names, tables []string) (more bool, err error) {
	if _, err := m.conn.ExecContext(ctx, createMigrations); err != nil {
		return false, fmt.Errorf("create the migrations table: %w", failure(ctx, err))
	}
	begun, err := m.begun(ctx)
	if err != nil {
		return false, err
	}
	m.fresh = len(begun) == 0
	if m.fresh {
		err := m.refuseForeign(ctx, tables)
		if err != nil {
			// Another Galera node may have begun meanwhile.
			if begun, _ = m.begun(ctx); len(begun) == 0 {
				return false, err
			}
		}
	}
	changed := m.fresh
	for _, name := range names {
		applied, again := begun[name]
		if applied {
			continue
		}
		file, err := readMigration(m.files, name)
		if err != nil {
			return false, err
		}
		outside := m.runsOutside(file)
		if outside && changed {
			return true, nil
		}
		if err := m.within(ctx, file, outside, again); err != nil {
			return false, err
		}
		changed = changed || !outside
	}
	return false, nil
}

// within applies a file within its time limit.
func (m *migrator) within(ctx context.Context, file *migrationFile, outside, again bool) error {
	limit := migrationPatience
	if file.alone || m.db.dialect.oneWriter || !m.db.dialect.transactionalDDL {
		limit = buildPatience
	}
	own, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := m.applyBy(own, file, outside, again)
	if err != nil && own.Err() != nil && ctx.Err() == nil {
		return fmt.Errorf("%s took longer than %v: %w", file.name, limit, err)
	}
	return err
}

func (m *migrator) applyBy(ctx context.Context, file *migrationFile, outside, again bool) error {
	if outside {
		return m.outside(ctx, file, again)
	}
	return m.apply(ctx, file, again, m.execute)
}

func (m *migrator) begun(ctx context.Context) (map[string]bool, error) {
	begun := map[string]bool{}
	rows, err := m.conn.QueryContext(ctx, m.db.dialect.bind(selectMigrations), m.set)
	if err != nil {
		return nil, fmt.Errorf("read the migrations table: %w", failure(ctx, err))
	}
	if _, err := drain(ctx, rows, rows, scanMigration(begun)); err != nil {
		return nil, fmt.Errorf("read the migrations table: %w", err)
	}
	return begun, nil
}

func (m *migrator) refuseForeign(ctx context.Context, tables []string) error {
	var found []string
	for _, table := range tables {
		var n int64
		err := m.conn.QueryRowContext(ctx, m.db.dialect.bind(m.db.dialect.tableExists), table).Scan(&n)
		if err != nil {
			return fmt.Errorf("look for the table %s: %w", table, failure(ctx, err))
		}
		if n > 0 {
			found = append(found, table)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return fmt.Errorf("the database has tables that this migrator did not create: %s. Nothing was changed. "+
		"If another tool applies these migrations, keep using it. If the tables belong to Laravel Passport "+
		"or to other software, rename them, or give Passport its own database or schema", strings.Join(found, ", "))
}

// apply runs one file. again means that an earlier run began it and did not finish.
func (m *migrator) apply(ctx context.Context, file *migrationFile, again bool, execute func(context.Context, *migrationStatement) error) error {
	if !again {
		err := m.record(ctx, insertMigration, m.set, file.name, At(time.Now()))
		if err != nil && (!m.cluster || classOf(err) != duplicate) {
			return err
		}
	}
	for n := range file.statements {
		err := execute(ctx, &file.statements[n])
		if err != nil && !((again || m.cluster) && alreadyExists(err)) {
			return fmt.Errorf("%s, statement %d: %w", file.name, n+1, failure(ctx, err))
		}
	}
	return m.record(ctx, finishMigration, At(time.Now()), m.set, file.name)
}

// execute runs a statement in the transaction.
func (m *migrator) execute(ctx context.Context, s *migrationStatement) error {
	if s.repairs {
		if m.fresh {
			return nil
		}
		if whole, err := m.whole(ctx, s.index); whole || err != nil {
			return err
		}
	}
	_, err := m.conn.ExecContext(ctx, s.plain())
	return err
}

func (m *migrator) record(ctx context.Context, q string, args ...any) error {
	if _, err := m.conn.ExecContext(ctx, m.db.dialect.bind(q), args...); err != nil {
		return fmt.Errorf("write the migrations table: %w", failure(ctx, err))
	}
	return nil
}
