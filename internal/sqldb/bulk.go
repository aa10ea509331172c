package sqldb

import (
	"context"
	"database/sql"
	"fmt"
)

// Bulk prepares a pool for many writes in one process, such as an import. On SQLite it
// leaves one connection, with a larger page cache and a longer write-ahead log: random
// keys otherwise cost a read and two writes of a page each. It changes nothing on servers.
func Bulk(ctx context.Context, db *sql.DB, d Dialect) error {
	if d.Name != SQLite.Name {
		return nil
	}
	db.SetMaxOpenConns(1)
	db.SetConnMaxIdleTime(0)
	db.SetConnMaxLifetime(0)
	for _, q := range []string{`PRAGMA cache_size = -16384`, `PRAGMA wal_autocheckpoint = 4096`} { // KiB; pages
		if _, err := db.ExecContext(ctx, q); err != nil {
			return fmt.Errorf("prepare for many writes: %w", err)
		}
	}
	return nil
}
