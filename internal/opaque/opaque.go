// Package opaque generates tokens that carry no information: a prefix that users and
// secret scanners recognize, a secret, and a checksum. The checksum rejects most
// invalid tokens without a database query.
package opaque

import (
	"encoding/base32"
	"encoding/binary"
	"hash/crc32"
	"strings"

	"github.com/go-passport/passport/internal/secret"
)

// checksumLength is the length of 32 bits in base32.
const checksumLength = 7

// secretLength is the length of a [secret.New].
var secretLength = len(secret.New())

// New returns a new token: prefix, 256 random bits, checksum. After the prefix,
// all characters are A-Z and 2-7.
func New(prefix string) string {
	token := prefix + secret.New()
	return token + checksum(token)
}

// Is reports whether a text has the form of a token with the prefix, and a
// correct checksum. It does not prove that the token exists.
func Is(prefix, token string) bool {
	body, ok := strings.CutPrefix(token, prefix)
	if !ok || len(body) != secretLength+checksumLength {
		return false
	}
	end := len(token) - checksumLength
	return token[end:] == checksum(token[:end])
}

// HasForm reports whether a text has the form of a token with any prefix, and a correct
// checksum.
func HasForm(token string) bool {
	body := len(token) - secretLength - checksumLength
	return body >= 0 && Is(token[:body], token)
}

func checksum(text string) string {
	sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(text)))
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum)
}
