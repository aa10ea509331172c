package dburl

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/go-passport/passport/internal/safeurl"
	"github.com/go-passport/passport/internal/sqldb"
)

// URL is a parsed database URL. All ways to print it omit the password and the
// parameters. Only [URL.Written] has parameters, and no secret either.
type URL struct {
	Driver  string // the name that modernc.org/sqlite, pgx's stdlib or go-sql-driver/mysql registers
	Dialect sqldb.Dialect

	dsn     string
	shown   string
	written string
	secrets secrets
}

// Read parses a database URL. Its errors never show a part of a password. The URL that
// it returns with an error is safe to print.
func Read(databaseURL string) (URL, error) {
	scheme, rest, found := strings.Cut(databaseURL, ":")
	if !found {
		return URL{shown: "…"}, fmt.Errorf("%w: the scheme is missing", ErrURL)
	}
	scheme = strings.ToLower(scheme)
	switch scheme {
	case "sqlite", "sqlite3":
		dsn, err := sqlite(rest)
		return URL{Driver: "sqlite", Dialect: sqldb.SQLite, dsn: dsn, shown: shownFile(databaseURL), written: shownFile(databaseURL)}, err
	case "postgres", "postgresql":
		n, err := readNetwork(scheme, rest)
		if err != nil {
			return URL{shown: scheme + ":…"}, err
		}
		u := URL{Driver: "pgx", Dialect: sqldb.Postgres, dsn: scheme + ":" + rest, shown: n.String(), written: n.written()}
		u.secrets = n.secrets(databaseURL, u.dsn)
		return u, nil
	case "mysql", "mariadb":
		n, err := readNetwork(scheme, rest)
		if err != nil {
			return URL{shown: scheme + ":…"}, err
		}
		u := URL{Driver: "mysql", Dialect: sqldb.MySQL, shown: n.String(), written: n.written()}
		u.dsn, err = n.mysql()
		u.secrets = n.secrets(databaseURL, u.dsn)
		return u, err
	}
	// The text before the colon may be a user name or a secret.
	return URL{shown: "…"}, fmt.Errorf("%w: the scheme is not one of these", ErrURL)
}

// shownFile returns a SQLite URL that is safe to print. A file name may contain an @ if
// no user information comes before it.
func shownFile(databaseURL string) string {
	if shown := safeurl.Text(databaseURL); strings.Contains(shown, "?") {
		return shown
	}
	scheme, rest, _ := strings.Cut(databaseURL, ":")
	if before, _, has := strings.Cut(rest, "@"); strings.Contains(rest, "?") || has && strings.Contains(before, ":") {
		return scheme + ":…"
	}
	return databaseURL
}

// Existing returns the URL of an existing database: SQLite does not create its file.
func (u URL) Existing() URL {
	if before, after, ok := strings.Cut(u.dsn, "?_pragma="); ok && u.Dialect.Name == sqldb.SQLite.Name {
		u.dsn = before + "?mode=rw&_pragma=" + after
	}
	return u
}

// Foreign returns the URL of an existing database of another program. Unlike [URL.Existing]
// it keeps SQLite's journal mode, which is stored in the file.
func (u URL) Foreign() URL {
	if before, _, ok := strings.Cut(u.dsn, "?"); ok && u.Dialect.Name == sqldb.SQLite.Name {
		u.dsn = before + "?mode=rw&_pragma=busy_timeout(5000)&_pragma=synchronous(FULL)"
	}
	return u
}

// Frozen returns the URL of a database that no process writes to and whose folder is
// read-only. SQLite then creates no file next to it.
func (u URL) Frozen() URL {
	if before, _, ok := strings.Cut(u.dsn, "?"); ok && u.Dialect.Name == sqldb.SQLite.Name {
		u.dsn = before + "?mode=ro&immutable=1&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)"
	}
	return u
}

// ReadOnly returns the URL of a database that is only read: SQLite neither creates the file
// nor changes its journal mode.
func (u URL) ReadOnly() URL {
	if before, _, ok := strings.Cut(u.dsn, "?"); ok && u.Dialect.Name == sqldb.SQLite.Name {
		u.dsn = before + "?mode=ro&_pragma=busy_timeout(5000)&_pragma=query_only(1)"
	}
	return u
}

// DSN returns the DSN for the driver. It contains the password.
func (u URL) DSN() string { return u.dsn }

// String returns the URL with xxxxx for the password, and without parameters.
func (u URL) String() string { return u.shown }

// Written returns the URL as it was written, for a command line that a person copies. It has
// xxxxx for the password, and … for parameters that may hold a secret.
func (u URL) Written() string { return u.written }

// Format implements [fmt.Formatter]: every verb prints [URL.String].
func (u URL) Format(f fmt.State, _ rune) { fmt.Fprint(f, u.shown) }

// LogValue implements [slog.LogValuer].
func (u URL) LogValue() slog.Value { return slog.StringValue(u.shown) }

// Hide returns err with a text that contains neither the URL nor its password. A driver
// may quote both. The chain of err stays the same.
func (u URL) Hide(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	safe := u.HideIn(text)
	if safe == text {
		return err
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		hidden := make([]error, 0, len(joined.Unwrap()))
		lines := make([]string, 0, len(joined.Unwrap()))
		for _, e := range joined.Unwrap() {
			hidden, lines = append(hidden, u.Hide(e)), append(lines, e.Error())
		}
		if strings.Join(lines, "\n") == text {
			return &hiddenError{safe, hidden}
		}
	}
	return &hiddenError{safe, []error{err}}
}

// HideIn hides the URL and its password in a text, like [URL.Hide].
func (u URL) HideIn(text string) string { return u.secrets.mask(text, u.shown) }

// hiddenError has a text without secrets. The errors in its chain may contain them.
type hiddenError struct {
	text string
	of   []error
}

func (e *hiddenError) Error() string { return e.text }

func (e *hiddenError) Unwrap() []error { return e.of }

// Format implements [fmt.Formatter]: no verb prints the errors in the chain.
func (e *hiddenError) Format(f fmt.State, _ rune) { fmt.Fprint(f, e.text) }
