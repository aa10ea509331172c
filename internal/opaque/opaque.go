// Package opaque makes tokens that say nothing: a prefix by which people and
// secret scanners know them, a secret, and a checksum, so that what only looks
// like one is found out without asking a database.
package opaque

import (
	"encoding/base32"
	"encoding/binary"
	"hash/crc32"
	"strings"

	"github.com/go-passport/passport/internal/secret"
)

// checksumLength is that of 32 bits in base32.
const checksumLength = 7

// secretLength is that of [secret.New].
var secretLength = len(secret.New())

// New returns a new token: prefix, 256 random bits, checksum. All but the prefix
// is of the characters A-Z and 2-7.
func New(prefix string) string {
	token := prefix + secret.New()
	return token + checksum(token)
}

// Is reports whether a text has the form of a token of the prefix, and its
// checksum is right. It is no proof that there is such a token.
func Is(prefix, token string) bool {
	body, ok := strings.CutPrefix(token, prefix)
	if !ok || len(body) != secretLength+checksumLength {
		return false
	}
	end := len(token) - checksumLength
	return token[end:] == checksum(token[:end])
}

func checksum(text string) string {
	sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(text)))
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum)
}
