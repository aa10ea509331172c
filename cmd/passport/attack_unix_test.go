//go:build unix

package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The database has password hashes. Other users of the machine can read neither its
// file, in any folder, nor the files that SQLite creates beside it.
func TestNeverRepeat_C10_DatabaseFileIsItsOwnersAlone(t *testing.T) {
	for _, url := range []string{"sqlite:passport.sqlite", "sqlite:///" + filepath.Join(t.TempDir(), "other.sqlite"), "SQLite3:third.sqlite"} {
		cmd, out, log := process(t, "migrate", "--database-url", url)
		if err := awaitExit(t, cmd); err != nil {
			t.Fatalf("migrate %s: %v\n%s%s", url, err, out, log)
		}
		_, file, _ := strings.Cut(url, ":")
		if file = strings.TrimPrefix(file, "//"); !filepath.IsAbs(file) {
			file = filepath.Join(cmd.Dir, file)
		}
		files, err := filepath.Glob(file + "*")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: there is no file %s", url, file)
		}
		for _, name := range files {
			info, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s: %s has mode %v, want no permission for group and others", url, filepath.Base(name), info.Mode())
			}
		}
	}
}
