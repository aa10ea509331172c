package page

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMarks is the maximum number of combining marks after a letter. It is more than
// any language needs, and too few to cover the lines above.
const maxMarks = 4

// Text returns s as a name that is safe to show beside our own text. It removes
// characters that are invisible or change the direction of text, folds white
// space, and cuts s to limit characters.
func Text(s string, limit int) string {
	var b strings.Builder
	marks := 0
	for _, r := range s {
		switch {
		case Unseen(r):
			continue
		case unicode.Is(unicode.M, r):
			if marks++; marks > maxMarks {
				continue
			}
		default:
			marks = 0
		}
		b.WriteRune(r)
	}
	return cut(strings.Join(strings.Fields(b.String()), " "), limit)
}

func cut(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	if limit < 1 {
		return ""
	}
	return strings.TrimSpace(string([]rune(s)[:limit-1])) + "…"
}

// Unseen reports whether r must not appear in a name: control characters,
// characters that format or reorder text, private use, blank letters and marks,
// and the replacement for invalid UTF-8. Ordinary white space is allowed.
func Unseen(r rune) bool {
	switch r {
	case '\t', '\n', '\r':
		return false // folded to a space by Text
	case utf8.RuneError, 0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0:
		return true
	}
	return unicode.In(r, unicode.C, unicode.Zl, unicode.Zp, unicode.Variation_Selector)
}
