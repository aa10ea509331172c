package docstest_test

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// mermaid are the forms of the lines of a diagram, by its kind. Only these forms are
// known to render on GitHub; add one after you have rendered it. A text must not have
// a character with a meaning in Mermaid.
var mermaid = map[string]*regexp.Regexp{
	"sequenceDiagram": lineOf(`(?:actor|participant) (?P<new>\w+)(?: as TEXT)?`, `(?P<one>\w+)--?>>(?P<other>\w+): TEXT`, `(?P<open>opt|loop|alt) TEXT`, `else TEXT`, `(?P<close>end)`),
	"flowchart LR":    lineOf(`NODE (?:-->|-\. TEXT \.->) NODE`, `(?P<open>subgraph) \w+ \[TEXT\]`, `(?P<close>end)`),
}

func lineOf(forms ...string) *regexp.Regexp {
	form := `^(?:` + strings.Join(forms, "|") + `)$`
	form = strings.ReplaceAll(form, "NODE", `\w+(?:\[TEXT\]|\(\[TEXT\]\))?`)
	return regexp.MustCompile(strings.ReplaceAll(form, "TEXT", `[^\[\](){}<>;#"|]+?`))
}

// GitHub renders the diagrams of the documentation.
func TestMermaid(t *testing.T) {
	count := 0
	for _, p := range pages(t) {
		for _, b := range p.located("mermaid") {
			count++
			if err := checkDiagram(b.text); err != nil {
				t.Errorf("%s:%d: the diagram may not render: %v", p.name, b.line, err)
			}
		}
	}
	if count < 2 {
		t.Errorf("found %d diagrams, want more: are they still fenced as mermaid?", count)
	}
}

func checkDiagram(text string) error {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	form := mermaid[lines[0]]
	if form == nil {
		return fmt.Errorf("its kind is %q, want one of %q", lines[0], slices.Sorted(maps.Keys(mermaid)))
	}
	open, declared := 0, map[string]bool{}
	for _, line := range lines[1:] {
		m := form.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			return fmt.Errorf("%q has an unknown form", line)
		}
		for i, name := range form.SubexpNames() {
			switch {
			case m[i] == "":
			case name == "new":
				declared[m[i]] = true
			case (name == "one" || name == "other") && !declared[m[i]]:
				return fmt.Errorf("%q has %s, which is not declared", line, m[i])
			case name == "open":
				open++
			case name == "close":
				open--
			}
		}
		if open < 0 {
			return errors.New("an end has no beginning")
		}
	}
	if open > 0 {
		return errors.New("an end is missing")
	}
	return nil
}

// The check finds what Mermaid does not understand.
func TestMermaid_FindsFaults(t *testing.T) {
	for _, faulty := range []string{
		"graph",
		"sequenceDiagram\nactor A\nA->>B: text",
		"sequenceDiagram\nactor A\nA->>A: one; two",
		"sequenceDiagram\nopt text",
		"sequenceDiagram\nend",
		"flowchart LR\na[Code (old)] --> b",
		"flowchart LR\na -> b",
	} {
		if checkDiagram(faulty) == nil {
			t.Errorf("this diagram passes, want a fault:\n%s", faulty)
		}
	}
}
