// Package dburl reads the database URLs that the passport command and the tests
// take, and says what database/sql wants to hear instead.
package dburl

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-passport/passport/internal/sqldb"
)

// ErrURL is in the chain of each error of [Parse].
var ErrURL = errors.New("the database URL is one of sqlite:FILE, postgres://USER:PASSWORD@HOST:PORT/DATABASE " +
	"and mysql://USER:PASSWORD@HOST:PORT/DATABASE")

// Parse returns the name under which modernc.org/sqlite, pgx's stdlib or
// go-sql-driver/mysql registers itself, the DSN for it, and the dialect. No
// error of it shows a password.
func Parse(databaseURL string) (driver, dsn string, dialect sqldb.Dialect, err error) {
	scheme, rest, found := strings.Cut(databaseURL, ":")
	if !found {
		return "", "", sqldb.Dialect{}, fmt.Errorf("%w: it has no scheme", ErrURL)
	}
	switch strings.ToLower(scheme) {
	case "sqlite", "sqlite3":
		dsn, err = sqlite(rest)
		return "sqlite", dsn, sqldb.SQLite, err
	case "postgres", "postgresql":
		_, err = network(databaseURL)
		return "pgx", databaseURL, sqldb.Postgres, err
	case "mysql", "mariadb":
		dsn, err = mysql(databaseURL)
		return "mysql", dsn, sqldb.MySQL, err
	}
	// What stands before the colon may be a user name, or worse.
	return "", "", sqldb.Dialect{}, fmt.Errorf("%w: its scheme is none of these", ErrURL)
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
	if strings.Contains(path, "?") {
		return "", fmt.Errorf("%w: it takes no parameters for SQLite, what safety needs is set", ErrURL)
	}
	return sqldb.SQLiteDSN(path), nil
}

// network parses the URL of a server. What net/url says of one that it cannot
// read may quote the password, so it is not passed on.
func network(databaseURL string) (*url.URL, error) {
	u, err := url.Parse(databaseURL)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: it cannot be read; percent-encode what is special in user name and password", ErrURL)
	case u.Opaque != "":
		return nil, fmt.Errorf("%w: // is missing after its scheme", ErrURL)
	case u.Fragment != "":
		return nil, fmt.Errorf("%w: write # as %%23", ErrURL)
	}
	return u, nil
}

// mysql writes the DSN of go-sql-driver/mysql, which is no URL: user and
// password stand there as they are.
func mysql(databaseURL string) (string, error) {
	u, err := network(databaseURL)
	if err != nil {
		return "", err
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return "", fmt.Errorf("%w: its parameters cannot be read", ErrURL)
	}
	name := strings.TrimPrefix(u.Path, "/")
	if name == "" {
		return "", fmt.Errorf("%w: it names no database", ErrURL)
	}
	address := "tcp(" + net.JoinHostPort(cmp.Or(u.Hostname(), "127.0.0.1"), cmp.Or(u.Port(), "3306")) + ")"
	if socket := query.Get("socket"); socket != "" {
		address = "unix(" + socket + ")"
		query.Del("socket")
	}
	user, password := u.User.Username(), ""
	if p, ok := u.User.Password(); ok {
		password = ":" + p
	}
	if strings.Contains(user, ":") {
		return "", fmt.Errorf("%w: a user name with a colon in it does not work with MySQL", ErrURL)
	}
	dsn := user + password + "@" + address + "/" + url.PathEscape(name)
	if len(query) > 0 {
		dsn += "?" + query.Encode()
	}
	return dsn, nil
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
