package page

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/go-passport/passport/internal/textfile"
)

// Finding is a part of a view that has no effect in a browser.
type Finding struct {
	File   string
	Line   int
	Part   string // the element or attribute, such as <script> or onclick=
	Why    string
	Remedy string
	offset int // in the file, in bytes
}

// String returns the finding in one line: the place, the part, the reason and
// the remedy.
func (f Finding) String() string {
	return fmt.Sprintf("%s:%d: %s has no effect, because %s: %s", f.File, f.Line, f.Part, f.Why, f.Remedy)
}

// Lint returns the parts of a set of views that have no effect: browsers
// ignore them under the policy of the pages ([Headers]), or the template drops
// them. It reads the source, so it also checks branches that only some data
// would show. It skips a file that does not parse: [Look.Parse] reports that.
func Lint(views fs.FS, groups ...Group) (found []Finding, err error) {
	names := FileNames()
	for _, g := range groups {
		names = append(names, g.FileNames()...)
	}
	for _, name := range names {
		text, err := readFile(views, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("lint views: %w", err)
		}
		look := lintView
		if name == StyleFile {
			look = lintSheet
		}
		source := textfile.Decode(text)
		for _, f := range look(name, source) {
			f.File, f.Line = name, 1+strings.Count(source[:f.offset], "\n")
			found = append(found, f)
		}
	}
	return found, nil
}

// lintView returns the findings in the source of a page or a layout, in their
// order in the file.
func lintView(name, text string) (found []Finding) {
	s := read(name, text)
	for _, at := range s.outside {
		found = append(found, Finding{
			Part: s.excerpt(at), Why: "it is outside every {{define}}",
			Remedy: `move it between {{define "main"}} and its {{end}}, or remove it`, offset: at,
		})
	}
	for _, e := range Elements(s.shown) {
		found = append(found, ignored(e)...)
	}
	slices.SortStableFunc(found, func(a, b Finding) int { return cmp.Compare(a.offset, b.offset) })
	return found
}

const (
	noScript = "no script runs on these pages"
	oneStyle = "browsers apply only " + StyleFile + ", which {{style}} puts into the layout"
	move     = "move the rules to " + StyleFile
	takeOut  = "remove it"
)

// ignored returns the parts of an element that a browser ignores under the
// policy.
func ignored(e Element) (found []Finding) {
	if f := ignoredWhole(e); f.Part != "" {
		f.offset = e.Offset
		return []Finding{f}
	}
	for _, a := range e.Written {
		f := Finding{Part: a.Name + "="}
		switch {
		case a.Name == "style":
			f.Why, f.Remedy = oneStyle, "give the element a class, and "+move
		case strings.HasPrefix(a.Name, "on") && !strings.Contains(a.Name, "-"): // an event handler
			f.Why, f.Remedy = noScript, takeOut
		case runsScript(a.Value):
			f.Part, f.Why, f.Remedy = a.Name+`="javascript:"`, noScript, takeOut
		default:
			f = blocked(e, a)
		}
		if f.Part != "" {
			f.offset = a.Offset
			found = append(found, f)
		}
	}
	return found
}

// ignoredWhole returns the finding of an element that has no effect, regardless of
// its attributes.
func ignoredWhole(e Element) Finding {
	element := "<" + e.Name + ">"
	switch e.Name {
	case "script":
		return Finding{Part: element, Why: noScript, Remedy: takeOut}
	case "style":
		return Finding{Part: element, Why: oneStyle, Remedy: move}
	case "base":
		return Finding{Part: element, Why: "these pages have no base for their links", Remedy: "write the links in full"}
	case "iframe", "frame", "object", "embed":
		return Finding{Part: element, Why: "these pages cannot embed other documents", Remedy: "link to the document"}
	case "link":
		return ignoredLink(e)
	}
	return Finding{}
}

// ignoredLink returns the finding of a link element whose target the policy of the
// pages never allows.
func ignoredLink(e Element) Finding {
	loads := "these pages load only images and fonts"
	for rel := range strings.FieldsSeq(strings.ToLower(e.Attributes["rel"])) {
		switch rel {
		case "stylesheet":
			return Finding{Part: "<link>", Why: oneStyle, Remedy: move}
		case "manifest", "modulepreload", "prefetch":
			return Finding{Part: "<link>", Why: loads, Remedy: takeOut}
		case "preload":
			as := strings.ToLower(strings.TrimSpace(e.Attributes["as"]))
			if as != "image" && as != "font" && !strings.ContainsAny(as, separator+string(output)) {
				return Finding{Part: "<link>", Why: loads, Remedy: takeOut}
			}
		}
	}
	return Finding{}
}

// runsScript reports whether a URL starts with javascript:, as browsers read
// it.
func runsScript(url string) bool {
	url = strings.TrimLeft(url, separator+string(output))
	url = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(url)
	return len(url) >= 11 && strings.EqualFold(url[:11], "javascript:")
}
