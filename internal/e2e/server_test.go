package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	startTimeout = 60 * time.Second
	stopTimeout  = 15 * time.Second
)

// A server is a running process of the binary.
type server struct {
	URL      string // the issuer
	dir      string // its working directory, which has storage/
	env      []string
	cmd      *exec.Cmd
	out, log *output
	canaries *canaries
	ended    chan struct{}
	err      error // of Wait, after ended is closed
	faulty   bool  // the test expects faults in the log
}

// startDemo starts the tour on a free port.
func startDemo(t *testing.T) *server {
	t.Helper()
	s := newServer(t)
	s.start(t, "serve", "--demo", "--listen", freeAddress(t))
	s.canaries.add("client_secret", s.demoSecret(t))
	return s
}

// demoSecret returns the secret of demo-service that the tour prints.
func (s *server) demoSecret(t *testing.T) string {
	t.Helper()
	found := regexp.MustCompile(`export SECRET=(\S+)`).FindStringSubmatch(s.out.String())
	if found == nil {
		t.Fatalf("the tour does not print the secret of demo-service:\n%s", s.out)
	}
	return found[1]
}

// The records that the tour creates and prints.
const (
	demoEmail    = "demo@example.com"
	demoPassword = "passport"
)

// startServer starts a server with settings of the form PASSPORT_…=value. It uses
// SQLite unless they set another database.
func startServer(t *testing.T, settings ...string) *server {
	t.Helper()
	s := newServer(t)
	s.env = append(s.env, settings...)
	s.start(t, "serve", "--listen", freeAddress(t))
	return s
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{dir: t.TempDir(), out: &output{}, log: &output{}, canaries: &canaries{}}
	// Ignore the developer's own settings.
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "PASSPORT_") {
			s.env = append(s.env, variable)
		}
	}
	s.env = append(s.env, "TMPDIR="+s.dir)
	return s
}

func (s *server) start(t *testing.T, args ...string) {
	t.Helper()
	s.run(t, args...)
	t.Cleanup(func() { s.stop(t) })
	s.awaitReady(t)
}

// run starts the process.
func (s *server) run(t *testing.T, args ...string) {
	t.Helper()
	s.cmd = exec.Command(binary, args...)
	s.cmd.Dir, s.cmd.Env, s.cmd.Stdout, s.cmd.Stderr = s.dir, s.env, s.out, s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.URL = "http://" + args[len(args)-1]
	s.ended = make(chan struct{})
	go func() {
		s.err = s.cmd.Wait()
		close(s.ended)
	}()
}

func (s *server) awaitReady(t *testing.T) {
	t.Helper()
	deadline := time.After(startTimeout)
	for {
		res, err := http.Get(s.URL + "/.well-known/oauth-authorization-server")
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-s.ended:
			t.Fatalf("the server ended before it was ready: %v\n%s%s", s.err, s.out, s.log)
		case <-deadline:
			t.Fatalf("the server is not ready after %v\n%s%s", startTimeout, s.out, s.log)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// stop interrupts the server, as Ctrl-C does, and checks its exit and its log.
func (s *server) stop(t *testing.T) {
	t.Helper()
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	select {
	case <-s.ended:
	case <-time.After(stopTimeout):
		_ = s.cmd.Process.Signal(syscall.SIGQUIT)
		<-s.ended
		t.Errorf("the server did not stop within %v of an interrupt:\n%s", stopTimeout, s.log)
		return
	}
	if s.err != nil {
		t.Errorf("after an interrupt the server ended with %v, want exit status 0\n%s", s.err, s.log)
	}
	s.canaries.check(t, "the server's log", s.log.String())
	if log := s.log.String(); !s.faulty && (strings.Contains(log, "level=ERROR") || strings.Contains(log, "panic")) {
		t.Errorf("the log has a fault:\n%s", log)
	}
	if t.Failed() {
		t.Logf("the server's log:\n%s", s.log)
	}
}

// command runs another command of the binary on the server's database.
func (s *server) command(t *testing.T, input string, args ...string) []byte {
	t.Helper()
	out, err := s.try(t, input, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// try runs a command that may fail.
func (s *server) try(t *testing.T, input string, args ...string) ([]byte, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir, cmd.Stdin = s.dir, strings.NewReader(input)
	cmd.Env = append(s.env, "PASSPORT_ISSUER="+s.URL)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("passport %s: %w\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return out, nil
}

// A registered client, as `passport client --json` prints it.
type client struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret"`
}

// client registers a client.
func (s *server) client(t *testing.T, options ...string) client {
	t.Helper()
	var c client
	if err := json.Unmarshal(s.command(t, "", append([]string{"client", "--json"}, options...)...), &c); err != nil || c.ID == "" {
		t.Fatalf("passport client --json: %v", err)
	}
	s.canaries.add("client_secret", c.Secret)
	return c
}

// user creates an account with [userPassword].
func (s *server) user(t *testing.T, email, name string) {
	t.Helper()
	s.canaries.add("password", userPassword)
	s.command(t, userPassword+"\n", "user", "create", "--email", email, "--name", name, "--password-stdin")
}

const userPassword = "correct-horse-battery"

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// output collects the output of a process. It can be read at any time.
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
