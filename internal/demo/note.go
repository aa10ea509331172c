package demo

import "strings"

// note is a text of the tour. The names of parameters and other code are between
// backquotes.
type note string

// span is a part of a note.
type span struct {
	Text string
	Code bool
}

// Parts returns the parts of the note, for a page.
func (n note) Parts() (spans []span) {
	for i, text := range strings.Split(string(n), "`") {
		if text != "" {
			spans = append(spans, span{text, i%2 == 1})
		}
	}
	return spans
}
