package console

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/go-passport/passport/internal/safeurl"
)

// asker asks the user for what the command line leaves open. Without a terminal it
// names the missing option instead. Questions go to standard error, so that standard
// output has only the result.
type asker struct {
	cmd   *cobra.Command
	input *bufio.Reader
	fd    int
	tty   bool
	keys  *keystrokes // of passwords; nil before the first
}

func ask(cmd *cobra.Command) *asker {
	a := &asker{cmd: cmd, input: bufio.NewReader(cmd.InOrStdin())}
	if f, ok := cmd.InOrStdin().(*os.File); ok {
		a.fd = int(f.Fd())
		a.tty = term.IsTerminal(a.fd)
	}
	return a
}

// missing names the option to use where there is no terminal.
func (a *asker) missing(option string) error {
	return usage(a.cmd, fmt.Errorf("not a terminal: pass %s", option))
}

// question asks for the value of an option that is empty.
type question struct {
	text, option string
	optional     bool
	choices      []string           // the only valid responses, if any
	check        func(string) error // what is wrong with a response, or nil

	// fallback is the meaning of an empty response. It is also the value if there is
	// no terminal.
	fallback string
}

// fill sets a value that an option left empty. It checks one that was given.
func (a *asker) fill(value *string, q question) error {
	switch {
	case *value != "":
		return a.given(*value, q)
	case a.tty:
		return a.prompt(value, q)
	case q.fallback != "":
		*value = q.fallback
	case !q.optional:
		return a.missing(q.option)
	}
	return nil
}

// given checks the value of an option.
func (a *asker) given(value string, q question) error {
	if q.choices != nil && !slices.Contains(q.choices, value) {
		return usage(a.cmd, fmt.Errorf("%s %q: want %s", q.option, safeurl.Text(value), strings.Join(q.choices, " or ")))
	}
	if q.check == nil {
		return nil
	}
	return q.check(value)
}

// errInputEnded means that the user ended the input (Ctrl-D), or that the terminal is
// gone.
var errInputEnded = errors.New("the input ended: nothing was changed")

// errEmpty is the fault of an empty response.
var errEmpty = errors.New("enter a value, or press Ctrl-C to stop")

// prompt asks until a response is valid, and says why one isn't.
func (a *asker) prompt(value *string, q question) error {
	for {
		response, err := a.line(q.String())
		if err != nil {
			return err
		}
		response = cmp.Or(response, q.fallback)
		if err := q.refuse(response); err != nil {
			a.complain(err)
			continue
		}
		*value = response
		return nil
	}
}

// refuse returns what is wrong with a response.
func (q question) refuse(response string) error {
	switch {
	case response == "" && q.optional:
		return nil
	case response == "":
		return errEmpty
	case q.choices != nil && !slices.Contains(q.choices, response):
		return errors.New("want " + strings.Join(q.choices, " or "))
	case q.check != nil:
		return q.check(response)
	}
	return nil
}

// complain prints why a response is refused, as sentences.
func (a *asker) complain(err error) {
	for _, fault := range faults(err) {
		screenOf(a.cmd.ErrOrStderr()).Printf("  %s\n", red(sentence(fault)))
	}
}

// sentence returns an error as a sentence: with a capital letter and a full stop.
func sentence(fault string) string {
	first, size := utf8.DecodeRuneInString(fault)
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(fault[size:], ".") + "."
}

// line asks once, and returns what the user typed without the spaces around it.
func (a *asker) line(text string) (string, error) {
	screenOf(a.cmd.ErrOrStderr()).Printf("%s: ", bold(text))
	line, err := a.input.ReadString('\n')
	response := strings.TrimSpace(line)
	if response == "" && err != nil {
		fmt.Fprintln(a.cmd.ErrOrStderr())
		return "", errInputEnded
	}
	return response, nil
}

func (q question) String() string {
	text := q.text
	if q.choices != nil {
		text += " (" + strings.Join(q.choices, ", ") + ")"
	}
	switch {
	case q.fallback != "":
		return fmt.Sprintf("%s [%s]", text, q.fallback)
	case q.optional:
		return text + " (optional)"
	}
	return text
}
