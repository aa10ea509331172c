// Package dburl reads the database URLs that the passport command and the tests
// take, and says what database/sql wants to hear instead.
package dburl

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-passport/passport/internal/sqldb"
)

// ErrURL is in the chain of each error of [Parse] and [Read].
var ErrURL = errors.New("the database URL is one of sqlite:FILE, postgres://USER:PASSWORD@HOST:PORT/DATABASE " +
	"and mysql://USER:PASSWORD@HOST:PORT/DATABASE")

// Parse returns the driver, the DSN and the dialect of [Read].
func Parse(databaseURL string) (driver, dsn string, dialect sqldb.Dialect, err error) {
	u, err := Read(databaseURL)
	return u.Driver, u.dsn, u.Dialect, err
}

// File returns the file that a database URL for SQLite names.
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
		return "", fmt.Errorf("%w: it names no file", ErrURL)
	}
	if path == "~" || strings.HasPrefix(path, "~/") {
		return "", fmt.Errorf("%w: write the file in full, because only a shell replaces ~ by the home folder", ErrURL)
	}
	if strings.Contains(path, "?") {
		return "", fmt.Errorf("%w: it takes no parameters for SQLite, what safety needs is set", ErrURL)
	}
	return sqldb.SQLiteDSN(path), nil
}

// Waiting returns the DSN of [Parse] for a server of a Galera cluster, with which
// each connection waits for the other servers, unless it says something about that.
func Waiting(dsn string) string {
	_, query, has := strings.Cut(dsn[strings.LastIndexByte(dsn, '/')+1:], "?") // the driver looks for the last one too
	if has && strings.Contains("&"+query, "&wsrep_sync_wait=") {
		return dsn
	}
	mark := "?"
	if has {
		mark = "&"
	}
	return dsn + mark + "wsrep_sync_wait=" + strconv.Itoa(sqldb.SyncWait)
}
