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

// migrationPatience is how long a node takes to migrate, or to wait for another
// one that does.
const migrationPatience = 2 * time.Minute

const (
	createMigrations = `CREATE TABLE IF NOT EXISTS passport_migrations (
  set_name VARCHAR(100) NOT NULL, name VARCHAR(100) NOT NULL, begun_at BIGINT NOT NULL, applied_at BIGINT,
  PRIMARY KEY (set_name, name))`
	selectMigrations = `SELECT name, applied_at FROM passport_migrations WHERE set_name = ?`
	insertMigration  = `INSERT INTO passport_migrations (set_name, name, begun_at) VALUES (?, ?, ?)`
	finishMigration  = `UPDATE passport_migrations SET applied_at = ? WHERE set_name = ? AND name = ?`
)

// Migrate applies the files of a set that have not been applied, in the order
// of their names. They are in goose's format. Any number of nodes may call it
// at once: one works, the others wait for it and find it done.
//
// tables are those that the files make. If one is there before the first file
// was applied, somebody else made it: Migrate changes nothing and says what to
// do about it.
//
// Where DDL cannot be undone (MySQL) a file that failed half-way is run again
// from its start, and what it finds made already it leaves alone; so data that
// a file changes must bear to be changed twice. In a Galera cluster, whose locks
// are one server's, nodes at several servers do so at the same time.
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
	if err := db.queue(ctx); err != nil {
		return err
	}
	defer db.leave()
	for wait := 10 * time.Millisecond; ; wait *= 2 {
		err := db.migrate(ctx, set, files, names, tables)
		if !disturbed(err) || wait > migrationPatience || !pause(ctx, wait) {
			return err
		}
	}
}

// disturbed reports whether a migration met what another node did at the same
// time: a server of a Galera cluster ends transactions, and connections, that stand
// in the way of another server's DDL.
func disturbed(err error) bool {
	return err != nil && (classOf(err) == conflict || errors.Is(err, driver.ErrBadConn))
}

func (db *DB) migrate(ctx context.Context, set string, files fs.FS, names, tables []string) error {
	conn, err := db.sql.Conn(ctx)
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

// Migrated returns nil when every file of a set has been applied, and otherwise
// an error that names the first one that has not. It changes nothing.
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

// scanMigration collects which files were begun, and whether they are applied.
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

// migrator runs a set on the one connection that holds the lock.
type migrator struct {
	db    *DB
	conn  *sql.Conn
	set   string
	files fs.FS

	// several says that the lock is not everybody's: other servers of a Galera
	// cluster may be doing the same.
	several bool
}

// locked runs f while no other node can, as one transaction where DDL is part
// of them.
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
	// Whatever happened to the caller, the lock goes: with the statement, or
	// else with the connection.
	if _, endErr := m.conn.ExecContext(context.WithoutCancel(ctx), end); endErr != nil {
		m.discard()
		if err == nil && m.db.dialect.transactionalDDL {
			err = failed(endErr)
		}
	}
	return err
}

// discard has the pool throw the connection away, and what it holds with it.
func (m *migrator) discard() {
	_ = m.conn.Raw(func(any) error { return driver.ErrBadConn })
}

// mysqlLock names a lock, which is the whole server's, after the database.
const mysqlLock = "CONCAT('passport.', MD5(DATABASE()))"

func (m *migrator) lock(ctx context.Context) error {
	switch {
	case m.db.dialect.oneWriter:
		return m.begin(ctx, "BEGIN IMMEDIATE")
	case m.db.dialect.transactionalDDL:
		// READ COMMITTED, or what we read after having waited is of before.
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
	m.several = found.on
	return nil
}

// begin waits for as long as the database answers that somebody else is at it.
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
		return fmt.Errorf("make the migrations table: %w", failure(ctx, err))
	}
	begun, err := m.begun(ctx)
	if err != nil {
		return err
	}
	if len(begun) == 0 {
		err := m.refuseForeign(ctx, tables)
		if err != nil {
			// Another server of a cluster may have begun meanwhile.
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
	return fmt.Errorf("the database has tables that this migrator did not make: %s. Nothing was changed. "+
		"If another tool applies these migrations, go on with that one; if the tables are of Laravel Passport "+
		"or of anything else, rename them, or give Passport a database or schema of its own", strings.Join(found, ", "))
}

// apply runs one file. again says that it was begun before and did not get to
// its end.
func (m *migrator) apply(ctx context.Context, name string, again bool) error {
	content, err := fs.ReadFile(m.files, name)
	if err != nil {
		return err
	}
	if !again {
		err := m.record(ctx, insertMigration, m.set, name, At(time.Now()))
		if err != nil && (!m.several || classOf(err) != duplicate) {
			return err
		}
	}
	for n, statement := range upStatements(string(content)) {
		_, err := m.conn.ExecContext(ctx, statement)
		if err != nil && !((again || m.several) && madeAlready(err)) {
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

// upStatements are those between "-- +goose Up" and "-- +goose Down". One ends
// with a semicolon at the end of a line, or with "-- +goose StatementEnd".
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
			code, _, _ := strings.Cut(line, " --") // a literal with that in it needs StatementBegin
			b.WriteString(strings.TrimRight(code, "\r\n") + "\n")
			if strings.HasSuffix(strings.TrimSpace(code), ";") {
				end()
			}
		}
	}
	end()
	return statements
}
