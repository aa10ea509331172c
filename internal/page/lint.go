package page

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"text/template/parse"
)

// Finding is a part of a view that has no effect in a browser.
type Finding struct {
	File   string
	Line   int
	Part   string // the element or attribute, such as <script> or onclick=
	Why    string
	Remedy string
}

// String returns the finding in one line: the place, the part, the reason and
// the remedy.
func (f Finding) String() string {
	return fmt.Sprintf("%s:%d: %s has no effect, because %s: %s", f.File, f.Line, f.Part, f.Why, f.Remedy)
}

// Lint returns the parts of a set of views that browsers ignore under the
// policy of the pages ([Headers]). It reads the source, so it also checks
// branches that only some data would show. It skips a file that does not parse:
// [Look.Parse] reports that.
func Lint(views fs.FS) (found []Finding, err error) {
	for _, name := range FileNames() {
		if name == StyleFile {
			continue
		}
		source, err := fs.ReadFile(views, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("lint views: %w", err)
		}
		text := markup(string(source))
		for _, e := range Elements(text) {
			for _, f := range ignored(e) {
				f.File, f.Line = name, 1+strings.Count(text[:e.Offset], "\n")
				found = append(found, f)
			}
		}
	}
	return found, nil
}

// ignored returns the parts of an element that a browser ignores under the
// policy.
func ignored(e Element) (found []Finding) {
	const (
		noScript = "no script runs on these pages"
		oneStyle = "browsers apply only " + StyleFile + ", which {{style}} puts into the layout"
		move     = "move the rules to " + StyleFile
	)
	element := "<" + e.Name + ">"
	switch e.Name {
	case "script":
		return []Finding{{Part: element, Why: noScript, Remedy: "take it out"}}
	case "style":
		return []Finding{{Part: element, Why: oneStyle, Remedy: move}}
	case "base":
		return []Finding{{Part: element, Why: "these pages have no base for their links", Remedy: "write the links in full"}}
	case "iframe", "frame", "object", "embed":
		return []Finding{{Part: element, Why: "these pages cannot embed other documents", Remedy: "link to the document"}}
	case "link":
		if strings.Contains(strings.ToLower(e.Attributes["rel"]), "stylesheet") {
			return []Finding{{Part: element, Why: oneStyle, Remedy: move}}
		}
	}
	for name, value := range e.Attributes {
		switch {
		case name == "style":
			found = append(found, Finding{Part: "style=", Why: oneStyle, Remedy: "give the element a class, and " + move})
		case strings.HasPrefix(name, "on") && !strings.Contains(name, "-"): // an event handler
			found = append(found, Finding{Part: name + "=", Why: noScript, Remedy: "take it out"})
		case strings.HasPrefix(strings.ToLower(strings.TrimSpace(value)), "javascript:"):
			found = append(found, Finding{Part: name + `="javascript:"`, Why: noScript, Remedy: "take it out"})
		}
	}
	slices.SortFunc(found, func(a, b Finding) int { return cmp.Compare(a.Part, b.Part) })
	return found
}

var (
	comment = regexp.MustCompile(`(?s)<!--.*?-->`)
	rawText = []*regexp.Regexp{
		regexp.MustCompile(`(?is)<script\b[^>]*>(.*?)</script`),
		regexp.MustCompile(`(?is)<style\b[^>]*>(.*?)</style`),
		regexp.MustCompile(`(?is)<textarea\b[^>]*>(.*?)</textarea`),
		regexp.MustCompile(`(?is)<title\b[^>]*>(.*?)</title`),
	}
)

// markup returns the HTML of a template. It replaces template actions, comments
// and text without tags by blanks, so that everything else keeps its line. It
// is empty for a template that does not parse.
func markup(source string) string {
	tree, trees := parse.New("view"), map[string]*parse.Tree{}
	tree.Mode = parse.SkipFuncCheck
	if _, err := tree.Parse(source, "", "", trees); err != nil {
		return ""
	}
	text := []byte(source)
	blank(text)
	for _, t := range trees {
		copyText(text, t.Root)
	}
	for _, at := range comment.FindAllIndex(text, -1) {
		blank(text[at[0]:at[1]])
	}
	for _, raw := range rawText {
		for _, at := range raw.FindAllSubmatchIndex(text, -1) {
			blank(text[at[2]:at[3]])
		}
	}
	return string(text)
}

// copyText copies the template text under a node to its place in the source.
func copyText(source []byte, node parse.Node) {
	var lists []*parse.ListNode
	switch n := node.(type) {
	case *parse.TextNode:
		copy(source[n.Pos:], n.Text)
	case *parse.ListNode:
		for _, child := range n.Nodes {
			copyText(source, child)
		}
	case *parse.IfNode:
		lists = append(lists, n.List, n.ElseList)
	case *parse.RangeNode:
		lists = append(lists, n.List, n.ElseList)
	case *parse.WithNode:
		lists = append(lists, n.List, n.ElseList)
	}
	for _, list := range lists {
		if list != nil {
			copyText(source, list)
		}
	}
}

// blank overwrites a text with spaces and keeps its line ends.
func blank(text []byte) {
	for i, c := range text {
		if c != '\n' {
			text[i] = ' '
		}
	}
}
