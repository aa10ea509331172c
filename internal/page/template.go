package page

import (
	"slices"
	"strings"
	"text/template/parse"
)

// source is the source of a view, taken apart.
type source struct {
	text    string
	shown   string // the HTML in it, with control and output in place of actions
	outside []int  // the start of each part outside of every define
}

// read takes the source of a view apart. All offsets are those in the source.
// The result has no HTML if the source does not parse.
func read(name, text string) (s source) {
	s.text = text
	tree, trees := parse.New(name), map[string]*parse.Tree{}
	tree.Mode = parse.SkipFuncCheck
	if _, err := tree.Parse(text, "", "", trees); err != nil {
		return s
	}
	shown := []byte(strings.Repeat(string(control), len(text)))
	var defines []int
	for _, t := range trees {
		if t.Root == nil || t.Root == tree.Root {
			continue
		}
		copyText(shown, t.Root)
		defines = append(defines, int(t.Root.Pos))
	}
	if name == LayoutFile {
		copyText(shown, tree.Root)
	} else {
		s.outside = outside(text, tree.Root, defines)
	}
	s.shown = mixed(shown)
	return s
}

// outside returns the start of each part that html/template drops because no define
// contains it. It ignores comments, white space, and the call that a block makes.
func outside(text string, root *parse.ListNode, defines []int) (begins []int) {
	left := []byte(strings.Repeat(" ", len(text)))
	for _, node := range root.Nodes {
		at := int(node.Position())
		switch n := node.(type) {
		case *parse.TextNode:
			copy(left[at:], n.Text)
		case *parse.TemplateNode:
			if !strings.HasSuffix(strings.TrimRight(text[:at], space), "block") {
				left[at] = '{'
			}
		default:
			left[at] = '{'
		}
	}
	copy(left, strings.Repeat(" ", len(text)-len(strings.TrimPrefix(text, "\ufeff")))) // a byte order mark
	rest := string(left)
	for at, last := 0, -1; at < len(rest); at++ {
		if comment := strings.Index(rest[at:], "-->"); comment > 0 && strings.HasPrefix(rest[at:], "<!--") {
			at += comment + 2
			continue
		}
		if strings.IndexByte(space, rest[at]) >= 0 {
			continue
		}
		if last < 0 || slices.ContainsFunc(defines, func(d int) bool { return last < d && d <= at }) {
			begins = append(begins, at)
		}
		last = at
	}
	return begins
}

// copyText copies the template text under a node to its place in the source,
// and marks the actions that write data.
func copyText(shown []byte, node parse.Node) {
	var lists []*parse.ListNode
	switch n := node.(type) {
	case *parse.TextNode:
		copy(shown[n.Pos:], n.Text)
	case *parse.ActionNode:
		if len(n.Pipe.Decl) == 0 {
			shown[n.Pos] = output
		}
	case *parse.TemplateNode:
		shown[n.Pos] = output
	case *parse.ListNode:
		for _, child := range n.Nodes {
			copyText(shown, child)
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
			copyText(shown, list)
		}
	}
}

// mixed replaces each run of actions that contains output by output only.
func mixed(shown []byte) string {
	for at := 0; at < len(shown); {
		end := at
		for end < len(shown) && (shown[end] == control || shown[end] == output) {
			end++
		}
		if run := shown[at:end]; slices.Contains(run, output) {
			for i := range run {
				run[i] = output
			}
		}
		at = end + 1
	}
	return string(shown)
}

// excerpt returns the start of the text at an offset, for a message.
func (s source) excerpt(at int) string {
	if begin := strings.LastIndex(s.text[:at], "{{"); begin >= 0 && !strings.Contains(s.text[begin:at], "}}") {
		action, _, _ := strings.Cut(s.text[begin:], "}}")
		return short(action + "}}")
	}
	line, _, _ := strings.Cut(s.text[at:], "\n")
	line, _, _ = strings.Cut(line, "{{define")
	return `"` + short(line) + `"`
}
