//go:build unix

package main_test

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
)

// relay passes connections on to a server until it is cut.
type relay struct {
	l     net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

// newRelay returns a relay, and the URL of the database through it.
func newRelay(t *testing.T, databaseURL string) (*relay, string) {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal("the URL of the test server cannot be read")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{l: l}
	t.Cleanup(r.cut)
	server := u.Host
	go r.accept(server)
	u.Host = l.Addr().String()
	return r, u.String()
}

func (r *relay) accept(server string) {
	for {
		client, err := r.l.Accept()
		if err != nil {
			return
		}
		conn, err := net.Dial("tcp", server)
		if err != nil {
			client.Close()
			return
		}
		r.mu.Lock()
		r.conns = append(r.conns, client, conn)
		r.mu.Unlock()
		go io.Copy(conn, client)
		go io.Copy(client, conn)
	}
}

// cut breaks all connections and accepts no others.
func (r *relay) cut() {
	r.l.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, conn := range r.conns {
		conn.Close()
	}
}

// When the database goes away, all that is on standard error is the log: the lines of
// the driver too have its form.
func TestProcess_OP_04_LogWhenTheDatabaseGoesAway(t *testing.T) {
	text := regexp.MustCompile(`^time=\S+ level=[A-Z]+ msg=`)
	for format, matches := range map[string]func(line string) bool{
		"text": text.MatchString,
		"json": func(line string) bool { return json.Valid([]byte(line)) },
	} {
		for _, d := range []sqldb.Dialect{sqldb.MySQL, sqldb.Postgres} {
			t.Run(d.Name+" "+format, func(t *testing.T) {
				relay, databaseURL := newRelay(t, dbtest.URL(t, d))
				t.Setenv("PASSPORT_LOG_FORMAT", format)
				cmd, out, log := process(t, "serve", "--listen", "127.0.0.1:0", "--database-url", databaseURL)
				address := ""
				for until := time.Now().Add(20 * time.Second); address == ""; address = servingAt(out, log) {
					if time.Now().After(until) {
						t.Fatalf("the server does not say that it serves:\n%s", log)
					}
					time.Sleep(5 * time.Millisecond)
				}
				ready := func(want int) {
					res, err := http.Get(address + "/readyz")
					if err != nil {
						t.Error(err)
						return
					}
					res.Body.Close()
					if res.StatusCode != want {
						t.Errorf("/readyz = %d, want %d", res.StatusCode, want)
					}
				}
				var asked sync.WaitGroup
				for range 8 { // more than one connection
					asked.Go(func() { ready(200) })
				}
				asked.Wait()
				relay.cut()
				ready(503)
				if err := cmd.Process.Signal(os.Interrupt); err != nil {
					t.Fatal(err)
				}
				_ = awaitExit(t, cmd)
				for line := range strings.SplitSeq(strings.TrimSpace(log.String()), "\n") {
					if !matches(line) {
						t.Errorf("standard error has a line in another form than %s: %q", format, line)
					}
				}
				if d == sqldb.MySQL && !strings.Contains(log.String(), "the MySQL driver reports") {
					t.Errorf("the log has no line of the driver, so that nothing was tested:\n%s", log)
				}
			})
		}
	}
}
