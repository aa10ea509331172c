package console

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/go-passport/passport/internal/safeurl"
)

// asker asks a person for what the command line did not say. Where nobody is
// there to answer, a script or a pipe, it names the missing option instead.
type asker struct {
	cmd   *cobra.Command
	input *bufio.Reader
	fd    int
	tty   bool
}

func ask(cmd *cobra.Command) *asker {
	a := &asker{cmd: cmd, input: bufio.NewReader(cmd.InOrStdin())}
	if f, ok := cmd.InOrStdin().(*os.File); ok {
		a.fd = int(f.Fd())
		a.tty = term.IsTerminal(a.fd)
	}
	return a
}

// missing says which option would have answered a question.
func (a *asker) missing(option string) error {
	return usage(a.cmd, fmt.Errorf("%s is missing, and there is no terminal to ask on", option))
}

// question is what a person is asked for when an option is empty.
type question struct {
	text, option string
	optional     bool
	choices      []string // nothing else will do

	// fallback is what an empty answer means. Where there is no terminal it is
	// taken too, unless it is but a suggestion.
	fallback   string
	suggestion bool
}

// fill asks for a value that an option left empty, until there is one unless
// it is optional.
func (a *asker) fill(value *string, text, option string, optional bool) error {
	return a.answer(value, question{text: text, option: option, optional: optional})
}

// answer fills in a value that an option left empty.
func (a *asker) answer(value *string, q question) error {
	switch {
	case *value != "":
		return a.allowed(*value, q)
	case a.tty:
		return a.prompt(value, q)
	case q.fallback != "" && !q.suggestion:
		*value = q.fallback
	case !q.optional:
		return a.missing(q.option)
	}
	return nil
}

// allowed refuses a value that is none of the choices.
func (a *asker) allowed(value string, q question) error {
	if q.choices == nil || slices.Contains(q.choices, value) {
		return nil
	}
	return usage(a.cmd, fmt.Errorf("%s is %q: want %s", q.option, safeurl.Text(value), strings.Join(q.choices, " or ")))
}

// confirm asks whether to go on. Any answer but yes is an error.
func (a *asker) confirm(text string) error {
	answer := ""
	if err := a.prompt(&answer, question{text: text, choices: []string{"yes", "no"}, fallback: "no"}); err != nil {
		return err
	}
	if answer != "yes" {
		return errors.New("nothing was changed")
	}
	return nil
}

// prompt asks until the answer will do.
func (a *asker) prompt(value *string, q question) error {
	for {
		fmt.Fprintf(a.cmd.ErrOrStderr(), "%s: ", q)
		line, err := a.input.ReadString('\n')
		answer := strings.TrimSpace(line)
		if answer == "" && err != nil {
			return errors.New("the input ended before the question was answered")
		}
		answer = cmp.Or(answer, q.fallback)
		if (answer != "" || q.optional) && a.allowed(answer, q) == nil {
			*value = answer
			return nil
		}
	}
}

// String is the question as it is asked.
func (q question) String() string {
	switch {
	case q.fallback != "" && q.choices != nil:
		return fmt.Sprintf("%s (%s) [%s]", q.text, strings.Join(q.choices, ", "), q.fallback)
	case q.fallback != "":
		return fmt.Sprintf("%s [%s]", q.text, q.fallback)
	case q.optional:
		return q.text + " (optional)"
	}
	return q.text
}

// newPassword asks for a password twice, without showing it.
func (a *asker) newPassword(option string) (string, error) {
	if !a.tty {
		return "", a.missing(option)
	}
	first, err := a.hidden("Password")
	if err != nil {
		return "", err
	}
	second, err := a.hidden("The same again")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", errors.New("the two passwords differ: run the command again")
	}
	return first, nil
}

// hidden reads a line without echo. A signal in the middle of it must not
// leave the terminal without echo.
func (a *asker) hidden(question string) (string, error) {
	state, err := term.GetState(a.fd)
	if err != nil {
		return "", fmt.Errorf("read the terminal's state: %w", err)
	}
	interrupted := make(chan os.Signal, 1)
	done := make(chan struct{})
	signal.Notify(interrupted, os.Interrupt)
	defer close(done)
	defer signal.Stop(interrupted)
	go func() {
		select {
		case <-interrupted:
			_ = term.Restore(a.fd, state)
			fmt.Fprintln(a.cmd.ErrOrStderr())
			os.Exit(130)
		case <-done:
		}
	}()
	fmt.Fprintf(a.cmd.ErrOrStderr(), "%s: ", question)
	password, err := term.ReadPassword(a.fd)
	fmt.Fprintln(a.cmd.ErrOrStderr())
	if err != nil {
		return "", errors.New("the input ended before the question was answered")
	}
	return string(password), nil
}

// maxPassword is how much of standard input is taken for a password.
const maxPassword = 4096

// passwordFrom reads a password from standard input, a pipe mostly; a line end
// after it does not belong to it.
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
		return "", errors.New("standard input holds no password")
	}
	return password, nil
}
