// Package storable knows which texts every store can keep.
package storable

import (
	"strings"
	"unicode/utf8"
)

// Text reports whether every store keeps the text unchanged: 1 to 255 bytes of
// UTF-8 without control characters.
func Text(text string) bool {
	isControl := func(r rune) bool { return r < ' ' || r == 0x7f }
	return text != "" && len(text) <= 255 && utf8.ValidString(text) && !strings.ContainsFunc(text, isControl)
}
