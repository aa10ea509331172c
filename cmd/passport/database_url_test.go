package main_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport/console"
)

// wantHidden fails for each four characters in a row of a password that a command
// printed or logged.
func wantHidden(t *testing.T, command, printed string, passwords ...string) {
	t.Helper()
	for _, password := range passwords {
		for i := 0; i+4 <= len(password); i++ {
			if piece := password[i : i+4]; strings.Contains(printed, piece) {
				t.Errorf("%s shows %q, a part of the password %q:\n%s", command, piece, password, printed)
				return
			}
		}
	}
}

// databaseCommand runs a command, for two seconds at most.
func databaseCommand(t *testing.T, env []string, args ...string) (printed string, status int) {
	t.Helper()
	patience := 2 * time.Second
	if slices.ContainsFunc(args, func(a string) bool { return a == "serve" || a == "migrate" || a == "install" }) {
		patience = 100 * time.Millisecond // they wait for a database that does not answer
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out bytes.Buffer
	status = passport(ctx, strings.NewReader(""), &out, &out, env, args...)
	return out.String(), status
}

// Passwords that a user forgets to encode are refused, and no part of them is shown,
// wherever the URL comes from.
func TestDatabaseURL_FR_45_NotEncoded(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, password := range []string{"gx@zvkqj", "gxzw/zvkqj", "gxzw?zvkqj", "gxzw#zvkqj", "gxzw%zvkqj", "gxzw zvkqj", "gx@zv/kq?jw#bn%mz wq", "4711/zvkqj", "[zvkqj", `zv"kqj\wz`, "zvkqj@10.9.8.7:5432/x?y@"} {
		for _, scheme := range []string{"postgres", "postgresql", "POSTGRES", "mysql", "mariadb"} {
			u := scheme + "://u:" + password + "@127.0.0.1:1/db"
			write(t, "passport.toml", fmt.Sprintf("database_url = '%s'\n", u))
			for name, run := range map[string]func() (string, int){
				"by flag": func() (string, int) { return databaseCommand(t, nil, "user", "list", "--database-url", u) },
				"by environment": func() (string, int) {
					return databaseCommand(t, []string{"PASSPORT_DATABASE_URL=" + u}, "client", "list", "--json")
				},
				"by file": func() (string, int) {
					return databaseCommand(t, []string{"PASSPORT_LOG_LEVEL=debug"}, "serve", "--listen", "127.0.0.1:0")
				},
			} {
				printed, status := run()
				wantHidden(t, name+" "+u, printed, password)
				if status != 1 || !strings.Contains(printed, "write % as %25, @ as %40, / as %2F, : as %3A, ? as %3F, # as %23 and a space as %20") {
					t.Errorf("%s %s: status %d, want 1 and how to write it:\n%s", name, u, status, printed)
				}
			}
		}
	}
}

// An encoded password is not in the errors of the driver either.
func TestDatabaseURL_FR_45_DriverErrors(t *testing.T) {
	t.Chdir(t.TempDir())
	const password = `zv@kqjw/gx?mzbq#vwkj:xqzn%jbvk wzgq`
	encoded := url.QueryEscape(password)
	inPath := strings.ReplaceAll(encoded, "+", "%20")
	for _, u := range []string{
		"postgres://u:" + inPath + "@127.0.0.1:1/db",
		"postgres://u:" + inPath + "@no.such.host.invalid/db",
		"postgres://u:" + inPath + "@127.0.0.1:1/db?sslmode=bogus",
		"postgres://u:" + inPath + "@127.0.0.1:1/db?connect_timeout=bogus",
		"postgres://u:" + inPath + "@127.0.0.1:1,no.such.host.invalid/db",
		"postgres://127.0.0.1:1/db?user=u&password=" + inPath + "&sslmode=bogus",
		"postgres://127.0.0.1:1/db?user=u&sslpassword=" + inPath + "&sslkey=/none&sslcert=/none",
		"postgres://127.0.0.1:1/db?password=zvkqjw&gxmzbq=vwkjxq&sslmode=bogus",
		"postgres://127.0.0.1:1/db?password=zvkqjw&gxmzbq",
		"postgres://127.0.0.1:1/db?password=zvkqjw@gxmz",
		"mysql://u:" + inPath + "@127.0.0.1:1/db",
		"mysql://u:" + inPath + "@no.such.host.invalid/db",
		"mysql://u:" + inPath + "@127.0.0.1:1/db?parseTime=bogus",
		"mysql://u@127.0.0.1:1/db?password=" + inPath,
		"mysql://u@127.0.0.1:1/db?sslpassword=" + inPath,
		"mysql://u:" + inPath + "@127.0.0.1:1/",
		"host=127.0.0.1 user=u password=" + password,
		"u:" + password + "@tcp(127.0.0.1:1)/db",
		"oracle://u:" + password + "@127.0.0.1/db",
		password,
	} {
		env := []string{"PASSPORT_DATABASE_URL=" + u, "PASSPORT_LOG_LEVEL=debug", "PASSPORT_LOG_FORMAT=json"}
		for _, args := range []string{"user list", "client list --json", "serve --listen 127.0.0.1:0", "migrate", "purge"} {
			printed, status := databaseCommand(t, env, strings.Fields(args)...)
			wantHidden(t, args+" with "+u, printed, password, encoded, inPath, "gxmzbq", "vwkjxq", "zvkqjw")
			if stopped := strings.Contains(printed, "stopped before the database responded"); status != 1 && !stopped {
				t.Errorf("%s with %s: status %d, want 1:\n%s", args, u, status, printed)
			}
		}
	}
}

// The driver of an application may quote anything.
func TestDatabaseURL_FR_45_AnyDriver(t *testing.T) {
	t.Chdir(t.TempDir())
	const password = "zv@kqjw/gxmz"
	encoded := url.QueryEscape(password)
	for _, said := range []string{password, encoded, url.PathEscape(password), "lookup kqjw: no such host", `dial "kqjw/gxmz"`, "u:" + password + "@tcp(h:3306)/db", "%DSN"} {
		open := func(_, dsn string) (*sql.DB, error) {
			return nil, errors.Join(errors.New("first"), fmt.Errorf("open: %w", errors.New(strings.ReplaceAll(said, "%DSN", dsn))))
		}
		for _, scheme := range []string{"postgres", "mysql"} {
			var out bytes.Buffer
			o := console.Options{Env: []string{"PASSPORT_DATABASE_URL=" + scheme + "://u:" + encoded + "@h/db"}, Open: open}
			cmd := console.New(o)
			cmd.SetOut(&out)
			cmd.SetErr(&out)
			cmd.SetArgs([]string{"user", "list"})
			err := cmd.ExecuteContext(t.Context()) // as an application that mounts it may
			printed := fmt.Sprintf("%s %v %+v %#v %q", &out, err, err, err, err)
			wantHidden(t, "a driver that says "+said, printed, password, encoded, "kqjw", "gxmz")
			if !strings.Contains(printed, scheme+"://u:xxxxx@h/db") {
				t.Errorf("with an error of the driver like %s: want the name of the database, got %s", said, printed)
			}
		}
	}
}

// No error repeats a URL in the wrong place.
func TestDatabaseURL_FR_45_CommandLine(t *testing.T) {
	t.Chdir(t.TempDir())
	const u = "postgres://u:zvkqjw@h/db"
	for _, args := range [][]string{
		{u}, {"serve", u}, {"user", "list", u}, {"client", "revoke", "x", u}, {"serve", "-database-url=" + u}, {"serve", "-database-url=u:zvkqjw@h"},
		{"serve", "--database_uri=" + u}, {"serve", "--config", u}, {"migrate", "--database-url", "postgres://u:p", "zvkqjw@h/db"},
		{"migrate", "--database-url", "postgres://u:p", "zvkqjw", "more@h/db"}, {"--database-url", "postgres://u:p", "zvkqjw@h/db", "migrate"}, {"migrate", "zvkqjw@h"},
	} {
		printed, status := databaseCommand(t, nil, args...)
		wantHidden(t, strings.Join(args, " "), printed, "zvkqjw")
		if status == 0 {
			t.Errorf("passport %s: status 0, want a failure", strings.Join(args, " "))
		}
	}
}

// A URL with a secret in the wrong setting is refused. Neither the error nor the log of
// the start has the secret.
func TestServe_FR_45_URLInAnotherSetting(t *testing.T) {
	t.Chdir(t.TempDir())
	urls := []string{
		"postgres://u:zvkqjw@h:5432/db?password=zvkqjw", "postgres://u:p@zvkqjw@h/db", "mysql://u:zvkqjw@h/db", "https://u:zvkqjw@h", "postgres:zvkqjw", "u:zvkqjw@h",
		"zvkqjw@h:5432", "sqlite:/x.db?key=zvkqjw", "u:zvkqjw@tcp(h:3306)/db", "[zvkqjw]:80", "host=h password=zvkqjw",
	}
	for _, u := range urls {
		for _, key := range []string{"issuer", "listen"} {
			for name, args := range map[string]func() (env, args []string){
				"by flag":        func() (env, args []string) { return nil, []string{"--" + key, u} },
				"by environment": func() (env, args []string) { return []string{"PASSPORT_" + strings.ToUpper(key) + "=" + u}, nil },
				"by file": func() (env, args []string) {
					write(t, "other.toml", fmt.Sprintf("%s = %q\n", key, u))
					return nil, []string{"--config", "other.toml"}
				},
			} {
				env, args := args()
				if key == "issuer" {
					env = append(env, "PASSPORT_LISTEN=127.0.0.1:0")
				}
				printed, status := databaseCommand(t, append(env, "PASSPORT_LOG_LEVEL=debug"), append([]string{"serve"}, args...)...)
				wantHidden(t, key+" "+name+" "+u, printed, "zvkqjw")
				if status != 1 || !strings.Contains(printed, key) && !strings.Contains(printed, "not an address to listen on") {
					t.Errorf("%s %s %s: status %d, want 1 and a fault that names the setting:\n%s", key, name, u, status, printed)
				}
			}
		}
		printed, _ := databaseCommand(t, []string{"PASSPORT_LISTEN=" + u}, "serve", "--demo")
		wantHidden(t, "serve --demo on "+u, printed, "zvkqjw")
	}
}

// A database URL for SQLite has no parameters, and the error shows none.
func TestDatabaseURL_FR_45_SQLite(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, u := range []string{"sqlite:/x.db?key=zvkqjw", "sqlite://u:zvkqjw@h/x?y", "SQLITE3:x.db?a=b@zvkqjw", "sqlite:?zvkqjw"} {
		for _, args := range [][]string{
			{"serve", "--listen", "127.0.0.1:0", "--database-url", u}, {"user", "list", "--database-url", u}, {"migrate", "--database-url", u}, {"migrate", u}, {"serve", "-database-url=" + u},
			{"serve", "--config", u}, {"install", "--database-url", u}, {"install", "--client-ids", u}, {u},
		} {
			printed, status := databaseCommand(t, nil, args...)
			wantHidden(t, strings.Join(args, " "), printed, "zvkqjw")
			if status == 0 {
				t.Errorf("passport %s: status 0, want a failure", strings.Join(args, " "))
			}
		}
	}
}
