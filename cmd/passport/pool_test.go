package main_test

import (
	"context"
	"database/sql"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport/console"
)

// The pool keeps a connection for later requests, because opening another one costs
// more than most requests. It never reaches the limit of the database.
func TestPool_KeepsConnections(t *testing.T) {
	var db *sql.DB
	cmd := console.New(console.Options{Env: []string{}, Open: func(driver, dsn string) (_ *sql.DB, err error) {
		db, err = sql.Open(driver, dsn)
		return db, err
	}})
	dir := t.TempDir()
	cmd.SetArgs([]string{"serve", "--listen", "127.0.0.1:0", "--database-url", "sqlite:" + filepath.Join(dir, "app.sqlite")})
	t.Chdir(dir)
	log := new(output)
	cmd.SetOut(io.Discard)
	cmd.SetErr(log)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int)
	go func() { ended <- console.Run(ctx, cmd) }()
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(log.String(), "msg=serving"); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the server does not start:\n%s", log)
		}
	}
	const atOnce = 6
	conns := make([]*sql.Conn, atOnce)
	for i := range conns {
		var err error
		if conns[i], err = db.Conn(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, conn := range conns {
		conn.Close()
	}
	switch s := db.Stats(); {
	case s.OpenConnections < atOnce || s.MaxIdleClosed > 0:
		t.Errorf("the pool keeps %d of %d connections that were in use at once, want all", s.OpenConnections, atOnce)
	case s.MaxOpenConnections < atOnce || s.MaxOpenConnections > 50:
		t.Errorf("the pool opens up to %d connections, want a limit with which two nodes fit a database with 100", s.MaxOpenConnections)
	}
	stop()
	if status := <-ended; status != 0 {
		t.Errorf("serve ended with %d:\n%s", status, log)
	}
}
