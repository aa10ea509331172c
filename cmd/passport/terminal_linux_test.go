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

// terminal is a pseudo-terminal. The test is the user.
type terminal struct {
	t      *testing.T
	person *os.File // what the person types, and what the terminal echoes
	stdin  *os.File
	screen *output // what the command prints
	echoed *output
	status chan int
}

// atTerminal runs a command on a terminal.
func atTerminal(t *testing.T, args ...string) *terminal {
	t.Helper()
	return atTerminalOf(t, console.Options{Env: []string{}}, args...)
}

// atTerminalOf runs a command with the given options on a terminal.
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

// answer waits for a question and types the response.
func (term *terminal) answer(question, response string) {
	term.t.Helper()
	term.await(question + ": ")
	if _, err := term.person.WriteString(response + "\n"); err != nil {
		term.t.Fatal(err)
	}
}

// await waits until the screen ends with a text.
func (term *terminal) await(text string) {
	term.t.Helper()
	for range 500 {
		if strings.HasSuffix(term.screen.String(), text) {
			time.Sleep(20 * time.Millisecond) // until the echo is off, for a password
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	term.t.Fatalf("the screen does not end with %q:\n%s", text, term.screen)
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

// hangUp ends the input, as Ctrl-D does.
func (term *terminal) hangUp() {
	term.t.Helper()
	term.await(": ")
	if _, err := term.person.WriteString("\x04"); err != nil {
		term.t.Fatal(err)
	}
}

func TestTerminal_C7_PasswordIsNotShown(t *testing.T) {
	t.Chdir(t.TempDir())
	command(t, "", "migrate")
	term := atTerminal(t, "user", "create")
	term.answer("Email", "ada@example.com")
	term.answer("Name (optional)", "Ada")
	term.answer("Password (8 characters or more)", "canary-horse")
	term.answer("Confirm password", "canary-horse")
	screen := term.end(0)
	if strings.Contains(screen, "canary") || strings.Contains(term.echoed.String(), "canary") {
		t.Errorf("the password was shown:\n%s\n%s", screen, term.echoed)
	}
	if !strings.Contains(term.echoed.String(), "ada@example.com") {
		t.Error("the terminal did not echo the email address, so this test proves nothing")
	}
	if !strings.Contains(screen, "Created account ada@example.com (") {
		t.Errorf("the command printed\n%s", screen)
	}
}

// Each response is checked at once: the email address and the rules of a password before
// the next question.
func TestTerminal_PG_11_UserAsksAgain(t *testing.T) {
	t.Chdir(t.TempDir())
	command(t, "", "migrate")
	command(t, "correct-horse", "user", "create", "--email", "ada@example.com", "--password-stdin")
	term := atTerminal(t, "user", "create")
	term.answer("Email", "foo")
	term.answer("\"foo\" is not an email address: write it like ada@example.com.\nEmail", "Ada@example.com")
	term.answer("exists: see `passport user list`.\nEmail", "grace@example.com")
	term.answer("Name (optional)", strings.Repeat("x", 101))
	term.answer("  The name is too long: use at most 100 characters.\nName (optional)", "")
	term.answer("Password (8 characters or more)", "short")
	term.answer("  The password is too short: use at least 8 characters.\nPassword (8 characters or more)", "correct-horse")
	term.answer("Confirm password", "correct-house")
	term.answer("  The passwords differ.\nPassword (8 characters or more)", "correct-horse")
	term.answer("Confirm password", "correct-horse")
	term.end(0)

	for _, args := range [][]string{{"--email", "foo"}, {"--email", "ada@example.com"}, {"--name", strings.Repeat("x", 101), "--email", "b@example.com"}} {
		if screen := atTerminal(t, append([]string{"user", "create"}, args...)...).end(1); strings.Contains(screen, "Password") {
			t.Errorf("user create %s asks for a password:\n%s", args, screen)
		}
	}
}

// On a terminal, `user set-password` asks twice, and doesn't show the password.
func TestTerminal_PG_04_SetPassword(t *testing.T) {
	t.Chdir(t.TempDir())
	command(t, "", "migrate")
	command(t, "correct-horse", "user", "create", "--email", "ada@example.com", "--password-stdin")
	term := atTerminal(t, "user", "set-password", "ada@example.com")
	term.answer("Password (8 characters or more)", "short")
	term.answer("  The password is too short: use at least 8 characters.\nPassword (8 characters or more)", "canary-horse")
	term.answer("Confirm password", "canary-horse")
	screen := term.end(0)
	if strings.Contains(screen, "canary") || strings.Contains(term.echoed.String(), "canary") {
		t.Errorf("the password was shown:\n%s\n%s", screen, term.echoed)
	}
	if !strings.Contains(screen, "Changed the password of ada@example.com.") {
		t.Errorf("the command printed\n%s", screen)
	}
	if screen := atTerminal(t, "user", "set-password", "unknown@example.com").end(1); strings.Contains(screen, "Password") {
		t.Errorf("the command asks for the password of an unknown account:\n%s", screen)
	}
}

func TestTerminal_PG_11_UserEndOfInput(t *testing.T) {
	t.Chdir(t.TempDir())
	command(t, "", "migrate")
	term := atTerminal(t, "user", "create", "--email", "ada@example.com", "--name", "Ada")
	term.hangUp()
	if screen := term.end(1); !strings.HasSuffix(screen, "the input ended: nothing was changed\n") {
		t.Errorf("after the end of the input the command printed\n%s", screen)
	}
}
