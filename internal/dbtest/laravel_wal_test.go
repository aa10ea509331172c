package dbtest_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
)

// Another process that reads a SQLite database, such as a backup, keeps the write-ahead log
// away. An import that has stored everything waits for it a while, and doesn't fail: the
// next connection sets the log again.
func TestImport_SucceedsWhileAnotherProcessReads(t *testing.T) {
	t.Run("for a moment", func(t *testing.T) {
		t.Parallel()
		_, db, reader := readDuringAppend(t)
		go func() {
			time.Sleep(300 * time.Millisecond) // several busy timeouts
			_ = reader.Rollback()
		}()
		if err := sqldb.Durable(t.Context(), db, sqldb.SQLite); err != nil {
			t.Errorf("Durable() = %v, want it to wait for the reader", err)
		}
		wantJournal(t, db, "wal")
	})
	t.Run("until after the import", func(t *testing.T) {
		t.Parallel()
		path, db, reader := readDuringAppend(t)
		if err := sqldb.Durable(t.Context(), db, sqldb.SQLite); err != nil {
			t.Errorf("Durable() = %v, want the import to succeed without the write-ahead log", err)
		}
		wantJournal(t, db, "delete")
		var synchronous int
		if err := db.QueryRow(`PRAGMA synchronous`).Scan(&synchronous); err != nil || synchronous != 2 {
			t.Errorf("synchronous = %d, %v, want 2: without the log, too, a commit must survive a power cut", synchronous, err)
		}
		must(t, reader.Rollback())
		must(t, db.Close())
		wantJournal(t, openSQLite(t, sqldb.SQLiteDSN(path)), "wal")
	})
}

// readDuringAppend returns a database in the last step of an import, and the transaction of
// another process that reads it.
func readDuringAppend(t *testing.T) (path string, db *sql.DB, reader *sql.Tx) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "test.db")
	db = openSQLite(t, strings.Replace(sqldb.SQLiteDSN(path), "busy_timeout(5000)", "busy_timeout(50)", 1))
	must(t, sqldb.Bulk(t.Context(), db, sqldb.SQLite))
	_, err := db.ExecContext(t.Context(), `CREATE TABLE records (id INTEGER)`)
	must(t, err)
	must(t, sqldb.BulkAppend(t.Context(), db, sqldb.SQLite))
	wantJournal(t, db, "delete")
	reader, err = openSQLite(t, "file:"+path).Begin()
	must(t, err)
	t.Cleanup(func() { _ = reader.Rollback() })
	must(t, reader.QueryRow(`SELECT COUNT(*) FROM records`).Scan(new(int)))
	return path, db, reader
}

func wantJournal(t *testing.T, db *sql.DB, want string) {
	t.Helper()
	var mode string
	if err := db.QueryRow(`PRAGMA journal_mode`).Scan(&mode); err != nil || mode != want {
		t.Errorf("journal_mode = %q, %v, want %s", mode, err, want)
	}
}
