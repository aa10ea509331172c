package console

import (
	"fmt"
	"io"
	"strings"

	"github.com/mattn/go-runewidth"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/go-passport/passport/internal/character"
)

// screen is where a command writes: standard output or standard error. It escapes
// control characters, because a name from a row of an older version must not steer the
// terminal. The escapes are those of JSON, so JSON keeps its values.
type screen struct {
	w       io.Writer
	colored bool
	columns int // the width of the terminal; 0 if the screen isn't one
	redraws bool
}

// defaultColumns is the width of a terminal that doesn't tell it.
const defaultColumns = 80

// newScreen returns the screen for a writer. It is a terminal if the writer is one.
func newScreen(w io.Writer, color *colorMode) *screen {
	if s, ok := w.(*screen); ok {
		return s
	}
	s := &screen{w: w, columns: columnsOf(w)}
	s.colored = color.on(s.terminal())
	s.redraws = s.terminal() && !color.dumb()
	return s
}

// screenOf returns the screen that a command writes to, such as cmd.OutOrStdout().
func screenOf(w io.Writer) *screen {
	if s, ok := w.(*screen); ok {
		return s
	}
	return &screen{w: w}
}

// useScreens lets a command write to screens only.
func (p *program) useScreens(cmd *cobra.Command) {
	cmd.SetOut(newScreen(cmd.OutOrStdout(), &p.color))
	p.stderr = newScreen(cmd.ErrOrStderr(), &p.color)
	cmd.SetErr(p.stderr)
}

// columnsOf returns the width of a terminal, or 0 for another writer.
func columnsOf(w io.Writer) int {
	file, ok := w.(interface{ Fd() uintptr })
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return 0
	}
	if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
		return width
	}
	return defaultColumns
}

// terminal reports whether the screen is a terminal.
func (s *screen) terminal() bool { return s.columns > 0 }

// fit returns the width that a table has to fit; 0 for any width.
func (s *screen) fit(wide bool) int {
	if wide {
		return 0
	}
	return s.columns
}

// Write implements [io.Writer]. A character must not be split between two calls.
func (s *screen) Write(p []byte) (int, error) {
	if _, err := io.WriteString(s.w, escaped(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Printf writes like [fmt.Fprintf]. Arguments with a style, such as bold(id), have
// it if the screen has colors. The format must not come from outside.
func (s *screen) Printf(format string, args ...any) {
	safe := make([]any, len(args))
	for i, arg := range args {
		safe[i] = s.printable(arg)
	}
	s.raw(fmt.Sprintf(format, safe...))
}

// together writes everything that the function prints in one write, so that a line of
// the log can't split it and a reader of a pipe gets all of it.
func (s *screen) together(print func(out *screen)) {
	var text strings.Builder
	whole := *s
	whole.w = &text
	print(&whole)
	s.raw(text.String())
}

// raw writes a text whose parts have been escaped.
func (s *screen) raw(text string) { _, _ = io.WriteString(s.w, text) }

func (s *screen) printable(arg any) any {
	switch v := arg.(type) {
	case styled:
		return s.paint(v)
	case string:
		return escaped(v)
	case error:
		return escaped(v.Error())
	case fmt.Stringer:
		return escaped(v.String())
	}
	return arg // a number
}

// paint returns a text with the control sequences of its style.
func (s *screen) paint(v styled) string {
	text := escaped(v.text)
	if !s.colored || text == "" || v.style == nil {
		return text
	}
	return v.style.Sprint(text)
}

func escaped(text string) string {
	return character.Escape(strings.ToValidUTF8(text, "\uFFFD"), "\n\t")
}

// cells measures texts in the columns of a terminal. Characters of East Asia are two
// wide. Ambiguous ones, such as "…", are one wide in any locale.
var cells = &runewidth.Condition{StrictEmojiNeutral: true}

// width returns how many columns of a terminal a text takes.
func width(text string) int { return cells.StringWidth(text) }

// cut returns a text that takes at most the given columns. It marks the cut with "…".
func cut(text string, columns int) string { return cells.Truncate(text, columns, "…") }

// padded returns a text with spaces up to the given columns.
func padded(text string, columns int) string {
	return text + strings.Repeat(" ", max(0, columns-width(text)))
}
