package dburl_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/dburl"
)

func TestParse(t *testing.T) {
	const pragmas = "_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=synchronous(FULL)"
	for _, test := range []struct{ url, driver, dsn, dialect string }{
		{"sqlite:app.db", "sqlite", "file:app.db?_pragma=journal_mode(WAL)&" + pragmas, "sqlite"},
		{"sqlite:/var/lib/app/app.db", "sqlite", "file:/var/lib/app/app.db?_pragma=journal_mode(WAL)&" + pragmas, "sqlite"},
		{"sqlite:///var/app.db", "sqlite", "file:/var/app.db?_pragma=journal_mode(WAL)&" + pragmas, "sqlite"},
		{"sqlite:a 100%#1.db", "sqlite", "file:a 100%25%231.db?_pragma=journal_mode(WAL)&" + pragmas, "sqlite"},
		{"postgres://u:p@h:5433/d?sslmode=disable", "pgx", "postgres://u:p@h:5433/d?sslmode=disable", "postgres"},
		{"postgresql://u@h1,h2/d?target_session_attrs=read-write", "pgx", "postgresql://u@h1,h2/d?target_session_attrs=read-write", "postgres"},
		{"postgres://u:p@h1:5432,h2:5433/d?target_session_attrs=read-write", "pgx", "postgres://u:p@h1:5432,h2:5433/d?target_session_attrs=read-write", "postgres"},
		{"mysql://u:p@h:3307/d", "mysql", "u:p@tcp(h:3307)/d", "mysql"},
		{"mysql://u@h/d", "mysql", "u@tcp(h:3306)/d", "mysql"},
		{"mariadb://u:p@[::1]/d?tls=true&timeout=5s", "mysql", "u:p@tcp([::1]:3306)/d?timeout=5s&tls=true", "mysql"},
		{"mysql://u:a%2Fb%40c%3Ad%23@h/d", "mysql", "u:a/b@c:d#@tcp(h:3306)/d", "mysql"},
		{"mysql://u:p@/d?socket=/run/mysqld/s", "mysql", "u:p@unix(/run/mysqld/s)/d", "mysql"},
	} {
		driver, dsn, dialect, err := dburl.Parse(test.url)
		if err != nil || driver != test.driver || dsn != test.dsn || dialect.Name != test.dialect {
			t.Errorf("Parse(%q) = %q, %q, %q, %v,\nwant %q, %q, %q", test.url, driver, dsn, dialect.Name, err, test.driver, test.dsn, test.dialect)
		}
	}
}

func TestWaiting(t *testing.T) {
	for dsn, want := range map[string]string{
		"u:p@tcp(h:3306)/d":                              "u:p@tcp(h:3306)/d?wsrep_sync_wait=3",
		"u:p@tcp(h:3306)/d?tls=true":                     "u:p@tcp(h:3306)/d?tls=true&wsrep_sync_wait=3",
		"u:p?x/y@unix(/run/s)/d":                         "u:p?x/y@unix(/run/s)/d?wsrep_sync_wait=3",
		"u:p@tcp(h:3306)/d?wsrep_sync_wait=7":            "u:p@tcp(h:3306)/d?wsrep_sync_wait=7",
		"u:p@tcp(h:3306)/d?tls=true&wsrep_sync_wait=1":   "u:p@tcp(h:3306)/d?tls=true&wsrep_sync_wait=1",
		"u:wsrep_sync_wait=1@tcp(h:3306)/d?not=mistaken": "u:wsrep_sync_wait=1@tcp(h:3306)/d?not=mistaken&wsrep_sync_wait=3",
	} {
		if got := dburl.Waiting(dsn); got != want {
			t.Errorf("Waiting(%q) = %q, want %q", dsn, got, want)
		}
	}
}

func TestParse_Memory(t *testing.T) {
	_, first, _, err := dburl.Parse("sqlite::memory:")
	_, second, _, secondErr := dburl.Parse("sqlite::memory:")
	if err != nil || secondErr != nil || first == second || !strings.Contains(first, "vfs=memdb") {
		t.Errorf("Parse() of a database in memory = %q and %q, %v, want a different database for each, shared by its connections", first, second, err)
	}
}

// An error is shown and logged, so it must not hold any part of the password.
func TestParse_Errors(t *testing.T) {
	for _, url := range []string{
		"", "app.db", "sqlite:", "sqlite:app.db?mode=ro", "oracle://u:geheim@h/d", "geheim:geheim@h/d", "postgres:geheim", "mysql:geheim@h/d",
		"postgres://u:geheim/x@h:5432/d", "postgres://u:geheim#x@h/d", "postgres://u:geheim%zz@h/d", "mysql://u:geheim[@h/d",
		"mysql://u:geheim@h", "mysql://u:geheim@h/", "mysql://u%3Ax:geheim@h/d", "mysql://u:geheim@h/d?a=%zz", "mysql://u:geheim;@h:port/d",
	} {
		_, dsn, _, err := dburl.Parse(url)
		if !errors.Is(err, dburl.ErrURL) {
			t.Errorf("Parse(%q) = %q, %v, want ErrURL", url, dsn, err)
			continue
		}
		if strings.Contains(err.Error(), "geheim") {
			t.Errorf("Parse(%q) = %v, want an error without the password", url, err)
		}
	}
}
