package main_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-passport/passport/console"
)

// stopper is a database that calls stop at its nth statement.
type stopper struct {
	base driver.Driver
	dsn  string
	left atomic.Int64
	stop func()
}

// Connect implements [driver.Connector].
func (s *stopper) Connect(context.Context) (driver.Conn, error) {
	conn, err := s.base.Open(s.dsn)
	return &stopperConn{conn, s}, err
}

// Driver implements [driver.Connector].
func (s *stopper) Driver() driver.Driver { return s.base }

type stopperConn struct {
	driver.Conn
	s *stopper
}

// Prepare implements [driver.Conn].
func (c *stopperConn) Prepare(q string) (driver.Stmt, error) {
	if c.s.left.Add(-1) == 0 {
		c.s.stop()
	}
	return c.Conn.Prepare(q)
}

// A signal may come at any statement of the start. The server then stops, and reports no
// fault of its settings.
func TestServe_FR_51_StoppedDuringTheStart(t *testing.T) {
	for _, args := range []string{"serve", "serve --demo"} {
		for _, n := range []int64{1, 2, 3, 10, 30, 50} {
			t.Chdir(t.TempDir())
			ctx, stop := context.WithCancel(t.Context())
			log, out := new(output), new(output)
			database := func(name, dsn string) (*sql.DB, error) {
				db, err := sql.Open(name, dsn)
				if err != nil {
					return nil, err
				}
				defer db.Close()
				s := &stopper{base: db.Driver(), dsn: dsn, stop: stop}
				s.left.Store(n)
				return sql.OpenDB(s), nil
			}
			ended := make(chan int, 1)
			go func() {
				ended <- runCommand(ctx, console.Options{Env: []string{}, Open: database}, strings.NewReader(""), out, log,
					append(strings.Fields(args), "--listen", "127.0.0.1:0")...)
			}()
			select {
			case status := <-ended:
				if status != 0 || strings.Contains(log.String(), "database_url") || args == "serve" && !strings.Contains(log.String(), "msg=\"stopped before the server was ready\"") {
					t.Errorf("%s stopped at statement %d ended with status %d, want 0 and that it stopped:\n%s", args, n, status, log)
				}
			case <-time.After(20 * time.Second):
				t.Fatalf("%s stopped at statement %d goes on:\n%s", args, n, log)
			}
			stop()
		}
	}
}
