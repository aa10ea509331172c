// Package dburl parses the database URLs of the passport command and the tests, and
// converts them to drivers and DSNs for database/sql.
package dburl

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-passport/passport/internal/sqldb"
)

// ErrURL is in the chain of each error of [Parse] and [Read].
var ErrURL = errors.New("the database URL must be sqlite:FILE, postgres://USER:PASSWORD@HOST:PORT/DATABASE " +
	"or mysql://USER:PASSWORD@HOST:PORT/DATABASE")

// Parse parses a URL like [Read] and returns its driver, DSN and dialect.
func Parse(databaseURL string) (driver, dsn string, dialect sqldb.Dialect, err error) {
	u, err := Read(databaseURL)
	return u.Driver, u.dsn, u.Dialect, err
}

// File returns the file of a SQLite URL. ok is false for other URLs.
func File(databaseURL string) (path string, ok bool) {
	scheme, rest, _ := strings.Cut(databaseURL, ":")
	path = strings.TrimPrefix(rest, "//")
	switch strings.ToLower(scheme) {
	case "sqlite", "sqlite3":
		return path, path != "" && path != ":memory:"
	}
	return "", false
}

func sqlite(rest string) (string, error) {
	path := strings.TrimPrefix(rest, "//") // sqlite:FILE and sqlite:///FILE alike
	if path == "" {
		return "", fmt.Errorf("%w: the file is missing", ErrURL)
	}
	if path == "~" || strings.HasPrefix(path, "~/") {
		return "", fmt.Errorf("%w: write the full path, because only a shell replaces ~ with the home folder", ErrURL)
	}
	if strings.Contains(path, "?") {
		return "", fmt.Errorf("%w: a SQLite URL takes no parameters; the safe settings are always on", ErrURL)
	}
	return sqldb.SQLiteDSN(path), nil
}

// Waiting returns the DSN of [Parse] for a Galera node, so that each connection waits
// for the other nodes. A DSN that already sets wsrep_sync_wait stays as it is.
func Waiting(dsn string) string {
	_, query, has := strings.Cut(dsn[strings.LastIndexByte(dsn, '/')+1:], "?") // the driver also looks for the last slash
	if has && strings.Contains("&"+query, "&wsrep_sync_wait=") {
		return dsn
	}
	mark := "?"
	if has {
		mark = "&"
	}
	return dsn + mark + "wsrep_sync_wait=" + strconv.Itoa(sqldb.SyncWait)
}
