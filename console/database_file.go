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

// access is what a command may do to its database. Only `serve`, `install` and
// `migrate` make one, so that a command in the wrong folder says so.
type access int

const (
	uses  access = iota // a database that is there
	reads               // the same, and it changes nothing
	makes               // the database and its tables, if they are missing
)

// existing refuses the file of an SQLite database that isn't there. SQLite makes such
// a file, and writes to one that is empty.
func existing(database string) error {
	file, ok := dburl.File(database)
	if !ok {
		return nil
	}
	name := safe(database)
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the database %s does not exist%s: name the database of the server with --database-url or PASSPORT_DATABASE_URL, run this in the folder of the server, or make a new one with `passport install`", name, here())
	case err != nil:
		return fmt.Errorf("the database %s cannot be read: %w", name, reason(err))
	case !info.Mode().IsRegular():
		return fmt.Errorf("the database %s is not a file: name the file, such as sqlite:storage/passport.sqlite", name)
	case info.Size() == 0:
		return fmt.Errorf("the database %s is empty: make its tables with `passport migrate`, or name another file", name)
	}
	return nil
}

// withoutDatabase reports whether the settings name no database, and the file of the
// default one is missing.
func (s *settings) withoutDatabase() bool {
	if s.DatabaseURL != defaults().DatabaseURL {
		return false
	}
	file, ok := dburl.File(s.DatabaseURL)
	if !ok {
		return false
	}
	_, err := os.Lstat(file) // a link to a missing file is a fault
	return errors.Is(err, fs.ErrNotExist)
}

// writable reports whether this user may write to the file of an SQLite database.
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

// here says in which folder a relative name was looked for.
func here() string {
	folder, err := os.Getwd()
	if err != nil {
		return ""
	}
	return " in the folder " + folder
}

// closed reports whether no process has the file of an SQLite database open to write:
// there is no write-ahead log beside it.
func closed(database string) bool {
	file, ok := dburl.File(database)
	if !ok {
		return false
	}
	_, err := os.Stat(file + "-wal")
	return errors.Is(err, fs.ErrNotExist)
}

// openToRead opens a database whose file or folder this user can't write to. SQLite
// would leave a write-ahead log beside it, or refuse.
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

// unchecked is a store whose settings are not checked. Settings that keep writes safe
// are missing where nothing can be written.
type unchecked struct{ oauth.Store }
