package console

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpGroup lists commands of the program under a heading, for a person who looks for
// a task.
type helpGroup struct {
	heading  string
	commands []string
}

// helpGroups has the commands of the root. A command that no group names is in the
// last one.
var helpGroups = []helpGroup{
	{"Run a server", []string{"serve", "install", "migrate", "keys"}},
	{"Manage it", []string{"client", "user", "purge", "views"}},
	{"More", nil},
}

// help sets how the commands below root explain themselves: on a terminal with bold
// headings, and lines that fit its width.
func (p *program) help(root *cobra.Command) {
	root.SetUsageFunc(func(cmd *cobra.Command) error {
		p.writeUsage(newScreen(cmd.OutOrStderr(), &p.color), root, cmd)
		return nil
	})
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		out := newScreen(cmd.OutOrStdout(), &p.color)
		text := cmd.Long
		if text == "" {
			text = strings.TrimSuffix(cmd.Short, ".") + "."
		}
		out.Printf("%s\n\n", wrapped(strings.TrimSpace(text), out.lineWidth()))
		p.writeUsage(out, root, cmd)
	})
}

func (p *program) writeUsage(out *screen, root, cmd *cobra.Command) {
	out.Printf("%s\n", bold("Usage:"))
	if cmd.Runnable() {
		out.Printf("  %s\n", cmd.UseLine())
	}
	if cmd.HasAvailableSubCommands() {
		out.Printf("  %s [command]\n", cmd.CommandPath())
	}
	if cmd.Example != "" {
		out.Printf("\n%s\n%s\n", bold("Examples:"), cmd.Example)
	}
	if cmd == root {
		writeGroups(out, cmd)
	} else if cmd.HasAvailableSubCommands() {
		writeCommands(out, "Commands:", cmd.Commands())
	}
	writeFlags(out, "Flags:", cmd.LocalFlags())
	writeFlags(out, "Global flags:", cmd.InheritedFlags())
	if cmd.HasAvailableSubCommands() {
		out.Printf("\nRun `%s [command] --help` for more about a command.\n", cmd.CommandPath())
	}
}

func writeGroups(out *screen, root *cobra.Command) {
	left := map[string]*cobra.Command{}
	for _, cmd := range root.Commands() {
		left[cmd.Name()] = cmd
	}
	for _, group := range helpGroups {
		var of []*cobra.Command
		for _, name := range group.commands {
			if cmd := left[name]; cmd != nil {
				of = append(of, cmd)
				delete(left, name)
			}
		}
		if group.commands == nil {
			for _, cmd := range root.Commands() { // in order
				if left[cmd.Name()] != nil {
					of = append(of, cmd)
				}
			}
		}
		writeCommands(out, group.heading+":", of)
	}
}

func writeCommands(out *screen, heading string, all []*cobra.Command) {
	longest := 0
	var shown []*cobra.Command
	for _, cmd := range all {
		if cmd.IsAvailableCommand() || cmd.Name() == "help" {
			shown = append(shown, cmd)
			longest = max(longest, len(cmd.Name()))
		}
	}
	if len(shown) == 0 {
		return
	}
	out.Printf("\n%s\n", bold(heading))
	indent := len("  ") + longest + len("  ")
	for _, cmd := range shown {
		short := strings.ReplaceAll(wrapped(cmd.Short, out.lineWidth()-indent), "\n", "\n"+strings.Repeat(" ", indent))
		out.Printf("  %s  %s\n", bold(padded(cmd.Name(), longest)), short)
	}
}

// writeFlags writes the options, in lines that fit a terminal, or 80 columns.
func writeFlags(out *screen, heading string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	out.Printf("\n%s\n%s", bold(heading), usagesOf(flags, out.lineWidth()))
}

// maxLine is the longest line of a text. Longer ones are hard to read.
const maxLine = 100

// lineWidth is the width of the lines of a text.
func (s *screen) lineWidth() int {
	if s.columns == 0 {
		return defaultColumns
	}
	return min(s.columns, maxLine)
}

// wrapped breaks each paragraph into lines. A paragraph with several spaces in a
// row is in columns and stays as it is.
func wrapped(text string, columns int) string {
	paragraphs := strings.Split(text, "\n\n")
	for i, paragraph := range paragraphs {
		if strings.Contains(paragraph, "  ") {
			continue
		}
		var b strings.Builder
		line := 0
		for word := range strings.FieldsSeq(paragraph) {
			switch {
			case line == 0:
			case line+1+width(word) > columns:
				b.WriteByte('\n')
				line = 0
			default:
				b.WriteByte(' ')
				line++
			}
			b.WriteString(word)
			line += width(word)
		}
		paragraphs[i] = b.String()
	}
	return strings.Join(paragraphs, "\n\n")
}
