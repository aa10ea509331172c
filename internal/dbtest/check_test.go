package dbtest_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/sqlstore"
)

func TestCheck_SQLite(t *testing.T) {
	for _, test := range []struct {
		name, pragmas string
		want          []string // words in the error
	}{
		{"the settings of SQLiteDSN", "journal_mode(WAL) synchronous(FULL) busy_timeout(5000)", nil},
		{"synchronous=EXTRA", "journal_mode(WAL) synchronous(EXTRA) busy_timeout(1)", nil},
		{"in memory", "journal_mode(MEMORY) synchronous(OFF) busy_timeout(1)", nil},
		{"nothing set", "", []string{"journal_mode", "busy_timeout"}},
		{"not synchronous", "journal_mode(WAL) synchronous(NORMAL) busy_timeout(1)", []string{"synchronous"}},
		{"no busy_timeout", "journal_mode(WAL)", []string{"busy_timeout"}},
		{"all wrong", "journal_mode(DELETE) synchronous(OFF)", []string{"journal_mode", "synchronous", "busy_timeout"}},
	} {
		for _, pool := range []int{0, 1} {
			dsn := "file:" + filepath.Join(t.TempDir(), "test.db") + "?x"
			for pragma := range strings.FieldsSeq(test.pragmas) {
				dsn += "&_pragma=" + pragma
			}
			db := openSQLite(t, dsn)
			db.SetMaxOpenConns(pool)
			s := sqlstore.New(db, sqlstore.SQLite)
			if err := s.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			err := s.Check(t.Context())
			if (err == nil) != (test.want == nil) {
				t.Errorf("%s, pool %d: Check() = %v, want an error with %q", test.name, pool, err, test.want)
			}
			for _, word := range test.want {
				if err == nil || !strings.Contains(err.Error(), word) || !strings.Contains(err.Error(), "SQLiteDSN") {
					t.Errorf("%s, pool %d: Check() = %v, want an error with %s and the fix", test.name, pool, err, word)
				}
			}
		}
	}
}

func openSQLite(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// A PRAGMA statement applies to one connection.
func TestCheck_SQLitePragmaOnOneConnection(t *testing.T) {
	db := openSQLite(t, "file:"+filepath.Join(t.TempDir(), "test.db")+"?_pragma=journal_mode(WAL)")
	s := sqlstore.New(db, sqlstore.SQLite)
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustExec(t, db, "PRAGMA busy_timeout = 5000")
	if err := s.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "one connection") {
		t.Errorf("Check() = %v, want an error that one connection has the setting and another does not", err)
	}
}

// Check returns even if all connections are in use.
func TestCheck_PoolInUse(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		db := dbtest.Open(t, d)
		s := migrated(t, db, d)
		db.SetMaxOpenConns(2)
		held, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer held.Close()
		start := time.Now()
		if err := s.Check(t.Context()); err != nil || time.Since(start) > 3*time.Second {
			t.Errorf("Check() with one free connection = %v after %v, want nil within 3 s", err, time.Since(start))
		}
		db.SetMaxOpenConns(1)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := s.Check(ctx); err == nil {
			t.Error("Check() without a free connection = nil, want an error")
		}
	})
}

func TestCheck_NotMigrated(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		db := dbtest.Open(t, d)
		s := sqlstore.New(db, d)
		if err := s.Check(t.Context()); err == nil || !strings.Contains(err.Error(), `"passport migrate"`) {
			t.Errorf("Check() without tables = %v, want an error with the command to run", err)
		}
		if found := tables(t, db, d); len(found) > 0 {
			t.Errorf("Check() created %v, want nothing", found)
		}
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Check(t.Context()); err != nil {
			t.Errorf("Check() after Migrate() = %v, want nil", err)
		}
	})
}

func TestCheck_MySQLMode(t *testing.T) {
	db := dbtest.OpenURL(t, dbtest.URL(t, sqldb.MySQL, "sql_mode=''"))
	if err := migrated(t, db, sqldb.MySQL).Check(t.Context()); err == nil || !strings.Contains(err.Error(), "STRICT_TRANS_TABLES") {
		t.Errorf("Check() without strict mode = %v, want an error that names the mode", err)
	}
}

func TestSQLiteDSN(t *testing.T) {
	for _, name := range []string{"plain.db", "with space.db", "100%.db", "what?.db", "a#b&c=d.db", "ünï.db"} {
		path := filepath.Join(t.TempDir(), name)
		s := migrated(t, openSQLite(t, sqlstore.SQLiteDSN(path)), sqlstore.SQLite)
		if err := s.Check(t.Context()); err != nil {
			t.Errorf("Check() of %q = %v, want nil", name, err)
		}
		if found, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*.db")); err != nil || len(found) != 1 || found[0] != path {
			t.Errorf("the DSN for %q opens %q, want that file only", path, found)
		}
	}
	memory := openSQLite(t, sqlstore.SQLiteDSN(":memory:"))
	if err := migrated(t, memory, sqlstore.SQLite).Check(t.Context()); err != nil {
		t.Errorf("Check() in memory = %v, want nil", err)
	}
	other := openSQLite(t, sqlstore.SQLiteDSN(":memory:"))
	if found := tables(t, other, sqlstore.SQLite); len(found) > 0 {
		t.Errorf("a second database in memory has %v, want it empty", found)
	}
}
