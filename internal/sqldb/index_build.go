package sqldb

import (
	"context"
	"fmt"
	"time"
)

// BuildTrace is called before an index is built on a table in use, with the name of the
// migration's file. It returns a function that is called after the build.
type BuildTrace func(file, index string) (done func())

type buildTraceKey struct{}

// WithBuildTrace returns a context for Migrate. Building an index on a big table may
// take long, so a command can show what it waits for.
func WithBuildTrace(ctx context.Context, trace BuildTrace) context.Context {
	return context.WithValue(ctx, buildTraceKey{}, trace)
}

// runsOutside reports whether a file runs outside the transaction, on a second
// connection.
func (m *migrator) runsOutside(file *migrationFile) bool {
	d := m.db.dialect
	return file.alone && d.transactionalDDL && !d.oneWriter && !m.fresh && m.db.sql.Stats().MaxOpenConnections != 1
}

// holdOnly ends the last read of the connection that holds the lock, and so its
// snapshot: CREATE INDEX CONCURRENTLY waits for each older snapshot. A driver may leave
// the read open until the next statement. The connection is then idle until the file is
// applied. Both statements lift the server's limits for idle and long transactions.
const (
	holdAsLong = `SELECT set_config(name, '0', true) FROM pg_settings WHERE name = 'transaction_timeout'`
	holdOnly   = `SET LOCAL idle_in_transaction_session_timeout = 0`
)

// outside runs a file on a second connection, statement by statement, while the
// first connection holds the lock.
func (m *migrator) outside(ctx context.Context, file *migrationFile, again bool) error {
	for _, q := range []string{holdAsLong, holdOnly} {
		if _, err := m.conn.ExecContext(ctx, q); err != nil {
			return fmt.Errorf("hold the lock: %w", failure(ctx, err))
		}
	}
	soon, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	conn, err := m.db.connection(soon)
	if err != nil {
		return fmt.Errorf("%s needs a second connection: %w", file.name, failure(ctx, err))
	}
	defer conn.Close()
	b := &migrator{db: m.db, conn: conn, set: m.set, files: m.files}
	return b.apply(ctx, file, again, func(ctx context.Context, s *migrationStatement) error {
		if err := ping(ctx, m.conn); err != nil { // takes no snapshot
			return fmt.Errorf("the connection that holds the lock is broken: %w", err)
		}
		return b.build(ctx, file.name, s)
	})
}

// build runs a statement on the second connection.
func (m *migrator) build(ctx context.Context, file string, s *migrationStatement) error {
	if s.repairs {
		if err := m.awaitBuild(ctx, s.index); err != nil {
			return err
		}
		if whole, err := m.whole(ctx, s.index); whole || err != nil {
			return err
		}
	}
	if s.index == "" {
		return m.alter(ctx, s.text)
	}
	if trace, ok := ctx.Value(buildTraceKey{}).(BuildTrace); ok && s.makes {
		defer trace(file, s.index)()
	}
	_, err := m.conn.ExecContext(ctx, s.text)
	return err
}

// shortLock limits how long a change of a table waits for its lock. All later reads
// and writes of the table wait behind it, even while only a long SELECT is before it.
const (
	shortLock = `SET LOCAL lock_timeout = '500ms'`
	lockPause = time.Second
)

// alter runs a statement that locks a table for a moment. It retries while other
// transactions use the table.
func (m *migrator) alter(ctx context.Context, text string) error {
	for {
		err := m.alterSoon(ctx, text)
		if !lockTimedOut(err) || !pause(ctx, lockPause) {
			return err
		}
	}
}

func (m *migrator) alterSoon(ctx context.Context, text string) error {
	tx, err := m.conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // no effect after COMMIT
	for _, q := range []string{shortLock, text} {
		if _, err := tx.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	return tx.Commit()
}

const (
	selectWhole = `SELECT COUNT(*) FROM pg_index i WHERE i.indexrelid = to_regclass($1) AND i.indisvalid`

	selectBuilding = `SELECT COUNT(*) FROM pg_stat_progress_create_index p WHERE p.index_relid = to_regclass($1)`
)

// whole reports whether an index exists and is valid. A failed build leaves an invalid
// index.
func (m *migrator) whole(ctx context.Context, index string) (bool, error) {
	var n int64
	err := m.conn.QueryRowContext(ctx, selectWhole, index).Scan(&n)
	return n > 0, err
}

// awaitBuild waits while the server builds the index. The server continues a build even
// after the node that started it was killed.
func (m *migrator) awaitBuild(ctx context.Context, index string) error {
	for {
		var n int64
		err := m.conn.QueryRowContext(ctx, selectBuilding, index).Scan(&n)
		if err != nil || n == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}
