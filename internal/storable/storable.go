// Package storable knows which texts every store can keep.
package storable

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-passport/passport/internal/character"
)

// Text reports whether every store keeps the text unchanged: 1 to 255 bytes of
// UTF-8 without the control characters of ASCII. It is for the IDs of an
// application's users, which exist already.
func Text(text string) bool {
	isControl := func(r rune) bool { return r <= unicode.MaxASCII && character.Control(r) }
	return text != "" && len(text) <= 255 && utf8.ValidString(text) && !strings.ContainsFunc(text, isControl)
}

// Name reports whether a text is a name or an ID that is also safe to show: a [Text]
// without control and format characters (see [character.Control]).
func Name(text string) bool { return Text(text) && !character.HasControl(text) }
