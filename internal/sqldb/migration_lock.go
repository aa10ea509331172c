package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"time"
)

// locked runs f while no other node can. If DDL is transactional, f is one transaction.
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

// mysqlLock is the name of the database's lock. Locks are global to a server.
const mysqlLock = "CONCAT('passport.', MD5(DATABASE()))"

func (m *migrator) lock(ctx context.Context) error {
	switch {
	case m.db.dialect.oneWriter:
		return m.begin(ctx, "BEGIN IMMEDIATE")
	case m.db.dialect.transactionalDDL:
		return m.lockPostgres(ctx)
	}
	if err := m.checkGalera(ctx); err != nil {
		return err
	}
	var got sql.NullInt64
	if err := m.conn.QueryRowContext(ctx, "SELECT GET_LOCK("+mysqlLock+", 60)").Scan(&got); err != nil {
		return fmt.Errorf("wait for the lock: %w", failure(ctx, err))
	}
	if got.Int64 != 1 {
		return m.busy(ctx, time.Minute)
	}
	return nil
}

// postgresLock ends with the transaction, so it works behind PgBouncer.
const postgresLock = `SELECT pg_try_advisory_xact_lock($1)`

// postgresKey returns the key of the schema's lock. Locks are global to a database.
func (m *migrator) postgresKey(ctx context.Context) (int64, error) {
	var name sql.NullString
	if err := m.conn.QueryRowContext(ctx, `SELECT current_schema()`).Scan(&name); err != nil {
		return 0, fmt.Errorf("read the current schema: %w", failure(ctx, err))
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte("passport." + name.String))
	return int64(h.Sum64()), nil
}

// lockPostgres polls for the lock. A statement that waits for it in the database would
// hold a snapshot, and CREATE INDEX CONCURRENTLY of the migrating node would wait for
// that snapshot. PostgreSQL can't detect this deadlock.
func (m *migrator) lockPostgres(ctx context.Context) error {
	own, cancel := context.WithTimeout(ctx, migrationPatience)
	defer cancel()
	key, err := m.postgresKey(own)
	if err != nil {
		return err
	}
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, time.Second/4) {
		// At a stricter isolation level, the reads after the wait would see the state
		// before it.
		if err := m.begin(own, "BEGIN ISOLATION LEVEL READ COMMITTED"); err != nil {
			return err
		}
		var got bool
		err := m.conn.QueryRowContext(own, postgresLock, key).Scan(&got)
		if err == nil && got {
			return nil
		}
		if err == nil {
			_, err = m.conn.ExecContext(own, "ROLLBACK")
		}
		if err != nil {
			m.discard()
			return fmt.Errorf("acquire the lock: %w", failure(ctx, err))
		}
		if !pause(own, wait) {
			return m.busy(ctx, migrationPatience)
		}
	}
}

const selectUnfinished = `SELECT name FROM passport_migrations WHERE applied_at IS NULL ORDER BY name LIMIT 10`

// busy returns the error after waiting for another node. It names the files that the
// other node builds indexes for, because that may take long.
func (m *migrator) busy(ctx context.Context, waited time.Duration) error {
	text := fmt.Sprintf("another node has been migrating for %v", waited)
	cause := ctx.Err()
	if cause != nil {
		text = "another node is migrating"
	}
	if names := m.unfinished(context.WithoutCancel(ctx)); len(names) > 0 {
		text += fmt.Sprintf(": it applies %s, and building indexes may take up to %v. Start this node again when that is done",
			strings.Join(names, ", "), buildPatience)
	}
	if cause != nil {
		return &gaveUp{cause, errors.New(text)}
	}
	return unavailable(errors.New(text))
}

// unfinished returns the names of the files that were begun. Only files that run
// outside a transaction are visible here.
func (m *migrator) unfinished(ctx context.Context) (names []string) {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	rows, err := m.conn.QueryContext(ctx, selectUnfinished)
	if err != nil {
		return nil // the caller already has an error
	}
	_, _ = drain(ctx, rows, rows, func(row Row) error {
		var name string
		err := row.Scan(&name)
		names = append(names, name)
		return err
	})
	return names
}

func (m *migrator) checkGalera(ctx context.Context) error {
	found, err := wsrep(ctx, m.conn)
	if err != nil {
		return fmt.Errorf("check whether this is a Galera cluster: %w", failure(ctx, err))
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
