// Package walkthrough has what the tests of the tutorials share: they do what a page of
// docs/ tells the reader to do.
package walkthrough

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Sections returns the text of a page from the heading of each step to the next heading.
// The first element is the introduction.
func Sections(t *testing.T, file string, steps int) []string {
	t.Helper()
	all := strings.Split(Read(t, file), "\n## ")
	if len(all) < steps+1 || !strings.HasPrefix(all[steps], "Step ") {
		t.Fatalf("%s has %d sections, want an introduction and %d steps", file, len(all), steps)
	}
	return all
}

// Read returns the text of a file.
func Read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Blocks returns the fenced blocks of a language in a text.
func Blocks(text, language string) (found []string) {
	for _, m := range regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$").FindAllStringSubmatch(text, -1) {
		if m[1] == language {
			found = append(found, m[2])
		}
	}
	return found
}

// bare returns the lines of a text without indentation.
func bare(text string) (lines []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// Shows checks that a reader who copies the blocks of a section into the file before gets
// the file: each block is in the file, and the section shows each line that it adds.
func Shows(t *testing.T, section, before, file string) {
	t.Helper()
	previous, source := "", Read(t, file)
	if before != "" {
		previous = Read(t, before)
	}
	shown := Blocks(section, "go")
	for _, block := range shown {
		if !strings.Contains("\n"+strings.Join(bare(source), "\n")+"\n", "\n"+strings.Join(bare(block), "\n")+"\n") {
			t.Errorf("the page shows Go that %s does not have:\n%s", file, block)
		}
	}
	lines := bare(strings.Join(shown, ""))
	for _, line := range bare(source) {
		if slices.Contains(bare(previous), line) || slices.Contains(lines, line) || strings.Contains(section, "`"+strings.Trim(line, `"`)+"`") || strings.Contains(section, "`"+line+"`") {
			continue
		}
		t.Errorf("%s has a line that the page does not tell the reader to add: %s", file, line)
	}
}
