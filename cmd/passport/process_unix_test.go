//go:build unix

package main_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	binary "github.com/go-passport/passport/cmd/passport"
	"github.com/go-passport/passport/console"
)

// TestMain runs a command in its own process when a test asks for it.
func TestMain(m *testing.M) {
	if os.Getenv("PASSPORT_TEST_AS_COMMAND") == "1" {
		if os.Getenv("PASSPORT_TEST_AS_NOBODY") == "1" && os.Geteuid() == 0 {
			if err := syscall.Setuid(65534); err != nil {
				panic(err)
			}
		}
		os.Exit(console.Run(context.Background(), console.New(binary.Options())))
	}
	os.Exit(m.Run())
}

// process starts the binary in its own folder.
func process(t *testing.T, args ...string) (cmd *exec.Cmd, out, log *output) {
	t.Helper()
	return processIn(t, t.TempDir(), args...)
}

// processIn starts the binary in a folder.
func processIn(t *testing.T, folder string, args ...string) (cmd *exec.Cmd, out, log *output) {
	t.Helper()
	cmd = exec.Command(os.Args[0], args...)
	out, log = new(output), new(output)
	cmd.Dir = folder
	cmd.Stdout, cmd.Stderr = out, log
	cmd.Env = append(os.Environ(), "PASSPORT_TEST_AS_COMMAND=1", "TMPDIR="+cmd.Dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd, out, log
}

func awaitExit(t *testing.T, cmd *exec.Cmd) error {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-time.After(15 * time.Second):
		t.Fatal("the process did not end")
		return nil
	}
}

func TestProcess_SignalsStopItCleanly(t *testing.T) {
	for _, test := range []struct {
		name    string
		signals []os.Signal
	}{
		{"SIGINT", []os.Signal{os.Interrupt}},
		{"SIGTERM", []os.Signal{syscall.SIGTERM}},
		{"twice", []os.Signal{os.Interrupt, os.Interrupt}},
		{"both", []os.Signal{os.Interrupt, syscall.SIGTERM}},
	} {
		t.Run(test.name, func(t *testing.T) {
			cmd, out, log := process(t, "serve", "--demo", "--listen", "127.0.0.1:0")
			for range 1000 {
				if servingAt(out, log) != "" {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
			for _, signal := range test.signals {
				if err := cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
					t.Fatal(err)
				}
				time.Sleep(time.Millisecond)
			}
			if err := awaitExit(t, cmd); err != nil {
				t.Errorf("it ended with %v, want exit status 0:\n%s%s", err, out, log)
			}
			if entries, err := os.ReadDir(cmd.Dir); err != nil || len(entries) != 0 {
				t.Errorf("it left %v behind, %v", entries, err)
			}
		})
	}
}

func TestProcess_ExitStatus(t *testing.T) {
	for _, test := range []struct {
		args []string
		want int
	}{
		{[]string{"version"}, 0},
		{[]string{"serve", "--demo", "--listen", "0.0.0.0:8000"}, 1},
		{[]string{"sevre"}, 2},
	} {
		cmd, _, log := process(t, test.args...)
		_ = awaitExit(t, cmd)
		if got := cmd.ProcessState.ExitCode(); got != test.want {
			t.Errorf("passport %v ended with status %d, want %d:\n%s", test.args, got, test.want, log)
		}
		if strings.Contains(log.String(), "goroutine ") || strings.Contains(log.String(), "Usage:") {
			t.Errorf("passport %v prints a stack or its usage:\n%s", test.args, log)
		}
	}
}

// A stopping server responds to a token request whose body is still on its way.
func TestProcess_OP_04_NoLostAnswer(t *testing.T) {
	s, secret := startDemo(t)
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"demo-service"}, "client_secret": {secret}}.Encode()
	body, rest := io.Pipe()
	r, err := http.NewRequest(http.MethodPost, s.url+"/oauth/token", body)
	if err != nil {
		t.Fatal(err)
	}
	r.ContentLength = int64(len(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answers := make(chan string, 1)
	go func() {
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			answers <- err.Error()
			return
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		answers <- string(text)
	}()
	if _, err := io.WriteString(rest, form[:10]); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond) // until the server has read the head of the request
	s.interrupt()
	time.Sleep(100 * time.Millisecond) // until it has heard
	_, _ = io.WriteString(rest, form[10:])
	if got := <-answers; !strings.Contains(got, `"access_token"`) {
		t.Errorf("the client got %q, want its token", got)
	}
	s.stop(t)
}

// A command that waits for its database says so, and a signal ends it at once. For serve
// that is a clean stop. migrate and install fail, because they have not done their work.
func TestProcess_FR_51_StoppedWhileWaiting(t *testing.T) {
	for _, test := range []struct {
		args   []string
		signal os.Signal
		status int
		says   string
	}{
		{[]string{"serve", "--listen", "127.0.0.1:0", "--database-url", "postgres://u:wzgqvwk@127.0.0.1:1/db"}, syscall.SIGTERM, 0, `msg="stopped before the database responded"`},
		{[]string{"serve", "--listen", "127.0.0.1:0", "--database-url", "mysql://u:wzgqvwk@127.0.0.1:1/db"}, os.Interrupt, 0, `msg="stopped before the database responded"`},
		{[]string{"migrate", "--database-url", "mysql://u:wzgqvwk@127.0.0.1:1/db"}, os.Interrupt, 1, "stopped while waiting for it (dial tcp 127.0.0.1:1"},
		{[]string{"install", "--database-url", "postgres://u:wzgqvwk@127.0.0.1:1/db"}, syscall.SIGTERM, 1, "stopped while waiting for it ("},
	} {
		t.Run(strings.Join(test.args[:1], " "), func(t *testing.T) {
			t.Parallel()
			cmd, out, log := process(t, test.args...)
			deadline := time.Now().Add(10 * time.Second)
			for !strings.Contains(strings.ToLower(log.String()), "waiting for the database") {
				if time.Now().After(deadline) {
					t.Fatalf("%v does not say that it waits:\n%s%s", test.args, out, log)
				}
				time.Sleep(5 * time.Millisecond)
			}
			begun := time.Now()
			if err := cmd.Process.Signal(test.signal); err != nil {
				t.Fatal(err)
			}
			_ = awaitExit(t, cmd)
			if took := time.Since(begun); took > 4*time.Second {
				t.Errorf("%v ended %v after the signal, want at once", test.args, took)
			}
			said := strings.Split(strings.TrimSpace(log.String()), "\n")
			if got := cmd.ProcessState.ExitCode(); got != test.status || !strings.Contains(said[len(said)-1], test.says) {
				t.Errorf("%v ended with status %d and said last %q, want %d and %q", test.args, got, said[len(said)-1], test.status, test.says)
			}
			if text := out.String() + log.String(); strings.Contains(text, "wzgqvwk") || !strings.Contains(text, "refused") {
				t.Errorf("%v shows the password, or doesn't show what it waits for:\n%s", test.args, text)
			}
		})
	}
}

// The other commands don't wait.
func TestProcess_FR_51_OtherCommandsTryOnce(t *testing.T) {
	for _, args := range []string{"user list", "client list", "purge"} {
		cmd, _, log := process(t, append(strings.Fields(args), "--database-url", "postgres://u@127.0.0.1:1/db")...)
		_ = awaitExit(t, cmd)
		if got := cmd.ProcessState.ExitCode(); got != 1 || !strings.Contains(log.String(), "doesn't respond") || strings.Contains(log.String(), "Waiting") {
			t.Errorf("%s ended with status %d, want 1 and that the database does not respond:\n%s", args, got, log)
		}
	}
}

// A second signal ends the delay before a server stops. The server still stops cleanly.
func TestProcess_OP_04_SecondSignalEndsTheDelay(t *testing.T) {
	t.Setenv("PASSPORT_DRAIN_DELAY", "5m")
	for _, signals := range [][]os.Signal{{syscall.SIGTERM, syscall.SIGTERM}, {syscall.SIGTERM, os.Interrupt}} {
		cmd, out, log := process(t, "serve", "--listen", "127.0.0.1:0")
		await := func(word string) {
			t.Helper()
			for deadline := time.Now().Add(15 * time.Second); !strings.Contains(log.String(), word); time.Sleep(5 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("the log has no %q:\n%s%s", word, out, log)
				}
			}
		}
		for i, word := range []string{"msg=serving", "delay=5m"} {
			await(word)
			if err := cmd.Process.Signal(signals[i]); err != nil {
				t.Fatal(err)
			}
		}
		if err := awaitExit(t, cmd); err != nil {
			t.Errorf("a server that got %v during its delay ended with %v, want exit status 0:\n%s", signals, err, log)
		}
		await(`msg=stopped`)
	}
}
