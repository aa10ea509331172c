// Package character detects characters that a text from outside must not have.
package character

import (
	"fmt"
	"strings"
	"unicode"
)

const (
	nonJoiner = '\u200C'
	joiner    = '\u200D'
)

// Control reports whether r controls a terminal, a page or a log: a control
// character (C0, DEL and C1), a format character such as U+202E RIGHT-TO-LEFT
// OVERRIDE, or a line or paragraph separator. The two joiners are format characters
// that many scripts and emoji need, so they are allowed.
func Control(r rune) bool {
	if r < unicode.MaxASCII {
		return r < ' '
	}
	return r != joiner && r != nonJoiner && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// HasControl reports whether a text has a [Control] character.
func HasControl(text string) bool { return strings.ContainsFunc(text, Control) }

// Escape returns a text with each [Control] character in its JSON escape, such as
// \u0085, except the characters in keep. The result of Escape for a JSON value is the
// same value.
func Escape(text, keep string) string {
	escaped := func(r rune) bool { return Control(r) && !strings.ContainsRune(keep, r) }
	if !strings.ContainsFunc(text, escaped) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case !escaped(r):
			b.WriteRune(r)
		case r > 0xffff: // a surrogate pair (RFC 8259 §7)
			const high, low, base = 0xd800, 0xdc00, 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, high+(r-base)>>10, low+(r-base)&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
