package console_test

import (
	"os"
	"strings"
	"testing"

	"github.com/go-passport/passport/console"
)

// A value that isn't a path is refused in place of a path. It creates no folder, and the
// error doesn't repeat it, because it may be a password.
func TestSettings_PathsThatAreNone(t *testing.T) {
	const canary = "cAnAry-17"
	values := map[string]string{
		"postgres://u:" + canary + "@h/d": "not a URL", "POSTGRES://u:" + canary + "@h/d": "not a URL", "https://h/" + canary: "not a URL",
		"sqlite:" + canary: "not a URL", "u:" + canary + "@tcp(h:3306)/d": "not a URL", "u:" + canary + "/x@h/d": "not a URL", "host=h password=" + canary: "not a URL",
		"Server=h;Pwd=" + canary: "not a URL", "dbname=d  PASSWORD = " + canary: "not a URL", "x-----BEGIN PRIVATE KEY-----" + canary: "in one line",
		"a\n" + canary: "in one line", "~/" + canary: "only a shell replaces ~", "~" + canary: "only a shell replaces ~",
		"$HOME/" + canary: "only a shell replaces $NAME", "/srv/${" + canary + "}/keys": "only a shell replaces $NAME",
	}
	places := map[string]func(value string) (env, args []string){
		"PASSPORT_KEYS_DIR":       func(v string) ([]string, []string) { return []string{"PASSPORT_KEYS_DIR=" + v}, []string{"serve"} },
		"PASSPORT_VIEWS":          func(v string) ([]string, []string) { return []string{"PASSPORT_VIEWS=" + v}, []string{"serve"} },
		"PASSPORT_CONFIG":         func(v string) ([]string, []string) { return []string{"PASSPORT_CONFIG=" + v}, []string{"user", "list"} },
		"PASSPORT_CONFIG install": func(v string) ([]string, []string) { return []string{"PASSPORT_CONFIG=" + v}, []string{"install"} },
		"--config":                func(v string) ([]string, []string) { return nil, []string{"install", "--config", v} },
		"--keys-dir":              func(v string) ([]string, []string) { return nil, []string{"keys", "--keys-dir", v} },
		"--keys-dir rotate":       func(v string) ([]string, []string) { return nil, []string{"keys", "rotate", "--keys-dir", v} },
		"FOLDER":                  func(v string) ([]string, []string) { return nil, []string{"views", v} },
		"FOLDER --check":          func(v string) ([]string, []string) { return nil, []string{"views", "--check", v} },
	}
	for place, command := range places {
		for value, want := range values {
			t.Run(place+" "+want, func(t *testing.T) {
				t.Chdir(t.TempDir())
				env, args := command(value)
				got := run(t, console.Options{Env: append([]string{}, env...)}, args...)
				said := got.stdout + got.stderr
				if got.status == 0 || !strings.Contains(said, want) || !strings.Contains(said, strings.Fields(place)[0]+": want the name of a f") {
					t.Errorf("%s = %q: status %d and\n%s\nwant it refused with %q", place, value, got.status, said, want)
				}
				if strings.Contains(said, canary) {
					t.Errorf("%s = %q is repeated:\n%s", place, value, said)
				}
				if found, err := os.ReadDir("."); err != nil || len(found) != 0 {
					t.Errorf("%s = %q left %v, %v", place, value, found, err)
				}
			})
		}
	}
}

func TestSettings_PathsWithRareCharacters(t *testing.T) {
	for _, value := range []string{"keys", "./my keys", "/var/lib/pvc=1/keys@2", `C:\keys@home`, "C:/keys", "keys~1", "a$", "kéys", "../keys"} {
		t.Chdir(t.TempDir())
		if got := run(t, console.Options{Env: []string{"PASSPORT_KEYS_DIR=" + value}}, "migrate"); !strings.Contains(got.stderr, errNoDatabase.Error()) {
			t.Errorf("keys_dir = %q: %s, want it to be accepted", value, got.stderr)
		}
	}
}

// SQLite opens the file in a folder named ~.
func TestSettings_DatabaseInTheHomeFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, value := range []string{"sqlite:~/a.sqlite", "sqlite://~/a.sqlite"} {
		if got := run(t, console.Options{Env: []string{"PASSPORT_DATABASE_URL=" + value}}, "migrate"); got.status != 1 || !strings.Contains(got.stderr, "only a shell replaces ~") {
			t.Errorf("database_url = %q: %s, want it refused", value, got.stderr)
		}
	}
}
