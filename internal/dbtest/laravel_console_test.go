package dbtest_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/sqlstore"
)

// servers are the databases that are not a file.
var servers = []sqldb.Dialect{sqldb.Postgres, sqldb.MySQL}

// importCommand runs `passport import laravel` into a database, with the key of the installation in testdata.
func importCommand(t *testing.T, from, to string, args ...string) (status int, printed string) {
	t.Helper()
	env := filepath.Join(t.TempDir(), "laravel.env")
	must(t, os.WriteFile(env, []byte("APP_KEY="+readManifest(t).Config.AppKey+"\n"), 0o600))
	return command(t, to, "", append([]string{"import", "laravel", "--env", env, "--from", from}, args...)...)
}

// respelled returns a URL that leads to the same database with another text.
func respelled(t *testing.T, databaseURL string) string {
	t.Helper()
	u, err := url.Parse(databaseURL)
	must(t, err)
	switch u.Hostname() {
	case "127.0.0.1":
		u.Host = "LocalHost:" + u.Port()
	case "localhost":
		u.Host = "127.0.0.1:" + u.Port()
	}
	q := u.Query()
	if strings.HasPrefix(u.Scheme, "postgres") {
		q.Set("timezone", "Asia/Tokyo")
	} else {
		q.Set("time_zone", "'+09:00'")
	}
	u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20")
	return u.String()
}

// The database of --from is recognized as that of this server, however the URLs spell it.
func TestConsole_ImportLaravelRefusesItsOwnDatabase(t *testing.T) {
	const refusal = "--from is the database of this server"
	for _, d := range servers {
		for _, prefix := range []string{"", "app_"} { // with a prefix, both have room in one database
			t.Run(d.Name+"/"+prefix, func(t *testing.T) {
				dbtest.Need(t, d)
				t.Parallel()
				db, from := openLaravel(t, d, prefix)
				to := respelled(t, from)
				store := sqlstore.New(db, d)
				if prefix != "" {
					must(t, store.Migrate(t.Context()))
				}
				for _, args := range [][]string{{"--dry-run"}, {}, {"--mark-consumed"}} {
					status, printed := importCommand(t, from, to, append(args, "--prefix", prefix)...)
					if status != 1 || !strings.Contains(printed, refusal) {
						t.Errorf("passport import laravel %s of a database into itself = %d, want a refusal with %q:\n%s", args, status, refusal, printed)
					}
				}
				if prefix != "" {
					for c := range store.Clients(t.Context()) {
						t.Fatalf("the import was refused, but has written the client %s", c.ID)
					}
				}
			})
		}
	}
}

// Another schema of one PostgreSQL database, and another database of one server, may be the
// target, also if the target's search path leads to Laravel's tables afterwards.
func TestConsole_ImportLaravelIntoAnotherSchema(t *testing.T) {
	for _, d := range servers {
		for _, prefix := range []string{"", "app_"} {
			t.Run(d.Name+"/"+prefix, func(t *testing.T) {
				dbtest.Need(t, d)
				t.Parallel()
				_, from := openLaravel(t, d, prefix)
				to := dbtest.URL(t, d)
				must(t, sqlstore.New(dbtest.OpenURL(t, to), d).Migrate(t.Context()))
				if d == sqldb.Postgres {
					to = withBothSchemas(t, to, from)
				}
				status, printed := importCommand(t, from, to, "--prefix", prefix)
				if status != 0 || !strings.Contains(printed, "Imported from Laravel") {
					t.Errorf("passport import laravel into another database or schema = %d, want an import:\n%s", status, printed)
				}
				if shown := withoutPassword(t, from); !strings.Contains(printed, shown) {
					t.Errorf("passport import laravel --from URL prints\n%s\nwant the next command with %s", printed, shown)
				}
			})
		}
	}
}

// A target without tables is an error that names the command that creates them.
func TestConsole_ImportLaravelNeedsTables(t *testing.T) {
	for _, d := range servers {
		t.Run(d.Name, func(t *testing.T) {
			dbtest.Need(t, d)
			t.Parallel()
			_, from := openLaravel(t, d, "")
			to := dbtest.URL(t, d)
			want := func(name string, status int, printed string) {
				t.Helper()
				if status != 1 || !strings.Contains(printed, `run "passport migrate"`) {
					t.Errorf("%s with an empty database = %d, want an error that names passport migrate:\n%s", name, status, printed)
				}
			}
			status, printed := importCommand(t, from, to, "--dry-run")
			want("passport import laravel", status, printed)
			status, printed = command(t, to, "", "import", "status")
			want("passport import status", status, printed)
		})
	}
}

// Each fault of the source is one error, which says what to do.
func TestConsole_ImportLaravelExplainsFaultsOfTheSource(t *testing.T) {
	changed := func(t *testing.T, from string, change func(u *url.URL)) string {
		t.Helper()
		u, err := url.Parse(from)
		must(t, err)
		change(u)
		return u.String()
	}
	for _, d := range servers {
		t.Run(d.Name, func(t *testing.T) {
			dbtest.Need(t, d)
			t.Parallel()
			db, from := openLaravel(t, d, "app_")
			to := dbtest.URL(t, sqldb.SQLite)
			if status, printed := command(t, to, "", "migrate"); status != 0 {
				t.Fatal(printed)
			}
			for name, test := range map[string]struct {
				from string
				args []string
				want string
			}{
				"a wrong password": {changed(t, from, func(u *url.URL) { u.User = url.UserPassword(u.User.Username(), "wrong-password") }), nil,
					"check the user, the password and the database in --from"},
				"a missing database": {changed(t, from, func(u *url.URL) { u.Path = "/passport_missing" }), nil, "check the user, the password and the database in --from"},
				"a closed port":      {changed(t, from, func(u *url.URL) { u.Host = u.Hostname() + ":1" }), nil, "is it running, and is this its address?"},
				"no prefix":          {from, nil, "no tables oauth_clients, oauth_access_tokens, oauth_refresh_tokens, oauth_auth_codes that this user can read"},
				"prefix twice":       {from, []string{"--prefix", "app_", "--users-table", "app_users"}, "give the name without --prefix"},
			} {
				status, printed := importCommand(t, test.from, to, append(test.args, "--dry-run")...)
				if status != 1 || strings.Count(printed, "\n") != 1 || !strings.Contains(printed, test.want) || strings.Contains(printed, "wrong-password") {
					t.Errorf("passport import laravel with %s = %d, want one line with %q:\n%s", name, status, test.want, printed)
				}
			}
			run(t, db, "DROP TABLE app_oauth_auth_codes")
			if _, printed := importCommand(t, from, to, "--prefix", "app_"); !strings.Contains(printed, "no table app_oauth_auth_codes that this user can read") || !strings.Contains(printed, "permission to SELECT") {
				t.Errorf("passport import laravel without a table prints %s\nwant its name and the permission that it may lack", printed)
			}
		})
	}
}

// withoutPassword returns a URL up to its host, with xxxxx for the password.
func withoutPassword(t *testing.T, from string) string {
	t.Helper()
	u, err := url.Parse(from)
	must(t, err)
	return strings.SplitAfter(u.Redacted(), u.Host)[0]
}

// withBothSchemas returns to with the schema of from after its own in the search path.
func withBothSchemas(t *testing.T, to, from string) string {
	t.Helper()
	u, err := url.Parse(to)
	must(t, err)
	old, err := url.Parse(from)
	must(t, err)
	q := u.Query()
	q.Set("search_path", q.Get("search_path")+","+old.Query().Get("search_path"))
	u.RawQuery = q.Encode()
	return u.String()
}
