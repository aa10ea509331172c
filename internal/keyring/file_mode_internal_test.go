//go:build unix

package keyring

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A key file that other users may read causes a warning with its remedy, never
// an error.
func TestLoadKeys_JK_04_TooReadable(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "it's mine")
	if err := Write(dir, "", 0, false); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "oauth-private.key")
	for mode, want := range map[os.FileMode]bool{0o600: false, 0o400: false, 0o700: false, 0o640: true, 0o604: true, 0o644: true, 0o666: true, 0o610: true} {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
		keys, err := Load(dir)
		if err != nil {
			t.Fatalf("Load with mode %04o = %v", mode, err)
		}
		if (len(keys.warnings) > 0) != want {
			t.Errorf("mode %04o: warnings = %q, want some = %v", mode, keys.warnings, want)
		}
		if want && !strings.Contains(keys.warnings[0], "`chmod 600 '"+strings.ReplaceAll(name, "'", `'\''`)+"'`") {
			t.Errorf("mode %04o: the warning has no valid chmod command: %s", mode, keys.warnings[0])
		}
	}
}
