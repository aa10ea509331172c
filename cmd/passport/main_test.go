package main_test

import (
	"bytes"
	"context"
	"flag"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/go-passport/passport/console"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// output is what a command writes, readable while it runs.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// passport runs a command line to its end.
func passport(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer, env []string, args ...string) int {
	cmd := console.New(console.Options{Env: append([]string{}, env...), Version: "v0.0.0-test"})
	cmd.SetIn(stdin)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	cmd.SetArgs(args)
	return console.Run(ctx, cmd)
}

// server is `passport serve`, running in this process.
type server struct {
	url         string
	out, log    *output
	interrupt   context.CancelFunc
	ended       chan int // the exit status
	interrupted bool
}

// start runs a server on a free port and waits until it answers. At the end of
// the test it is interrupted, and has to end well.
func start(t *testing.T, env []string, args ...string) *server {
	t.Helper()
	address := freeAddress(t)
	ctx, cancel := context.WithCancel(context.Background())
	s := &server{"http://" + address, new(output), new(output), cancel, make(chan int, 1), false}
	go func() {
		s.ended <- passport(ctx, strings.NewReader(""), s.out, s.log, env, append(args, "--listen", address)...)
	}()
	t.Cleanup(func() { s.stop(t) })
	for range 600 {
		select {
		case status := <-s.ended:
			s.interrupted = true
			t.Fatalf("the server ended with status %d:\n%s%s", status, s.out, s.log)
		case <-time.After(20 * time.Millisecond):
		}
		if answer, err := http.Get(s.url + "/.well-known/oauth-authorization-server"); err == nil {
			answer.Body.Close()
			return s
		}
	}
	t.Fatalf("the server does not answer:\n%s%s", s.out, s.log)
	return nil
}

// stop interrupts the server, if that was not done yet.
func (s *server) stop(t *testing.T) {
	t.Helper()
	if s.interrupted {
		return
	}
	s.interrupted = true
	s.interrupt()
	select {
	case status := <-s.ended:
		if status != 0 {
			t.Errorf("interrupted, the server ended with status %d, want 0:\n%s", status, s.log)
		}
	case <-time.After(15 * time.Second):
		t.Error("the server did not stop")
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
