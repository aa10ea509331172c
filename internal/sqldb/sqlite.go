package sqldb

import (
	"crypto/rand"
	"path/filepath"
	"strings"
)

// SQLiteDSN is documented where it is exported, in package sqlstore.
func SQLiteDSN(path string) string {
	pragmas := "_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=synchronous(FULL)"
	if path == ":memory:" {
		// Each connection to ":memory:" has a database of its own; those to
		// one name of this file system share it.
		return "file:/passport-" + rand.Text() + "?vfs=memdb&" + pragmas
	}
	path = filepath.ToSlash(filepath.Clean(path))
	if filepath.VolumeName(path) != "" {
		path = "/" + path // file:/C:/x
	}
	// Only what the parser of SQLite's file names would take for syntax is
	// escaped, so that a person recognises the path.
	escaped := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
	return "file:" + escaped + "?_pragma=journal_mode(WAL)&" + pragmas
}
