package dbtest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	mysqldriver "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib" // the drivers, for this package and cmd/passport alone
	_ "modernc.org/sqlite"

	"github.com/go-passport/passport/internal/dburl"
	"github.com/go-passport/passport/internal/sqldb"
)

// Dialects are the supported databases.
var Dialects = []sqldb.Dialect{sqldb.SQLite, sqldb.Postgres, sqldb.MySQL}

// Tests break connections on purpose, and the driver would log a line for each.
func init() { _ = mysqldriver.SetLogger(new(mysqldriver.NopLogger)) }

// Open returns a pool for an empty database. Only this test uses it, and it is deleted
// when the test ends. If there is no server for the dialect, Open skips the test, or
// fails it under PASSPORT_TEST_REQUIRE=1.
func Open(t testing.TB, d sqldb.Dialect) *sql.DB {
	t.Helper()
	return OpenURL(t, URL(t, d))
}

// Need skips the test if there is no server for the dialect, or fails it under
// PASSPORT_TEST_REQUIRE=1.
func Need(t testing.TB, d sqldb.Dialect) {
	t.Helper()
	switch d.Name {
	case sqldb.Postgres.Name:
		need(t, "PASSPORT_TEST_POSTGRES")
	case sqldb.MySQL.Name:
		need(t, "PASSPORT_TEST_MYSQL")
	}
}

// OpenURL returns a pool for a database that [URL] created.
func OpenURL(t testing.TB, databaseURL string) *sql.DB {
	t.Helper()
	driver, dsn, _, err := dburl.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	// By default database/sql keeps two idle connections. Tests with many callers would
	// spend most of their time connecting.
	db.SetMaxIdleConns(32)
	t.Cleanup(func() { db.Close() })
	return db
}

// URL creates an empty database and returns its URL, in the form that the passport
// command accepts. params are added to it: "key=value".
func URL(t testing.TB, d sqldb.Dialect, params ...string) string {
	t.Helper()
	if d.Name == sqldb.SQLite.Name {
		return "sqlite:" + filepath.Join(folder(t), "test.db")
	}
	db := create(t, d)
	t.Cleanup(func() { db.drop(t) })
	return db.url(t, params...)
}

// folder returns an empty folder, in memory if the system has /dev/shm: a COMMIT still
// syncs, but no test is about disks.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "passport-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func need(t testing.TB, variable string) string {
	t.Helper()
	value := os.Getenv(variable)
	if value == "" && os.Getenv("PASSPORT_TEST_REQUIRE") == "1" {
		t.Fatalf(`%s is not set and PASSPORT_TEST_REQUIRE is 1: run eval "$(scripts/databases start)" first`, variable)
	}
	if value == "" {
		t.Skipf(`%s is not set: run eval "$(scripts/databases start)" to run this test`, variable)
	}
	return value
}

func newName() string { return "passport_" + strings.ToLower(rand.Text()) }

// with returns the URL of a database on a server.
func with(t testing.TB, server, database string, params ...string) string {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal("the URL of the test server is not valid") // the error may show a password
	}
	if database != "" {
		u.Path = "/" + database
	}
	query := u.Query()
	for _, param := range params {
		key, value, _ := strings.Cut(param, "=")
		query.Set(key, value)
	}
	// Encode a space as %20, because not every driver decodes +.
	u.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20")
	return u.String()
}

// The pools on which test databases are created and dropped.
var (
	postgres = sync.OnceValues(func() (*sql.DB, error) { return server("PASSPORT_TEST_POSTGRES") })
	mysql    = sync.OnceValues(func() (*sql.DB, error) { return server("PASSPORT_TEST_MYSQL") })
)

func server(variable string) (*sql.DB, error) {
	driver, dsn, _, err := dburl.Parse(os.Getenv(variable))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", variable, err)
	}
	return sql.Open(driver, dsn)
}

// database is a database on MySQL, a schema on PostgreSQL.
type database struct {
	name    string
	dialect sqldb.Dialect
}

func create(t testing.TB, d sqldb.Dialect) database {
	t.Helper()
	Need(t, d)
	db := database{newName(), d}
	server, err := db.server()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.ExecContext(t.Context(), db.createStatement()); err != nil {
		t.Fatalf("create a test database: %v", err)
	}
	return db
}

func (db database) postgres() bool { return db.dialect.Name == sqldb.Postgres.Name }

func (db database) createStatement() string {
	if db.postgres() {
		return "CREATE SCHEMA " + db.name
	}
	return "CREATE DATABASE " + db.name + " CHARACTER SET utf8mb4"
}

func (db database) dropStatement() string {
	if db.postgres() {
		return "DROP SCHEMA " + db.name + " CASCADE"
	}
	return "DROP DATABASE " + db.name
}

func (db database) server() (*sql.DB, error) {
	if db.postgres() {
		return postgres()
	}
	return mysql()
}

func (db database) url(t testing.TB, params ...string) string {
	t.Helper()
	if db.postgres() {
		return with(t, need(t, "PASSPORT_TEST_POSTGRES"), "", append(params, "search_path="+db.name)...)
	}
	return with(t, need(t, "PASSPORT_TEST_MYSQL"), db.name, params...)
}

func (db database) drop(t testing.TB) {
	t.Helper()
	if err := db.dropNow(); err != nil {
		t.Error(err)
	}
}

func (db database) dropNow() error {
	server, err := db.server()
	if err == nil {
		_, err = server.ExecContext(context.Background(), db.dropStatement())
	}
	if err != nil {
		return fmt.Errorf("drop a test database: %w", err)
	}
	return nil
}
