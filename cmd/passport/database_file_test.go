package main_test

import (
	"bytes"
	"cmp"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// entries returns the names of the files in a folder.
func entries(t *testing.T, folder string) string {
	t.Helper()
	found, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range found {
		names = append(names, entry.Name())
	}
	return strings.Join(names, " ")
}

// tried runs a command that may fail, with a password on standard input.
func tried(t *testing.T, env []string, args ...string) (status int, printed string) {
	t.Helper()
	var out bytes.Buffer
	status = passport(t.Context(), strings.NewReader("correct-horse"), &out, &out, env, args...)
	return status, out.String()
}

// users are the commands that need an existing database.
var users = [][]string{
	{"client", "list"}, {"client", "show", "x"}, {"client", "--client", "--name", "x"}, {"client", "--personal"}, {"client", "update", "x", "--name", "y"}, {"client", "rotate-secret", "x"},
	{"client", "suspend", "x"}, {"client", "resume", "x"}, {"client", "revoke", "x", "--yes"}, {"keys", "rotate"}, {"purge"},
	{"user", "list"}, {"user", "create", "--email", "a@example.com", "--name", "A", "--password-stdin"}, {"user", "disable", "x"}, {"user", "enable", "x"},
}

// In a folder without a database each of these commands says so and creates nothing.
func TestDatabase_FR_48_PG_14_MadeByThreeCommandsOnly(t *testing.T) {
	for _, args := range users {
		t.Run(strings.Join(args[:min(2, len(args))], " "), func(t *testing.T) {
			folder := t.TempDir()
			t.Chdir(folder)
			for _, database := range []string{"", "sqlite:x.sqlite", "SQLite3:x.sqlite", "sqlite:gone/x.sqlite", "sqlite://x.sqlite", "sqlite:///" + folder + "/x.sqlite"} {
				if database == "" && args[0] == "keys" {
					continue // keys in files need no database
				}
				status, printed := tried(t, []string{"PASSPORT_DATABASE_URL=" + database}, args...)
				if status != 1 || !strings.Contains(printed, "no database at "+cmp.Or(database, "sqlite:storage/passport.sqlite")+" in the folder "+folder) || !strings.Contains(printed, "`passport install`") || !strings.Contains(printed, "--database-url") {
					t.Errorf("with the database %q it ended with %d and printed\n%s\nwant 1, the folder and what to do", database, status, printed)
				}
				if got := entries(t, folder); got != "" {
					t.Fatalf("with the database %q it left %s", database, got)
				}
			}
		})
	}
}

// A file or folder in place of a database stays unchanged.
func TestDatabase_FR_48_PG_14_OtherThings(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "empty", "")
	if err := os.Mkdir("folder", 0o700); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"empty": "is empty", "folder": "is not a file"} {
		for _, args := range users {
			status, printed := tried(t, []string{"PASSPORT_DATABASE_URL=sqlite:" + name}, args...)
			if status != 1 || !strings.Contains(printed, want) {
				t.Errorf("passport %v with %s ended with %d and printed\n%s\nwant 1 and %q", args, name, status, printed, want)
			}
		}
	}
	if info, err := os.Stat("empty"); err != nil || info.Size() != 0 || entries(t, ".") != "empty folder" || entries(t, "folder") != "" {
		t.Errorf("the empty file is %v, %v, and the folder has %s", info, err, entries(t, "."))
	}
}

// Each of the three commands creates a database if there is none.
func TestDatabase_FR_48_PG_14_Makers(t *testing.T) {
	for _, args := range [][]string{{"install"}, {"migrate"}} {
		t.Chdir(t.TempDir())
		command(t, "", args...)
		if got := command(t, "", "client", "list"); !strings.Contains(got, "There are no clients") {
			t.Errorf("after passport %v, client list printed %s", args, got)
		}
	}
	t.Chdir(t.TempDir())
	start(t, nil, "serve").stop(t)
	command(t, "", "user", "list")
}

// A command that reads changes no byte and creates no file.
func TestDatabase_FR_48_PG_14_ReadingLeavesNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	command(t, "", "migrate")
	machine(t)
	file := filepath.Join("storage", "passport.sqlite")
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"client", "list"}, {"client", "list", "--json"}, {"user", "list"}, {"user", "list", "--json"}, {"migrate", "--print"}} {
		command(t, "", args...)
		after, err := os.ReadFile(file)
		if err != nil || string(after) != string(before) {
			t.Errorf("passport %v changed the file: %v", args, err)
		}
		if got := entries(t, ".") + ": " + entries(t, "storage"); got != "storage: passport.sqlite" {
			t.Errorf("after passport %v there is %s", args, got)
		}
	}
}
