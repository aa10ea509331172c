// Package nearest helps the operator to find a client's typing mistake. For a value
// that is not registered, it names the registered value that is most like it, and
// the parts that differ. The text is for the log: a client must not learn the
// values of other clients.
package nearest

import (
	"fmt"
	"strings"
)

// The bounds of a comparison: the bytes of a value that are compared, the bytes of
// all registered values together, and the bytes of a value and of a part in the text.
const (
	maxValue = 2 << 10
	maxTotal = 1 << 20
	maxShown = 200
	maxPart  = 60
)

// URI compares URIs: redirect URIs and resources. The result is a clause such as
//
//	the nearest registered value is "https://app.example.com/cb", which differs in the port (sent ":8443", registered "")
func URI(sent string, registered []string) string {
	return describe(sent, registered, split(cut(sent, maxValue)), split)
}

// Word compares words, such as scopes, in the same way. A scope that is a URI is
// compared as one.
func Word(sent string, registered []string) string {
	if strings.Contains(sent, "://") {
		return URI(sent, registered)
	}
	return describe(sent, registered, whole(cut(sent, maxValue)), whole)
}

func describe(sent string, registered []string, parts []part, splitter func(string) []part) string {
	best, nearest, total := distance{}, -1, 0
	for i, value := range registered {
		value = cut(value, maxValue)
		if total += len(value) + 1; total > maxTotal {
			break
		}
		if d := between(parts, splitter(value)); nearest < 0 || d.less(best) {
			best, nearest = d, i
		}
	}
	if nearest < 0 {
		return "none is registered"
	}
	value := registered[nearest]
	if opaque(sent) {
		return fmt.Sprintf("the nearest registered value is %q, which differs in the user name or path", cut(value, maxShown))
	}
	differences := differences(parts, splitter(cut(value, maxValue)))
	if len(differences) == 0 {
		differences = []string{fmt.Sprintf("the text after %d bytes", maxValue)}
	}
	if len(sent) > maxValue {
		differences = append(differences, fmt.Sprintf("the length (%d bytes were sent)", len(sent)))
	}
	return fmt.Sprintf("the nearest registered value is %q, which differs in %s", cut(value, maxShown), strings.Join(differences, " and "))
}

// distance says how much two values differ: first by the importance of the parts
// that differ, then by the number of bytes.
type distance struct{ parts, bytes int }

func (d distance) less(other distance) bool {
	if d.parts != other.parts {
		return d.parts < other.parts
	}
	return d.bytes < other.bytes
}

func between(sent, registered []part) (d distance) {
	for i, p := range sent {
		if p.text == registered[i].text {
			continue
		}
		if p.similarity(registered[i]) != "" {
			d.parts++
		} else {
			d.parts += p.weight
		}
		a, b := middle(p.text, registered[i].text)
		d.bytes += max(len(a), len(b))
	}
	return d
}

// differences names each part that differs, with the sent and the registered text.
func differences(sent, registered []part) (named []string) {
	for i, p := range sent {
		if p.text == registered[i].text {
			continue
		}
		a, b := excerpt(p.shown(), registered[i].shown())
		name := "the " + p.name
		switch like := p.similarity(registered[i]); {
		case like != "" && p.name == spelling:
			name = "the " + like
		case like != "":
			name = "the " + like + " of the " + p.name
		}
		if a == b || p.name == "user name" {
			named = append(named, name)
			continue
		}
		named = append(named, fmt.Sprintf("%s (sent %q, registered %q)", name, a, b))
	}
	return named
}

// excerpt returns both texts, or the part of each that differs if they are long.
func excerpt(a, b string) (string, string) {
	if len(a) <= maxPart && len(b) <= maxPart {
		return a, b
	}
	a, b = middle(a, b)
	return cut(a, maxPart), cut(b, maxPart)
}

// middle returns the texts without their common beginning and end.
func middle(a, b string) (string, string) {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	a, b = a[n:], b[n:]
	n = 0
	for n < len(a) && n < len(b) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	return a[:len(a)-n], b[:len(b)-n]
}

func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return text[:n]
}
