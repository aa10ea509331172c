package console

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"golang.org/x/term"

	"github.com/go-passport/passport/account"
)

// password reads a new password: from standard input if fromStdin is set, otherwise
// from the terminal.
func (a *asker) password(fromStdin bool) (string, error) {
	switch {
	case fromStdin:
		return passwordFrom(a.input)
	case !a.tty:
		return "", a.missing("--password-stdin")
	}
	return a.newPassword()
}

// newPassword asks for a password twice and doesn't show it. It checks the rules
// before it asks again.
func (a *asker) newPassword() (string, error) {
	for {
		first, err := a.hidden(fmt.Sprintf("Password (%d characters or more)", account.MinPasswordLength))
		if err != nil {
			return "", err
		}
		if err := account.CheckPassword(first); err != nil {
			a.complain(err)
			continue
		}
		second, err := a.hidden("Confirm password")
		if err != nil {
			return "", err
		}
		if first == second {
			return first, nil
		}
		a.complain(errors.New("the passwords differ"))
	}
}

// hidden reads a line without echo. Ctrl-C and signals must not leave the terminal in
// this mode.
func (a *asker) hidden(question string) (string, error) {
	state, err := term.MakeRaw(a.fd)
	if err != nil {
		return "", fmt.Errorf("turn off the echo of the terminal: %w", err)
	}
	restore := func() {
		_ = term.Restore(a.fd, state)
		fmt.Fprintln(a.cmd.ErrOrStderr())
	}
	defer onSignal(func() { restore(); os.Exit(interrupted) })()
	screenOf(a.cmd.ErrOrStderr()).Printf("%s: ", bold(question))
	if a.keys == nil {
		a.keys = &keystrokes{in: a.cmd.InOrStdin()}
		a.keys.terminal = term.NewTerminal(a.keys, "")
	}
	password, err := a.keys.terminal.ReadPassword("")
	restore()
	switch {
	case a.keys.interrupted:
		os.Exit(interrupted)
	case err != nil:
		return "", errInputEnded
	}
	return password, nil
}

// interrupted is the exit status after Ctrl-C.
const interrupted = 130

// onSignal runs do at the first signal that ends the command, until stop is called.
func onSignal(do func()) (stop func()) {
	signals, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
			do()
		case <-done:
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}

// keystrokes are what the user types without echo. A terminal edits them.
type keystrokes struct {
	in          io.Reader
	terminal    *term.Terminal
	interrupted bool // by Ctrl-C
}

// Read implements [io.Reader].
func (k *keystrokes) Read(p []byte) (int, error) {
	const ctrlC = 3
	n, err := k.in.Read(p)
	k.interrupted = k.interrupted || bytes.IndexByte(p[:n], ctrlC) >= 0
	return n, err
}

// Write implements [io.Writer]. It drops the edited line, which is the password.
func (k *keystrokes) Write(p []byte) (int, error) { return len(p), nil }

// maxPassword is the maximum number of bytes of a password on standard input.
const maxPassword = 4096

// passwordFrom reads a password from standard input, which is mostly a pipe. A line
// end after the password is not part of it.
func passwordFrom(r io.Reader) (string, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxPassword+1))
	if err != nil {
		return "", fmt.Errorf("read the password from standard input: %w", err)
	}
	if len(data) > maxPassword {
		return "", fmt.Errorf("the password on standard input is longer than %d bytes", maxPassword)
	}
	password := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if password == "" {
		return "", errors.New("no password on standard input")
	}
	return password, nil
}
