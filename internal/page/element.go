package page

import (
	"html"
	"regexp"
	"strings"
)

// Element is the start tag of an HTML element.
type Element struct {
	Name       string            // in lower case
	Attributes map[string]string // values by lower-case name
	Offset     int               // of the tag in the page, in bytes
}

var (
	tag       = regexp.MustCompile(`<([a-zA-Z][a-zA-Z0-9]*)((?:[^<>"']|"[^"]*"|'[^']*')*)>`)
	attribute = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9:-]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?`)
)

// Elements returns the start tags of a page. It relies on html/template's
// output: data is escaped, and there are no comments.
func Elements(body string) (found []Element) {
	for _, at := range tag.FindAllStringSubmatchIndex(body, -1) {
		e := Element{strings.ToLower(body[at[2]:at[3]]), map[string]string{}, at[0]}
		for _, m := range attribute.FindAllStringSubmatch(body[at[4]:at[5]], -1) {
			e.Attributes[strings.ToLower(m[1])] = html.UnescapeString(m[2] + m[3] + m[4])
		}
		found = append(found, e)
	}
	return found
}
