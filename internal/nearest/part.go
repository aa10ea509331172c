package nearest

import (
	"net/url"
	"strings"
)

// part is a part of a value that is compared on its own.
type part struct {
	name   string
	text   string
	weight int // how much a difference matters: the host most of all
}

// spelling is the name of the only part of a word.
const spelling = "spelling"

// whole is a value of one part.
func whole(word string) []part { return []part{{name: spelling, text: word, weight: 1}} }

// split returns the parts of a URI (RFC 3986 appendix B). It accepts any text, and
// recognizes a host without a scheme. The joined parts are the text, so two texts
// with the same parts are equal.
func split(uri string) []part {
	rest, fragment := before(uri, "#")
	rest, query := before(rest, "?")
	scheme, rest := schemeOf(rest)
	authority, path := authorityOf(scheme, rest)
	user, hostPort := "", authority
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		user, hostPort = authority[:at+1], authority[at+1:]
	}
	host, port := hostPort, ""
	if colon := strings.LastIndexByte(hostPort, ':'); colon > strings.LastIndexByte(hostPort, ']') {
		host, port = hostPort[:colon], hostPort[colon:]
	}
	return []part{
		{name: "scheme", text: scheme, weight: 3},
		{name: "user name", text: user, weight: 3},
		{name: "host", text: host, weight: 4},
		{name: "port", text: port, weight: 2},
		{name: "path", text: path, weight: 3},
		{name: "query", text: query, weight: 2},
		{name: "fragment", text: fragment, weight: 1},
	}
}

// before returns the text up to a separator, and from the separator on.
func before(text, separator string) (head, tail string) {
	if i := strings.Index(text, separator); i >= 0 {
		return text[:i], text[i:]
	}
	return text, ""
}

// schemeOf returns the scheme with the slashes after it. In localhost:3000/cb, the
// text before the colon is not a scheme.
func schemeOf(text string) (scheme, rest string) {
	colon := strings.IndexByte(text, ':')
	if colon >= 0 && !strings.Contains(text[:colon], "/") && strings.TrimLeft(text[colon+1:], "0123456789") == text[colon+1:] {
		scheme, text = text[:colon+1], text[colon+1:]
	}
	if rest, ok := strings.CutPrefix(text, "//"); ok {
		return scheme + "//", rest
	}
	return scheme, text
}

// authorityOf returns the authority, which follows two slashes or a missing scheme.
func authorityOf(scheme, text string) (authority, path string) {
	if scheme != "" && !strings.HasSuffix(scheme, "//") {
		return "", text
	}
	return before(text, "/")
}

// similarity names a difference of spelling between two texts, such as the case;
// empty if they differ in more.
func (p part) similarity(other part) string {
	a, b := p.text, other.text
	switch {
	case p.name == "path" && strings.TrimSuffix(a, "/") == strings.TrimSuffix(b, "/"):
		return "trailing slash"
	case strings.TrimSpace(a) == strings.TrimSpace(b):
		return "spaces"
	case strings.EqualFold(a, b):
		return "case"
	case unescaped(a) == unescaped(b):
		return "percent-encoding"
	}
	return ""
}

func unescaped(text string) string {
	if plain, err := url.PathUnescape(text); err == nil {
		return plain
	}
	return text
}
