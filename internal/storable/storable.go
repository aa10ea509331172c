// Package storable knows which texts every store can keep.
package storable

import (
	"unicode/utf8"

	"github.com/go-passport/passport/internal/character"
)

// Text reports whether a text is a name or an ID that every store keeps unchanged
// and that is safe to show: 1 to 255 bytes of UTF-8 without control and format
// characters (see [character.Control]).
func Text(text string) bool {
	return text != "" && len(text) <= 255 && utf8.ValidString(text) && !character.HasControl(text)
}
