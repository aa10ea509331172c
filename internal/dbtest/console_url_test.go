package dbtest_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-passport/passport/console"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
)

// Error messages about a wrong password, an unknown database or an unknown parameter
// show no part of the password.
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
						t.Errorf("%s: the output shows %q, a part of the password: %s", name, secret, strings.ReplaceAll(out.String(), ":"+real+"@", ":…@"))
					}
				}
			}
		})
	}
}

// FR-51: the command waits for a database that does not respond yet. An open port
// without a server behind it counts too, as with a load balancer.
func TestConsole_FR_51_DatabaseComesLater(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, d := range []sqldb.Dialect{sqldb.Postgres, sqldb.MySQL} {
		t.Run(d.Name, func(t *testing.T) {
			p, databaseURL := dbtest.NewProxy(t, dbtest.URL(t, d))
			p.SetDown(true)
			stderr := &waitingLine{then: func() { p.SetDown(false) }}
			var out bytes.Buffer
			cmd := console.New(console.Options{Env: []string{"PASSPORT_DATABASE_URL=" + databaseURL}})
			cmd.SetOut(&out)
			cmd.SetErr(stderr)
			cmd.SetArgs([]string{"migrate"})
			if status := console.Run(t.Context(), cmd); status != 0 || !strings.Contains(out.String(), "up to date") {
				t.Errorf("migrate before the database responds: status %d, want 0 and \"up to date\": %s%s", status, &out, stderr)
			}
			if n := strings.Count(stderr.String(), "Waiting for the database "+d.Name); n != 1 {
				t.Errorf("stderr = %q, want one line about waiting", stderr)
			}
		})
	}
}

// FR-51: while serve waits for its database, probes show that the process is live and
// not ready, and requests get a response at once. After the wait it serves.
func TestConsole_FR_51_ServeRespondsWhileItWaits(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, d := range []sqldb.Dialect{sqldb.Postgres, sqldb.MySQL} {
		t.Run(d.Name, func(t *testing.T) {
			p, databaseURL := dbtest.NewProxy(t, dbtest.URL(t, d))
			p.SetDown(true)
			waiting := make(chan struct{})
			stderr := &waitingLine{then: func() { close(waiting) }, on: "waiting for the database"}
			address := freeAddress(t)
			cmd := console.New(console.Options{Env: []string{"PASSPORT_DATABASE_URL=" + databaseURL}})
			cmd.SetOut(io.Discard)
			cmd.SetErr(stderr)
			cmd.SetArgs([]string{"serve", "--listen", address})
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan int, 1)
			go func() { ended <- console.Run(ctx, cmd) }()
			t.Cleanup(func() {
				stop()
				if status := <-ended; status != 0 {
					t.Errorf("serve ended with status %d: %s", status, stderr)
				}
			})
			<-waiting
			for path, want := range map[string]int{"/livez": 200, "/readyz": 503, "/oauth/jwks": 503} {
				res := fetch(t, "http://"+address+path)
				if res.StatusCode != want || (res.Header.Get("Retry-After") != "") != (want == 503) {
					t.Errorf("%s before the database responds = %d, Retry-After %q, want %d", path, res.StatusCode, res.Header.Get("Retry-After"), want)
				}
			}
			p.SetDown(false)
			for until := time.Now().Add(20 * time.Second); ; {
				if fetch(t, "http://"+address+"/readyz").StatusCode == 200 {
					break
				}
				if time.Now().After(until) {
					t.Fatalf("serve is not ready 20 s after its database: %s", stderr)
				}
				time.Sleep(20 * time.Millisecond)
			}
			if res := fetch(t, "http://"+address+"/oauth/jwks"); res.StatusCode != 200 {
				t.Errorf("/oauth/jwks after the database responds = %d, want 200", res.StatusCode)
			}
		})
	}
}

// freeAddress returns an address that no process listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

func fetch(t *testing.T, address string) *http.Response {
	t.Helper()
	client := http.Client{Timeout: 10 * time.Second}
	res, err := client.Get(address)
	if err != nil {
		t.Fatalf("GET %s: %v", address, err)
	}
	res.Body.Close()
	return res
}

// waitingLine calls a function at the first line that contains a text.
type waitingLine struct {
	mu   sync.Mutex
	text bytes.Buffer
	then func()
	on   string
	once sync.Once
}

func (w *waitingLine) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(w.on)) {
		w.once.Do(w.then)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *waitingLine) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}
