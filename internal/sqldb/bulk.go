package sqldb

import (
	"context"
	"database/sql"
	"fmt"
)

// Bulk prepares a pool for many writes in one process, such as an import. On SQLite it
// leaves one connection, with a larger page cache and a longer write-ahead log: random
// keys otherwise cost a read and two writes of a page each. Until [Durable], a power cut
// may undo the last commits. Bulk changes nothing on servers.
func Bulk(ctx context.Context, db *sql.DB, d Dialect) error {
	if d.Name != SQLite.Name {
		return nil
	}
	db.SetMaxOpenConns(1)
	db.SetConnMaxIdleTime(0)
	db.SetConnMaxLifetime(0)
	return pragmas(ctx, db, "cache_size = -16384", "wal_autocheckpoint = 4096", "synchronous = NORMAL") // KiB; pages
}

// BulkAppend prepares a pool of [Bulk] for few transactions that only append pages. On
// SQLite they need no write-ahead log, which would store each page twice. If another process
// has the database open, nothing changes.
func BulkAppend(ctx context.Context, db *sql.DB, d Dialect) error {
	if d.Name != SQLite.Name {
		return nil
	}
	_ = pragmas(ctx, db, "journal_mode = DELETE") // refused while another process has the database open
	return pragmas(ctx, db, "synchronous = FULL")
}

// Durable ends [Bulk] and [BulkAppend]: each later commit survives a power cut, and with
// it those before.
//
// While another process reads the database, such as a backup, SQLite refuses to bring the
// write-ahead log back. Durable waits for that process a while, and then leaves the log to
// the next connection of a [SQLiteDSN]: the database is complete without it.
func Durable(ctx context.Context, db *sql.DB, d Dialect) error {
	if d.Name != SQLite.Name {
		return nil
	}
	if err := pragmas(ctx, db, "synchronous = FULL"); err != nil {
		return err
	}
	for range logAttempts {
		if err := pragmas(ctx, db, "journal_mode = WAL"); classOf(err) != conflict {
			return err
		}
	}
	return nil
}

// logAttempts is how often [Durable] tries to bring the write-ahead log back. Each attempt
// takes the busy_timeout, so with that of [SQLiteDSN] they take 30 seconds.
const logAttempts = 6

func pragmas(ctx context.Context, db *sql.DB, settings ...string) error {
	for _, setting := range settings {
		if _, err := db.ExecContext(ctx, "PRAGMA "+setting); err != nil {
			return fmt.Errorf("prepare for many writes: %w", err)
		}
	}
	return nil
}
