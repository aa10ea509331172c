// Package usercode makes and reads user codes, which users copy from a device by hand
// (RFC 8628 §6.1).
package usercode

import (
	"crypto/rand"
	"math/big"
	"strings"
	"unicode"
)

// Alphabet has the characters of a user code: no vowels, so that no words appear, and
// no digits, so that one keyboard of a phone suffices.
const Alphabet = "BCDFGHJKLMNPQRSTVWXZ"

// Length is the number of characters of a user code. 20^8 codes are 34.5 bits.
const Length = 8

// maxInput is the maximum length of what a user typed, in bytes.
const maxInput = 100

// New returns a user code of random characters, without a separator.
func New() string {
	size := big.NewInt(int64(len(Alphabet)))
	code := make([]byte, Length)
	for i := range code {
		n, err := rand.Int(rand.Reader, size)
		if err != nil {
			panic(err) // rand.Reader never fails
		}
		code[i] = Alphabet[n.Int64()]
	}
	return string(code)
}

// Shown returns a user code as devices and pages show it: XXXX-XXXX.
func Shown(code string) string {
	if len(code) != Length {
		return code
	}
	return code[:Length/2] + "-" + code[Length/2:]
}

// Normalize returns the user code that a user meant, and whether the text can be one.
// It ignores case, spaces and punctuation, and understands full-width letters and
// characters of other alphabets that look the same.
func Normalize(typed string) (code string, ok bool) {
	if len(typed) > maxInput {
		return "", false
	}
	var b strings.Builder
	for _, r := range typed {
		if unicode.IsSpace(r) || unicode.IsPunct(r) || unicode.Is(unicode.Cf, r) {
			continue
		}
		r = letter(r)
		if !strings.ContainsRune(Alphabet, r) || b.Len() == Length {
			return "", false
		}
		b.WriteRune(r)
	}
	return b.String(), b.Len() == Length
}

// letter returns the character of the alphabet that a typed character stands for, or
// the character itself.
func letter(r rune) rune {
	if r >= '！' && r <= '～' { // the full-width forms of ASCII
		r += '!' - '！'
	}
	r = unicode.ToUpper(r)
	if meant, ok := lookAlikes[r]; ok {
		return meant
	}
	return r
}

// lookAlikes has only characters that look like a single one of the alphabet.
var lookAlikes = map[rune]rune{
	'8': 'B', '5': 'S', '2': 'Z', '6': 'G', '1': 'L', 'I': 'L', 'U': 'V',
	'В': 'B', 'С': 'C', 'Н': 'H', 'К': 'K', 'М': 'M', 'Р': 'P', 'Т': 'T', 'Х': 'X', // Cyrillic
	'Β': 'B', 'Η': 'H', 'Κ': 'K', 'Μ': 'M', 'Ν': 'N', 'Ρ': 'P', 'Τ': 'T', 'Χ': 'X', 'Ζ': 'Z', // Greek
}
