//go:build unix

package main_test

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
)

// When the database goes away, standard error has only the log. The lines of the driver
// have its form, too.
func TestProcess_OP_04_LogWhenTheDatabaseGoesAway(t *testing.T) {
	text := regexp.MustCompile(`^time=\S+ level=[A-Z]+ msg=`)
	for format, matches := range map[string]func(line string) bool{
		"text": text.MatchString,
		"json": func(line string) bool { return json.Valid([]byte(line)) },
	} {
		for _, d := range []sqldb.Dialect{sqldb.MySQL, sqldb.Postgres} {
			t.Run(d.Name+" "+format, func(t *testing.T) {
				proxy, databaseURL := dbtest.NewProxy(t, dbtest.URL(t, d))
				t.Setenv("PASSPORT_LOG_FORMAT", format)
				cmd, out, log := process(t, "serve", "--listen", "127.0.0.1:0", "--database-url", databaseURL)
				address := ""
				for until := time.Now().Add(20 * time.Second); address == ""; address = servingAt(out, log) {
					if time.Now().After(until) {
						t.Fatalf("the log does not say that the server serves:\n%s", log)
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
				proxy.SetDown(true)
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
					t.Errorf("the log has no line of the driver, so this test proves nothing:\n%s", log)
				}
			})
		}
	}
}
