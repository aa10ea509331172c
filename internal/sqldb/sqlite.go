package sqldb

import (
	"crypto/rand"
	"path/filepath"
	"strings"
)

// SQLiteDSN is exported and documented in package sqlstore.
func SQLiteDSN(path string) string {
	pragmas := "_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=synchronous(FULL)"
	if path == ":memory:" {
		// Each connection to ":memory:" has a separate database. Connections to the
		// same name in this file system share a database.
		return "file:/passport-" + rand.Text() + "?vfs=memdb&" + pragmas
	}
	path = filepath.ToSlash(filepath.Clean(path))
	if filepath.VolumeName(path) != "" {
		path = "/" + path // file:/C:/x
	}
	// Escape only characters that SQLite's file name parser treats as syntax, so
	// that the path stays readable.
	escaped := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
	return "file:" + escaped + "?_pragma=journal_mode(WAL)&" + pragmas
}
