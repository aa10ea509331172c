package main_test

import (
	"bytes"
	"context"
	"flag"
	"io"
	"os"
	"regexp"
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

// output is the output of a command, readable while it runs.
type output struct {
	mu     sync.Mutex
	b      bytes.Buffer
	writes []string
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writes = append(o.writes, string(p))
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// passport runs a command line to its end.
func passport(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer, env []string, args ...string) int {
	return runCommand(ctx, console.Options{Env: append([]string{}, env...), Version: "v0.0.0-test"}, stdin, stdout, stderr, args...)
}

// runCommand runs a command line with the given options to its end.
func runCommand(ctx context.Context, o console.Options, stdin io.Reader, stdout, stderr io.Writer, args ...string) int {
	cmd := console.New(o)
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

// start runs a server on a free port and waits until it serves. The end of the test
// interrupts it, and it must end with status 0.
func start(t *testing.T, env []string, args ...string) *server {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &server{"", new(output), new(output), cancel, make(chan int, 1), false}
	go func() {
		s.ended <- passport(ctx, strings.NewReader(""), s.out, s.log, env, append(args, "--listen", "127.0.0.1:0")...)
	}()
	t.Cleanup(func() { s.stop(t) })
	for range 1000 {
		if s.url = servingAt(s.out, s.log); s.url != "" {
			return s
		}
		select {
		case status := <-s.ended:
			s.interrupted = true
			t.Fatalf("the server ended with status %d:\n%s%s", status, s.out, s.log)
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Fatalf("the output does not say that the server serves:\n%s%s", s.out, s.log)
	return nil
}

var address = regexp.MustCompile(`msg"?[=:]"?serving.*address"?[=:]"?(127\.0\.0\.1:\d+)|Passport is running at http://(\S+)`)

// servingAt returns the URL in the output of a server, or "".
func servingAt(out, log *output) string {
	found := address.FindStringSubmatch(out.String() + log.String())
	if found == nil {
		return ""
	}
	return "http://" + found[1] + found[2]
}

// stop interrupts the server, unless it was interrupted before.
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

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
