// Package storable checks whether every store can keep a text.
package storable

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-passport/passport/internal/character"
)

// Text reports whether every store keeps the text unchanged: 1 to 255 bytes of UTF-8
// without ASCII control characters. Use it for existing IDs, such as those of an
// application's users.
func Text(text string) bool {
	isControl := func(r rune) bool { return r <= unicode.MaxASCII && character.Control(r) }
	return text != "" && len(text) <= 255 && utf8.ValidString(text) && !strings.ContainsFunc(text, isControl)
}

// Name reports whether a text is a [Text] that is also safe to show as a name or an ID:
// it has no control or format characters (see [character.Control]).
func Name(text string) bool { return Text(text) && !character.HasControl(text) }
