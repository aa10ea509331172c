package testkit

import (
	"net/url"
)

// Edits returns an iterator over texts that differ from a token by one flipped bit, a
// truncation or an extension.
func Edits(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for i := range len(text) {
			for bit := range 7 {
				b := []byte(text)
				b[i] ^= 1 << bit
				if b[i] >= ' ' && b[i] < 0x7f && !yield(string(b)) {
					return
				}
			}
			if i > 0 && (!yield(text[:i]) || !yield(text[i:])) {
				return
			}
		}
		for _, more := range []string{"A", "=", ".", " ", text, "\t", "%00", url.QueryEscape(text)[:1]} {
			if !yield(text+more) || !yield(more+text) {
				return
			}
		}
	}
}
