package main_test

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-passport/passport/console"
)

// terminal is a pseudo terminal: the test is the person in front of it.
type terminal struct {
	t      *testing.T
	person *os.File // what the person types, and what the terminal echoes
	stdin  *os.File
	screen *output // what the command prints
	echoed *output
	status chan int
}

// atTerminal runs a command in front of a person.
func atTerminal(t *testing.T, args ...string) *terminal {
	t.Helper()
	return atTerminalOf(t, console.Options{Env: []string{}}, args...)
}

// atTerminalOf runs a command of an application's own in front of a person.
func atTerminalOf(t *testing.T, o console.Options, args ...string) *terminal {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetUint32(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	stdin, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	term := &terminal{t, person, stdin, new(output), new(output), make(chan int, 1)}
	t.Cleanup(func() { stdin.Close(); person.Close() })
	go func() {
		for r := bufio.NewReader(person); ; {
			b, err := r.ReadByte()
			if err != nil {
				return
			}
			_, _ = term.echoed.Write([]byte{b})
		}
	}()
	go func() { term.status <- runCommand(t.Context(), o, stdin, term.screen, term.screen, args...) }()
	return term
}

// answer waits for a question and types the answer.
func (term *terminal) answer(question, answer string) {
	term.t.Helper()
	for range 500 {
		if strings.HasSuffix(term.screen.String(), question+": ") {
			time.Sleep(20 * time.Millisecond) // until echo is off, where it is to be
			if _, err := term.person.WriteString(answer + "\n"); err != nil {
				term.t.Fatal(err)
			}
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	term.t.Fatalf("the question %q does not come:\n%s", question, term.screen)
}

func (term *terminal) end(want int) string {
	term.t.Helper()
	select {
	case status := <-term.status:
		if status != want {
			term.t.Errorf("status %d, want %d:\n%s", status, want, term.screen)
		}
	case <-time.After(15 * time.Second):
		term.t.Fatalf("the command does not end:\n%s", term.screen)
	}
	return term.screen.String()
}

func TestTerminal_C7_PasswordIsNotShown(t *testing.T) {
	t.Chdir(t.TempDir())
	command(t, "", "migrate")
	term := atTerminal(t, "user", "create")
	term.answer("E-mail address", "ada@example.com")
	term.answer("Name (optional)", "Ada")
	term.answer("Password", "canary-horse")
	term.answer("The same again", "canary-horse")
	screen := term.end(0)
	if strings.Contains(screen, "canary") || strings.Contains(term.echoed.String(), "canary") {
		t.Errorf("the password was shown:\n%s\n%s", screen, term.echoed)
	}
	if !strings.Contains(term.echoed.String(), "ada@example.com") {
		t.Error("the terminal did not echo what may be seen, so that this test proves nothing")
	}
}

func TestTerminal_PasswordsThatDiffer(t *testing.T) {
	t.Chdir(t.TempDir())
	command(t, "", "migrate")
	term := atTerminal(t, "user", "create", "--email", "ada@example.com", "--name", "Ada")
	term.answer("Password", "correct-horse")
	term.answer("The same again", "correct-house")
	if screen := term.end(1); !strings.Contains(screen, "the two passwords differ: run the command again") {
		t.Errorf("the command printed\n%s", screen)
	}
}
