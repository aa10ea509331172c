package console

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"github.com/go-passport/passport/internal/dburl"
	"github.com/go-passport/passport/oauth"
)

// access is what a command may do to its database. Only `serve`, `install` and `migrate`
// create one. Other commands report that there is none: they may run in the wrong folder.
type access int

const (
	uses  access = iota // an existing database
	reads               // the same, without changes
	makes               // creates the database and its tables, if they are missing
)

// existing refuses a missing or empty file of an SQLite database, because SQLite would
// create a database there.
func existing(database string) error {
	file, ok := dburl.File(database)
	if !ok {
		return nil
	}
	name := safe(database)
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("no database at %s%s: run `passport install` to create one, or point --config or --database-url at yours", name, here())
	case err != nil:
		return fmt.Errorf("can't read the database %s: %w", name, reason(err))
	case !info.Mode().IsRegular():
		return fmt.Errorf("the database %s is not a file: name the file, such as sqlite:storage/passport.sqlite", name)
	case info.Size() == 0:
		return fmt.Errorf("the database %s is empty: create its tables with `passport migrate`, or name another file", name)
	}
	return nil
}

// withoutDatabase reports whether the settings name no database and the file of the
// default database is missing.
func (s *settings) withoutDatabase() bool {
	if s.DatabaseURL != defaults().DatabaseURL {
		return false
	}
	file, ok := dburl.File(s.DatabaseURL)
	if !ok {
		return false
	}
	_, err := os.Lstat(file) // a link to a missing file is an error later
	return errors.Is(err, fs.ErrNotExist)
}

// writable reports whether this user has permission to write to the file of an SQLite
// database.
func writable(database string) bool {
	file, ok := dburl.File(database)
	if !ok {
		return true
	}
	f, err := os.OpenFile(file, os.O_RDWR, 0) // closed before this process takes a lock on it
	if err != nil {
		return false
	}
	return f.Close() == nil
}

// here names the current folder, where a relative name was looked for.
func here() string {
	folder, err := os.Getwd()
	if err != nil {
		return ""
	}
	return " in the folder " + folder
}

// closed reports whether no process has an SQLite database open for writing: it has no
// write-ahead log.
func closed(database string) bool {
	file, ok := dburl.File(database)
	if !ok {
		return false
	}
	_, err := os.Stat(file + "-wal")
	return errors.Is(err, fs.ErrNotExist)
}

// openToRead opens a database whose file or folder this user can't write to. Otherwise
// SQLite would create a write-ahead log, or fail.
func (p *program) openToRead(ctx context.Context, s *settings, logger *slog.Logger) (*opened, error) {
	o, err := p.connectTo(ctx, s, p.database.Frozen(), logger)
	if err != nil {
		return nil, err
	}
	o.frozen = true
	if err := o.prepare(ctx); err != nil {
		return nil, errors.Join(unusable(s, err), o.close())
	}
	return o, nil
}

// unchecked is a store whose settings are not checked, because the settings that make
// writes safe are missing in a database that can't be written.
type unchecked struct{ oauth.Store }
