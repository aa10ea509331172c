package main_test

import (
	"os"
	"strings"
	"testing"
	"time"
)

// An application that embeds the library has keys in files and doesn't have the binary's
// database.
func TestKeysRotate_WithoutADatabase(t *testing.T) {
	for _, test := range []struct {
		name, settings string
		keysDir        string
		after          time.Duration // from the first signature of the new key to the end of the old one
	}{
		{"defaults", "", "storage", 2 * time.Hour},
		{"longer tokens in the settings", `access_token_ttl = "48h"`, "storage", 48 * time.Hour},
		{"a public address to listen on", `listen = "0.0.0.0:8000"`, "storage", 2 * time.Hour},
		{"another folder", "", "elsewhere", 2 * time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			write(t, "passport.toml", test.settings)
			command(t, "", "keys", "--keys-dir", test.keysDir)
			status, said := tried(t, nil, "keys", "rotate", "--keys-dir", test.keysDir)
			if status != 0 || !strings.Contains(said, "There is no database here") || !strings.Contains(said, "a longer lifetime") {
				t.Fatalf("keys rotate ended with %d and printed\n%s\nwant 0 and that clients were not considered", status, said)
			}
			if life := instant(t, said, "The current key ends at ").Sub(instant(t, said, "signs from ")); life != test.after {
				t.Errorf("the old key ends %v after the new one begins to sign, want %v:\n%s", life, test.after, said)
			}
			if _, err := os.Lstat("storage/passport.sqlite"); err == nil {
				t.Error("keys rotate created a database")
			}
		})
	}
}

// A missing database that is configured is an error. So are a link to a missing one and
// wrong settings.
func TestKeysRotate_DatabaseThatIsConfigured(t *testing.T) {
	for name, test := range map[string]struct {
		env, want string
		link      bool
	}{
		"another file": {env: "PASSPORT_DATABASE_URL=sqlite:other.sqlite", want: "no database at"},
		"a link":       {link: true, want: "no database at"},
		"a lifetime":   {env: "PASSPORT_ACCESS_TOKEN_TTL=-1h", want: "access_token_ttl"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			command(t, "", "keys")
			if test.link {
				if err := os.Symlink("gone", "storage/passport.sqlite"); err != nil {
					t.Fatal(err)
				}
			}
			if status, said := tried(t, []string{test.env}, "keys", "rotate"); status != 1 || !strings.Contains(said, test.want) {
				t.Errorf("keys rotate ended with %d and printed\n%s\nwant 1 and %q", status, said, test.want)
			}
		})
	}
}

// instant returns the time after a word.
func instant(t *testing.T, text, word string) time.Time {
	t.Helper()
	_, rest, _ := strings.Cut(text, word)
	at, err := time.Parse(time.RFC3339, strings.TrimRight(strings.Fields(rest + " -")[0], "."))
	if err != nil {
		t.Fatalf("no time after %q in\n%s", word, text)
	}
	return at
}
