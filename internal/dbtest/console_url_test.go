package dbtest_test

import (
	"bytes"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/go-passport/passport/console"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
)

// What a server says of a wrong password, an unknown database or an unknown
// parameter shows no part of the password.
func TestConsole_FR_45_ServerErrors(t *testing.T) {
	t.Chdir(t.TempDir())
	const password = "zv@kqjw/gx?mzbq#vwkj:xqzn%jbvk wzgq"
	for variable, d := range map[string]sqldb.Dialect{"PASSPORT_TEST_POSTGRES": sqldb.Postgres, "PASSPORT_TEST_MYSQL": sqldb.MySQL} {
		t.Run(d.Name, func(t *testing.T) {
			dbtest.Need(t, d)
			server, err := url.Parse(os.Getenv(variable))
			if err != nil {
				t.Fatal("the variable " + variable + " holds no URL")
			}
			wrong := *server
			wrong.User = url.UserPassword("passport_no_such_user", password)
			unknown := *server
			unknown.Path = "/passport_no_such_database"
			parameter := *server
			parameter.RawQuery = "password=" + url.QueryEscape(password) + "&gxmzbqv=wzgqvwk"
			for name, u := range map[string]url.URL{"a wrong password": wrong, "an unknown database": unknown, "an unknown parameter": parameter} {
				real, _ := server.User.Password()
				var out bytes.Buffer
				cmd := console.New(console.Options{Env: []string{"PASSPORT_DATABASE_URL=" + u.String(), "PASSPORT_LOG_LEVEL=debug"}})
				cmd.SetOut(&out)
				cmd.SetErr(&out)
				cmd.SetArgs([]string{"serve", "--listen", "127.0.0.1:0"})
				if status := console.Run(t.Context(), cmd); status != 1 {
					t.Errorf("%s: status %d, want 1: %s", name, status, &out)
				}
				for _, secret := range []string{"zv@k", "kqjw", "gx?m", "mzbq", "vwkj", "xqzn", "jbvk", "wzgq", url.QueryEscape(password), ":" + real + "@"} {
					if strings.Contains(out.String(), secret) {
						t.Errorf("%s: %q, a part of the password, is shown: %s", name, secret, strings.ReplaceAll(out.String(), ":"+real+"@", ":…@"))
					}
				}
			}
		})
	}
}

// FR-51: a database that does not answer yet is waited for. A port that is open
// without a server behind it counts as that, as with a load balancer.
func TestConsole_FR_51_DatabaseComesLater(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, d := range []sqldb.Dialect{sqldb.Postgres, sqldb.MySQL} {
		t.Run(d.Name, func(t *testing.T) {
			p, databaseURL := newProxy(t, dbtest.URL(t, d))
			p.setDown(true)
			said := &waitingLine{then: func() { p.setDown(false) }}
			var out bytes.Buffer
			cmd := console.New(console.Options{Env: []string{"PASSPORT_DATABASE_URL=" + databaseURL}})
			cmd.SetOut(&out)
			cmd.SetErr(said)
			cmd.SetArgs([]string{"migrate"})
			if status := console.Run(t.Context(), cmd); status != 0 || !strings.Contains(out.String(), "up to date") {
				t.Errorf("migrate before its database answers: status %d, want 0 and tables that are up to date: %s%s", status, &out, &said.text)
			}
			if n := strings.Count(said.text.String(), "Waiting for the database "+d.Name); n != 1 {
				t.Errorf("it said %q, want one line about waiting", &said.text)
			}
		})
	}
}

// waitingLine has something happen at the first line.
type waitingLine struct {
	text bytes.Buffer
	then func()
	once sync.Once
}

func (w *waitingLine) Write(p []byte) (int, error) {
	w.once.Do(w.then)
	return w.text.Write(p)
}
