package nearest

import "strings"

// hidden replaces a part that may hold a secret.
const hidden = "…"

// Shown returns at most 200 bytes of a value from outside, for the log: a word
// unchanged, a URI without user info and without the values of query and fragment.
func Shown(value string) string {
	if !strings.ContainsAny(value, ":/@?#") {
		return cut(value, maxShown)
	}
	if opaque(value) {
		return hidden
	}
	var b strings.Builder
	for _, p := range split(cut(value, maxValue)) {
		b.WriteString(p.shown())
	}
	return cut(ambiguous(b.String()), maxShown)
}

// opaque reports whether a value has an @ and no authority, as in "user:password@host".
// No part of it is safe to show.
func opaque(value string) bool { return strings.Contains(value, "@") && !strings.Contains(value, "//") }

// shown returns the text of a part without possible secrets.
func (p part) shown() string {
	switch {
	case p.text == "" || p.name != "user name" && p.name != "query" && p.name != "fragment":
		return p.text
	case p.name == "user name":
		return hidden + "@"
	case p.name == "query":
		return "?" + withoutValues(p.text[1:])
	case len(p.text) > 1:
		return "#" + hidden
	}
	return p.text
}

// withoutValues returns a query with the names of its parameters only.
func withoutValues(query string) string {
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		if name, value, ok := strings.Cut(pair, "="); ok && value != "" {
			pairs[i] = name + "=" + hidden
		} else if !ok && pair != "" {
			pairs[i] = hidden
		}
	}
	return strings.Join(pairs, "&")
}

// ambiguous hides the beginning of a URI in which a raw slash may be part of a
// password: "https://ada:pass/word@host".
func ambiguous(uri string) string {
	scheme, rest, ok := strings.Cut(uri, "://")
	if !ok {
		return uri
	}
	authority, _, _ := strings.Cut(rest, "/")
	_, port, _ := strings.Cut(authority[strings.LastIndexByte(authority, ']')+1:], ":")
	at := strings.LastIndexByte(rest, '@')
	if at > len(authority) && strings.Trim(port, "0123456789") != "" {
		return scheme + "://" + hidden + rest[at:]
	}
	return uri
}
