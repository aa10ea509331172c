//go:build unix

package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// asOther runs a command as a user who isn't root, in a folder.
func asOther(t *testing.T, folder string, args ...string) (printed string, err error) {
	t.Helper()
	t.Setenv("PASSPORT_TEST_AS_NOBODY", "1")
	cmd, out, log := processIn(t, folder, args...)
	err = awaitExit(t, cmd)
	return out.String() + log.String(), err
}

// An operator with only read permission can list the clients and accounts. SQLite must
// create no files beside the database: they would belong to the operator, and the server
// could not write to them.
func TestDatabase_FR_48_ReadOnly(t *testing.T) {
	for _, test := range []struct {
		name         string
		folder, file os.FileMode
	}{
		{"a folder that is read-only", 0o555, 0o666},
		{"a file that is read-only", 0o777, 0o444},
		{"both", 0o555, 0o444},
	} {
		t.Run(test.name, func(t *testing.T) {
			folder := t.TempDir()
			t.Chdir(folder)
			command(t, "", "migrate", "--database-url", "sqlite:p.sqlite")
			made(t, nil, "--client", "--name", "Export", "--database-url", "sqlite:p.sqlite")
			file := filepath.Join(folder, "p.sqlite")
			if err := os.Chmod(file, test.file); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(folder, test.folder); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(filepath.Dir(folder), 0o755); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.Chmod(folder, 0o700) })
			for _, args := range [][]string{{"client", "list"}, {"user", "list"}} {
				printed, err := asOther(t, folder, append(args, "--database-url", "sqlite:p.sqlite")...)
				if err != nil || args[0] == "client" && !strings.Contains(printed, "Export") {
					t.Errorf("passport %v: %v\n%s\nwant the list", args, err, printed)
				}
			}
			if printed, _ := asOther(t, folder, "import", "status", "--database-url", "sqlite:p.sqlite"); !strings.Contains(printed, "nothing was imported") {
				t.Errorf("passport import status prints %s, want that nothing was imported", printed)
			}
			printed, err := asOther(t, folder, "client", "--client", "--name", "x", "--database-url", "sqlite:p.sqlite")
			if err == nil || !strings.Contains(printed, "write to") {
				t.Errorf("passport client: %v\n%s\nwant it to name the missing permission", err, printed)
			}
			if got := entries(t, folder); got != "p.sqlite" {
				t.Errorf("the folder has %s, want only p.sqlite", got)
			}
		})
	}
}
