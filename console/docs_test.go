package console_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport/console"
)

var option = regexp.MustCompile(`(?m)^\s+--([a-z_-]+)`)

// The documentation names every command and option, in the section of the command.
func TestDocumentation_NamesEveryCommandAndOption(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "..", "docs", "command-line.md"))
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	var walk func(cmd *cobra.Command, section string)
	walk = func(cmd *cobra.Command, section string) {
		count++
		if !strings.Contains(section, cmd.Name()) {
			t.Errorf("docs/command-line.md does not name the command %s", cmd.CommandPath())
		}
		for _, found := range option.FindAllStringSubmatch(cmd.LocalNonPersistentFlags().FlagUsages(), -1) {
			count++
			if !strings.Contains(section, "--"+found[1]) {
				t.Errorf("docs/command-line.md does not explain --%s under %s", found[1], cmd.CommandPath())
			}
		}
		for _, sub := range cmd.Commands() {
			walk(sub, section)
		}
	}
	for _, cmd := range console.New(console.Options{}).Commands() {
		if cmd.Hidden { // passport clients, which has the same commands as passport client
			continue
		}
		_, section, ok := strings.Cut(string(text), "\n### "+cmd.CommandPath()+"\n")
		if !ok {
			t.Errorf("docs/command-line.md has no section %q", cmd.CommandPath())
		}
		section, _, _ = strings.Cut(section, "\n##") // of either depth
		walk(cmd, cmd.Name()+section)
	}
	if count < 50 {
		t.Errorf("found %d commands and options, want more", count)
	}
}
