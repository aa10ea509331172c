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

// migrationPatience is the maximum time for migrating, or for waiting for another
// node that migrates.
const migrationPatience = 2 * time.Minute

const (
	createMigrations = `CREATE TABLE IF NOT EXISTS passport_migrations (
  set_name VARCHAR(100) NOT NULL, name VARCHAR(100) NOT NULL, begun_at BIGINT NOT NULL, applied_at BIGINT,
  PRIMARY KEY (set_name, name))`
	selectMigrations = `SELECT name, applied_at FROM passport_migrations WHERE set_name = ?`
	insertMigration  = `INSERT INTO passport_migrations (set_name, name, begun_at) VALUES (?, ?, ?)`
	finishMigration  = `UPDATE passport_migrations SET applied_at = ? WHERE set_name = ? AND name = ?`
)

// Migrate applies the files of a set that have not been applied, in the order of
// their names. They are in goose's format. Any number of nodes may call it at once:
// one node migrates, the others wait and find it done.
//
// tables are the tables that the files create. If one of them exists before the
// first file was applied, it belongs to other software: Migrate changes nothing and
// returns an error with the remedy.
//
// Where DDL cannot be rolled back (MySQL), a file that failed half-way runs again
// from its start, and skips existing objects. So the data changes of a file must be
// idempotent. In a Galera cluster a lock covers a single server only, so nodes at
// several servers may migrate at the same time.
func (db *DB) Migrate(ctx context.Context, set string, files fs.FS, tables []string) error {
	if db.Migrated(ctx, set, files) == nil {
		return nil
	}
	names, err := migrationNames(files)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, migrationPatience)
	defer cancel()
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

// disturbed reports whether a migration was interrupted by another node. A server
// of a Galera cluster ends transactions and connections that block another server's
// DDL.
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
	if err := m.locked(ctx, func() error { return m.run(ctx, names, tables) }); err != nil {
		return fmt.Errorf("migrate %s: %w", set, err)
	}
	return nil
}

// Migrated returns nil if every file of a set has been applied. Otherwise its error
// names the first missing one. It changes nothing.
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
			return fmt.Errorf(`the database lacks the migration %s of %q: run "passport migrate", or call Migrate`, name, set)
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

// scanMigration collects the names of the files that were begun, and whether they
// are applied.
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

	// cluster says that other servers of a Galera cluster may migrate at the same
	// time, because the lock covers a single server only.
	cluster bool
}

// locked runs f while no other node can. Where DDL is transactional, f is one
// transaction.
func (m *migrator) locked(ctx context.Context, f func() error) error {
	if err := m.lock(ctx); err != nil {
		return err
	}
	err := f()
	end := "COMMIT"
	if err != nil {
		end = "ROLLBACK"
	}
	if !m.db.dialect.transactionalDDL {
		end = "DO RELEASE_LOCK(" + mysqlLock + ")"
	}
	// The lock must be released in any case: by the statement, or else with the
	// connection.
	if _, endErr := m.conn.ExecContext(context.WithoutCancel(ctx), end); endErr != nil {
		m.discard()
		if err == nil && m.db.dialect.transactionalDDL {
			err = failed(endErr)
		}
	}
	return err
}

// discard makes the pool close the connection, which releases its lock.
func (m *migrator) discard() {
	_ = m.conn.Raw(func(any) error { return driver.ErrBadConn })
}

// mysqlLock names a lock for the database. Locks are global to a server.
const mysqlLock = "CONCAT('passport.', MD5(DATABASE()))"

func (m *migrator) lock(ctx context.Context) error {
	switch {
	case m.db.dialect.oneWriter:
		return m.begin(ctx, "BEGIN IMMEDIATE")
	case m.db.dialect.transactionalDDL:
		// At a stricter level, the reads after the wait would return the state
		// before it.
		if err := m.begin(ctx, "BEGIN ISOLATION LEVEL READ COMMITTED"); err != nil {
			return err
		}
		if _, err := m.conn.ExecContext(ctx, "SELECT pg_advisory_xact_lock(8097816574)"); err != nil {
			m.discard()
			return fmt.Errorf("wait for the lock: %w", failure(ctx, err))
		}
		return nil
	}
	if err := m.askGalera(ctx); err != nil {
		return err
	}
	var got sql.NullInt64
	if err := m.conn.QueryRowContext(ctx, "SELECT GET_LOCK("+mysqlLock+", 60)").Scan(&got); err != nil {
		return fmt.Errorf("wait for the lock: %w", failure(ctx, err))
	}
	if got.Int64 != 1 {
		return unavailable(errors.New("another node has been migrating for a minute"))
	}
	return nil
}

func (m *migrator) askGalera(ctx context.Context) error {
	found, err := wsrep(ctx, m.conn)
	if err != nil {
		return fmt.Errorf("ask whether this is a Galera cluster: %w", failure(ctx, err))
	}
	m.cluster = found.on
	return nil
}

// begin retries while another connection holds the lock.
func (m *migrator) begin(ctx context.Context, q string) error {
	for {
		_, err := m.conn.ExecContext(ctx, q)
		if err == nil {
			return nil
		}
		if classOf(err) != conflict {
			return fmt.Errorf("begin: %w", failure(ctx, err))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("begin: %w", failure(ctx, err))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (m *migrator) run(ctx context.Context, names, tables []string) error {
	if _, err := m.conn.ExecContext(ctx, createMigrations); err != nil {
		return fmt.Errorf("create the migrations table: %w", failure(ctx, err))
	}
	begun, err := m.begun(ctx)
	if err != nil {
		return err
	}
	if len(begun) == 0 {
		err := m.refuseForeign(ctx, tables)
		if err != nil {
			// Another server of a cluster may have begun in the meantime.
			if begun, _ = m.begun(ctx); len(begun) == 0 {
				return err
			}
		}
	}
	for _, name := range names {
		if applied, again := begun[name]; !applied {
			if err := m.apply(ctx, name, again); err != nil {
				return err
			}
		}
	}
	return nil
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

// apply runs one file. again says that an earlier run began it and did not finish.
func (m *migrator) apply(ctx context.Context, name string, again bool) error {
	content, err := fs.ReadFile(m.files, name)
	if err != nil {
		return err
	}
	if !again {
		err := m.record(ctx, insertMigration, m.set, name, At(time.Now()))
		if err != nil && (!m.cluster || classOf(err) != duplicate) {
			return err
		}
	}
	for n, statement := range upStatements(string(content)) {
		_, err := m.conn.ExecContext(ctx, statement)
		if err != nil && !((again || m.cluster) && alreadyExists(err)) {
			return fmt.Errorf("%s, statement %d: %w", name, n+1, failure(ctx, err))
		}
	}
	return m.record(ctx, finishMigration, At(time.Now()), m.set, name)
}

func (m *migrator) record(ctx context.Context, q string, args ...any) error {
	if _, err := m.conn.ExecContext(ctx, m.db.dialect.bind(q), args...); err != nil {
		return fmt.Errorf("write the migrations table: %w", failure(ctx, err))
	}
	return nil
}

// upStatements returns the statements between "-- +goose Up" and "-- +goose Down".
// A statement ends with a semicolon at the end of a line, or with "-- +goose
// StatementEnd".
func upStatements(content string) (statements []string) {
	_, up, _ := strings.Cut(content, "-- +goose Up")
	up, _, _ = strings.Cut(up, "-- +goose Down")
	var b strings.Builder
	whole := false
	end := func() {
		if s := strings.TrimSpace(b.String()); s != "" {
			statements = append(statements, strings.TrimSuffix(s, ";"))
		}
		b.Reset()
	}
	for line := range strings.Lines(up) {
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "-- +goose StatementBegin":
			whole = true
		case trimmed == "-- +goose StatementEnd":
			whole = false
			end()
		case strings.HasPrefix(trimmed, "--"):
		case whole:
			b.WriteString(line)
		default:
			code, _, _ := strings.Cut(line, " --") // a literal that contains " --" needs StatementBegin
			b.WriteString(strings.TrimRight(code, "\r\n") + "\n")
			if strings.HasSuffix(strings.TrimSpace(code), ";") {
				end()
			}
		}
	}
	end()
	return statements
}
