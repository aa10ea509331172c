package page

import (
	"strconv"
	"strings"
)

// sheet reads the parts of a style sheet that can hold URLs (CSS Syntax Level 3 §4).
type sheet struct {
	scanner

	found  []Finding
	depth  int  // of braces
	parens int  // depth of parentheses
	font   int  // the depth of braces in the current @font-face; 0: none
	begins bool // the next brace begins a @font-face
	images int  // the depth of parentheses in the current image-set(); 0: none
}

// lintSheet returns the findings in a style sheet.
func lintSheet(_, css string) []Finding {
	s := sheet{scanner: scanner{css, 0}}
	for s.more() {
		s.token()
	}
	return s.found
}

// token reads the next token.
func (s *sheet) token() {
	at := s.at
	switch c := s.text[at]; {
	case strings.HasPrefix(s.text[at:], "/*"):
		s.comment()
	case c == '"' || c == '\'':
		if url := s.str(); s.images > 0 {
			s.judge(at, "image-set", url)
		}
	case c == '@':
		s.at++
		s.rule(at, strings.ToLower(s.ident()))
	case identByte(c):
		s.word(at, strings.ToLower(s.ident()))
	default:
		s.at++
		s.nest(c)
	}
}

// nest counts braces and parentheses.
func (s *sheet) nest(c byte) {
	switch c {
	case '{':
		s.depth++
		if s.begins {
			s.font, s.begins = s.depth, false
		}
	case '}':
		if s.depth == s.font {
			s.font = 0
		}
		s.depth = max(0, s.depth-1)
		s.parens, s.images = 0, 0
	case '(':
		s.parens++
	case ')':
		if s.parens == s.images {
			s.images = 0
		}
		s.parens = max(0, s.parens-1)
	case ';':
		s.begins = false
	}
}

// rule reads an at-rule after its name.
func (s *sheet) rule(at int, name string) {
	switch name {
	case "font-face":
		s.begins = true
	case "import":
		s.found = append(s.found, Finding{Part: "@import", Why: oneStyle, Remedy: move, offset: at})
		s.prelude()
	case "namespace": // its URL is a name
		s.prelude()
	}
}

// prelude moves past an at-rule without a block.
func (s *sheet) prelude() {
	for s.more() {
		switch c := s.text[s.at]; {
		case c == ';' || c == '{' || c == '}':
			return
		case strings.HasPrefix(s.text[s.at:], "/*"):
			s.comment()
		case c == '"' || c == '\'':
			s.str()
		case identByte(c):
			if name := s.ident(); s.more() && s.text[s.at] == '(' && strings.EqualFold(name, "url") {
				s.url()
			}
		default:
			s.at++
		}
	}
}

// word handles the name of a function that takes URLs. It ignores other names.
func (s *sheet) word(at int, name string) {
	if !s.more() || s.text[s.at] != '(' {
		return
	}
	switch name {
	case "url", "src":
		s.judge(at, name, s.url())
	case "image-set", "-webkit-image-set":
		s.at++
		s.parens++
		if s.images == 0 {
			s.images = s.parens
		}
	}
}

// judge adds a finding if the policy blocks a URL.
func (s *sheet) judge(at int, function, url string) {
	t := image
	if s.font > 0 {
		t = font
	}
	if t.blocks(url) {
		f := t.finding(function + "(" + short(url) + ")")
		f.offset = at
		s.found = append(s.found, f)
	}
}

// url reads the parentheses of url() and returns the URL in them.
func (s *sheet) url() string {
	s.at++
	s.skip(space)
	var url strings.Builder
	if s.more() && (s.text[s.at] == '"' || s.text[s.at] == '\'') {
		url.WriteString(s.str())
		s.until(")")
	} else {
		for s.more() && s.text[s.at] != ')' {
			s.char(&url)
		}
	}
	s.at = min(len(s.text), s.at+1)
	return url.String()
}

// str reads a string. It ends at its quote or at the end of the line.
func (s *sheet) str() string {
	quote := s.text[s.at]
	s.at++
	var text strings.Builder
	for s.more() && s.text[s.at] != quote {
		if s.text[s.at] == '\n' {
			return text.String()
		}
		s.char(&text)
	}
	s.at = min(len(s.text), s.at+1)
	return text.String()
}

// ident reads a name.
func (s *sheet) ident() string {
	var name strings.Builder
	for s.more() && (identByte(s.text[s.at]) || '0' <= s.text[s.at] && s.text[s.at] <= '9') {
		s.char(&name)
	}
	return name.String()
}

func identByte(c byte) bool { return letter(c) || c == '-' || c == '_' || c == '\\' || c >= 0x80 }

// comment moves past a comment.
func (s *sheet) comment() {
	if end := strings.Index(s.text[s.at+2:], "*/"); end >= 0 {
		s.at += end + 4
	} else {
		s.at = len(s.text)
	}
}

// char reads a byte, or an escape and the character that it means.
func (s *sheet) char(to *strings.Builder) {
	c := s.text[s.at]
	s.at++
	if c != '\\' || !s.more() {
		to.WriteByte(c)
		return
	}
	from := s.at
	for s.more() && s.at < from+6 && strings.IndexByte("0123456789abcdefABCDEF", s.text[s.at]) >= 0 {
		s.at++
	}
	if r, err := strconv.ParseUint(s.text[from:s.at], 16, 32); err == nil {
		to.WriteRune(rune(r))
		if s.more() && strings.IndexByte(space, s.text[s.at]) >= 0 {
			s.at++
		}
		return
	}
	if s.text[s.at] != '\n' { // the string continues on the next line
		to.WriteByte(s.text[s.at])
	}
	s.at++
}
