package console

import (
	"fmt"
	"io"
	"strings"

	"github.com/fatih/color"
)

// styled is a text that [screen.Printf] shows in a style. Elsewhere it is the text.
type styled struct {
	text  string
	style *color.Color
}

// String implements [fmt.Stringer].
func (s styled) String() string { return s.text }

// The styles. Each is on, because the screen decides whether it has colors.
var (
	boldStyle   = enabled(color.Bold)
	dimStyle    = enabled(color.Faint)
	redStyle    = enabled(color.FgRed)
	greenStyle  = enabled(color.FgGreen)
	yellowStyle = enabled(color.FgYellow)
	cyanStyle   = enabled(color.FgCyan)
)

func enabled(attributes ...color.Attribute) *color.Color {
	c := color.New(attributes...)
	c.EnableColor()
	return c
}

func bold(text string) styled   { return styled{text, boldStyle} }
func dim(text string) styled    { return styled{text, dimStyle} }
func red(text string) styled    { return styled{text, redStyle} }
func green(text string) styled  { return styled{text, greenStyle} }
func yellow(text string) styled { return styled{text, yellowStyle} }
func cyan(text string) styled   { return styled{text, cyanStyle} }

// success writes what a command has done. A terminal has a mark before it; a pipe has
// the sentence alone.
func success(w io.Writer, format string, args ...any) {
	out := screenOf(w)
	mark := styled{}
	if out.terminal() {
		mark = green("✓ ")
	}
	out.Printf("%s"+format+"\n", append([]any{mark}, args...)...)
}

// writeNext writes what to do next. The word "Next:" in the text is bold.
func writeNext(w io.Writer, text string) {
	before, after, found := strings.Cut(text, "Next:")
	mark := styled{}
	if found {
		mark = bold("Next:")
	}
	screenOf(w).Printf("%s%s%s", before, mark, after)
}

// The values of --color.
const (
	colorAuto   = "auto"
	colorAlways = "always"
	colorNever  = "never"
)

// colorMode is the flag --color. It implements pflag.Value.
type colorMode struct {
	when   string                   // "" for auto
	lookup func(name string) string // reads the environment
}

// String implements pflag.Value.
func (m *colorMode) String() string {
	if m.when == "" {
		return colorAuto
	}
	return m.when
}

// Set implements pflag.Value.
func (m *colorMode) Set(when string) error {
	switch when {
	case colorAuto, colorAlways, colorNever:
		m.when = when
		return nil
	}
	return fmt.Errorf("want %s, %s or %s", colorAuto, colorAlways, colorNever)
}

// Type implements pflag.Value.
func (m *colorMode) Type() string { return "WHEN" }

// on reports whether a screen has colors. NO_COLOR turns them off
// (https://no-color.org), and --color beats it.
func (m *colorMode) on(terminal bool) bool {
	switch m.String() {
	case colorAlways:
		return true
	case colorNever:
		return false
	}
	return terminal && !m.dumb() && m.env("NO_COLOR") == ""
}

// dumb reports whether the terminal knows no control sequences.
func (m *colorMode) dumb() bool { return m.env("TERM") == "dumb" }

func (m *colorMode) env(name string) string {
	if m.lookup == nil {
		return ""
	}
	return m.lookup(name)
}
