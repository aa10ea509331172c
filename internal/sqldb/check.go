package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Check returns all unsafe settings of the database, each with its fix. It changes
// nothing.
func (db *DB) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	switch db.dialect.Name {
	case SQLite.Name:
		return db.checkSQLite(ctx)
	case MySQL.Name:
		return db.checkMySQL(ctx)
	}
	return db.writable(ctx, "", nil)
}

// checkSQLite checks two connections. synchronous and busy_timeout are settings of
// a connection, and a PRAGMA statement sets them on one connection only.
func (db *DB) checkSQLite(ctx context.Context) error {
	first, err := db.sql.Conn(ctx)
	if err != nil {
		return failure(ctx, err)
	}
	defer first.Close()
	faults := pragmaFaults(ctx, first)
	if db.sql.Stats().MaxOpenConnections == 1 {
		return faults
	}
	// The other connections may be in use, perhaps by our caller. A time limit avoids a
	// deadlock.
	short, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	second, err := db.sql.Conn(short)
	if err != nil {
		return faults
	}
	defer second.Close()
	if more := pragmaFaults(ctx, second); faults == nil && more != nil {
		return fmt.Errorf("%w\n(one connection has the setting and another does not: a PRAGMA statement applies to one "+
			"connection, the DSN to all of them)", more)
	}
	return faults
}

func pragmaFaults(ctx context.Context, conn *sql.Conn) error {
	var journal string
	var synchronous, timeout int64
	for pragma, into := range map[string]any{"journal_mode": &journal, "synchronous": &synchronous, "busy_timeout": &timeout} {
		if err := conn.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(into); err != nil {
			return fmt.Errorf("read SQLite's %s: %w", pragma, failure(ctx, err))
		}
	}
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	inMemory := strings.EqualFold(journal, "memory")
	if !strings.EqualFold(journal, "wal") && !inMemory {
		fault("SQLite's journal_mode is %q: readers and the writer block each other; use WAL (sqlstore.SQLiteDSN writes the right DSN)", journal)
	}
	if synchronous < 2 && !inMemory {
		fault("SQLite's synchronous is %d: after a power failure, revoked and spent tokens can work again; use FULL (sqlstore.SQLiteDSN writes the right DSN)", synchronous)
	}
	if timeout <= 0 {
		fault("SQLite's busy_timeout is 0: a write fails while another process writes; set a few seconds (sqlstore.SQLiteDSN writes the right DSN)")
	}
	return errors.Join(faults...)
}

// checkMySQL refuses a mode that truncates values that do not fit. It also refuses a
// Galera node that does not wait for the other nodes.
func (db *DB) checkMySQL(ctx context.Context) error {
	var mode string
	if err := db.writable(ctx, ", @@SESSION.sql_mode", &mode); err != nil {
		return err
	}
	if !strings.Contains(mode, "STRICT_TRANS_TABLES") && !strings.Contains(mode, "STRICT_ALL_TABLES") {
		return fmt.Errorf("MySQL's sql_mode is %q: it truncates values that do not fit; add STRICT_TRANS_TABLES", mode)
	}
	var g galera
	if err := db.Each(ctx, selectWsrep, g.scan); err != nil {
		return err
	}
	if !g.waits() {
		return fmt.Errorf("wsrep_sync_wait is %d on this Galera node: a token that was revoked on another node still works here for a moment; "+
			"add wsrep_sync_wait=%d to the DSN", g.syncWait, SyncWait)
	}
	return nil
}

// writable returns an error if the database refuses writes. The same statement reads a
// setting. If connections lead to a read-only node, it opens new ones. Otherwise
// readiness probes of a process that only reads would not notice a failover.
func (db *DB) writable(ctx context.Context, setting string, into any) error {
	var refuses int64
	scan := func(row Row) error {
		if into == nil {
			return row.Scan(&refuses)
		}
		return row.Scan(&refuses, into)
	}
	for range 2 {
		if err := db.Row(ctx, db.dialect.readOnly+setting, scan); err != nil || refuses == 0 {
			return err
		}
		db.pool.foundReadOnly()
	}
	return unavailable(errReadOnly)
}
