package e2e_test

import (
	"bufio"
	"debug/elf"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// The binary is static: it needs no shared libraries.
func TestE2E_BinaryIsStatic(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has binaries without shared libraries")
	}
	f, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if libraries, _ := f.ImportedLibraries(); len(libraries) > 0 {
		t.Errorf("the binary needs %v", libraries)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the binary needs a dynamic linker")
		}
	}
}

// After an interrupt the server finishes requests that have begun, so a rotated
// token reaches its client (OP-04).
func TestE2E_OP_04_InterruptFinishesRequests(t *testing.T) {
	s := startDemo(t)
	address := strings.TrimPrefix(s.URL, "http://")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const body = "grant_type=client_credentials"
	basic := base64.StdEncoding.EncodeToString([]byte("demo-service:" + s.demoSecret(t)))
	fmt.Fprintf(conn, "POST /oauth/token HTTP/1.1\r\nHost: %s\r\nAuthorization: Basic %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		address, basic, len(body), body[:10])
	time.Sleep(300 * time.Millisecond) // the server has begun to read the request

	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	awaitRefusal(t, address)
	fmt.Fprint(conn, body[10:])
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("the request was cut off: %v", err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || !strings.Contains(string(text), "access_token") {
		t.Errorf("response to the unfinished request = %d %q (%v), want a token", res.StatusCode, text, err)
	}
	s.canaries.tokens(text)
	select {
	case <-s.ended:
	case <-time.After(5 * time.Second):
		t.Error("the server still runs 5 s after its last request")
	}
}

// awaitRefusal waits until the server no longer accepts connections.
func awaitRefusal(t *testing.T, address string) {
	t.Helper()
	for range 100 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return
		}
		conn.Close()
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("the server still accepts connections 2 s after an interrupt")
}

// The tour leaves no files after an interrupt.
func TestE2E_DemoLeavesNothing(t *testing.T) {
	s := startDemo(t)
	s.stop(t)
	left, err := os.ReadDir(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range left {
		t.Errorf("the tour left %s behind", entry.Name())
	}
}

// A command that cannot start prints one sentence with the remedy and exits with
// status 1.
func TestE2E_RefusesToStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	garbage := filepath.Join(t.TempDir(), "garbage.sqlite")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("this isn't a database ", 200)), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		args []string
		want []string // in the output
	}{
		{"port in use", []string{"serve", "--listen", taken.Addr().String()}, []string{taken.Addr().String(), "in use", "--listen"}},
		{"port in use by the tour", []string{"serve", "--demo", "--listen", taken.Addr().String()}, []string{taken.Addr().String(), "in use", "--listen"}},
		{"tour on a public address", []string{"serve", "--demo", "--listen", "0.0.0.0:0"}, []string{"loopback", "0.0.0.0:0"}},
		{"tour on all addresses", []string{"serve", "--demo", "--listen", ":0"}, []string{"loopback"}},
		{"unreadable database", []string{"serve", "--listen", freeAddress(t), "--database-url", "sqlite:" + garbage}, []string{garbage, "not an SQLite database", "name another file"}},
		{"database is a folder", []string{"serve", "--listen", freeAddress(t), "--database-url", "sqlite:" + t.TempDir()}, []string{"database", "can't open"}},
		{"unreachable PostgreSQL", []string{"user", "list", "--database-url", "postgres://passport:a-secret-word@" + freeAddress(t) + "/passport"}, []string{"database", "refused"}},
		{"unreachable MariaDB", []string{"user", "list", "--database-url", "mysql://passport:a-secret-word@" + freeAddress(t) + "/passport"}, []string{"database", "refused"}},
		{"unknown kind of database", []string{"serve", "--listen", freeAddress(t), "--database-url", "oracle://x/y"}, []string{"sqlite:", "postgres://", "mysql://"}},
		{"no issuer", []string{"serve", "--listen", "0.0.0.0:0"}, []string{"issuer", "https://"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			status, said := refuse(t, test.args...)
			if status != 1 {
				t.Errorf("exit status %d, want 1", status)
			}
			for _, want := range test.want {
				if !strings.Contains(said, want) {
					t.Errorf("the output is %q, want %q in it", said, want)
				}
			}
			if strings.Contains(said, "a-secret-word") || strings.Contains(said, "goroutine") {
				t.Errorf("the output has a password or a stack trace: %q", said)
			}
			if n := len(strings.Split(strings.TrimSpace(said), "\n")); n != 1 {
				t.Errorf("the output has %d lines, want one sentence:\n%s", n, said)
			}
		})
	}
}

// refuse runs a command that must fail, and returns its status and its output
// without the log.
func refuse(t *testing.T, args ...string) (status int, said string) {
	t.Helper()
	s := newServer(t)
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.dir, s.env, io.Discard, s.log
	begin := time.Now()
	_ = cmd.Run() // the test checks the status
	if d := time.Since(begin); d > 20*time.Second {
		t.Errorf("the command took %v to fail", d)
	}
	for line := range strings.Lines(s.log.String()) {
		if !strings.HasPrefix(line, "time=") {
			said += line
		}
	}
	return cmd.ProcessState.ExitCode(), said
}
