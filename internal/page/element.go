package page

import (
	"html"
	"slices"
	"strings"
)

// Element is the start tag of an HTML element.
type Element struct {
	Name       string            // in lower case
	Attributes map[string]string // values by lower-case name; the first counts
	Written    []Attribute       // as written, with repeated names
	Offset     int               // of the tag in the page, in bytes
}

// Attribute is an attribute of a start tag.
type Attribute struct {
	Name, Value string // the name in lower case, the value without escapes
	Offset      int    // of the name in the page, in bytes
}

// The bytes that stand for template actions in the source of a view.
const (
	control = '\x01' // writes nothing, as {{if}} and {{end}}
	output  = '\x00' // writes a text that only the data knows
)

const (
	space     = " \t\n\r\f"
	separator = space + string(control)
)

// rawText are the elements whose content has no tags.
var rawText = []string{"script", "style", "textarea", "title", "iframe", "xmp", "noembed", "noframes"}

// Elements returns the start tags of a page. It skips comments, and the content of
// elements that cannot contain tags, such as title.
func Elements(body string) (found []Element) {
	for at := 0; at < len(body); {
		next := strings.IndexByte(body[at:], '<')
		if next < 0 {
			break
		}
		at += next
		if strings.HasPrefix(body[at:], "<!--") {
			at += max(1, 3+strings.Index(body[at:], "-->"))
			continue
		}
		e, end := startTag(body, at)
		if end < 0 {
			at++
			continue
		}
		found = append(found, e)
		at = end
		if slices.Contains(rawText, e.Name) {
			at += max(0, indexFold(body[at:], "</"+e.Name))
		}
	}
	return found
}

// startTag reads the start tag at an offset. It returns the offset after it, or
// -1 if there is none.
func startTag(body string, at int) (e Element, end int) {
	s := scanner{body, at + 1}
	if !s.more() || !letter(s.text[s.at]) {
		return e, -1
	}
	e = Element{Name: strings.ToLower(s.until(separator + "/<>" + string(output))), Attributes: map[string]string{}, Offset: at}
	for {
		s.skip(separator + "/")
		if !s.more() || s.text[s.at] == '<' {
			return e, -1
		}
		if s.text[s.at] == '>' {
			return e, s.at + 1
		}
		a, ok := s.attribute()
		if !ok {
			return e, -1
		}
		if a.Name == "" {
			continue
		}
		e.Written = append(e.Written, a)
		if _, again := e.Attributes[a.Name]; !again {
			e.Attributes[a.Name] = a.Value
		}
	}
}

// scanner reads a text from an offset.
type scanner struct {
	text string
	at   int
}

func (s *scanner) more() bool { return s.at < len(s.text) }

// skip moves past bytes that are in a set.
func (s *scanner) skip(set string) {
	for s.more() && strings.IndexByte(set, s.text[s.at]) >= 0 {
		s.at++
	}
}

// until returns the text up to the first byte that is in a set.
func (s *scanner) until(set string) string {
	from := s.at
	for s.more() && strings.IndexByte(set, s.text[s.at]) < 0 {
		s.at++
	}
	return s.text[from:s.at]
}

// attribute reads an attribute. Its name is empty if a template action writes
// it. It reports false if a quote does not end.
func (s *scanner) attribute() (a Attribute, ok bool) {
	a.Offset = s.at
	if s.text[s.at] == '=' { // part of the name, as in a browser
		s.at++
	}
	a.Name = s.until(separator + "/=<>")
	a.Name = strings.ToLower(a.Name[1+strings.LastIndexByte(a.Name, output):])
	after := s.at
	s.skip(separator)
	if !s.more() || s.text[s.at] != '=' {
		s.at = after
		return a, true
	}
	s.at++
	s.skip(separator)
	if !s.more() {
		return a, false
	}
	var value string
	if quote := s.text[s.at]; quote == '"' || quote == '\'' {
		s.at++
		value = s.until(string(quote))
		if !s.more() {
			return a, false
		}
		s.at++
	} else {
		value = s.until(space + "<>")
	}
	a.Value = html.UnescapeString(value)
	return a, true
}

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// indexFold is [strings.Index] that ignores ASCII case.
func indexFold(s, part string) int {
	for i := 0; i+len(part) <= len(s); i++ {
		if strings.EqualFold(s[i:i+len(part)], part) {
			return i
		}
	}
	return -1
}
