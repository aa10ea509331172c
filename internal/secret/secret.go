// Package secret generates and compares bearer secrets.
package secret

import (
	"crypto/rand"
	"crypto/subtle"
	"strings"
)

// New returns a secret of at least 256 random bits. It has 52 characters, A-Z
// and 2-7: it needs no escaping in a URL, a form, a shell or a header, and a
// double click selects all of it.
func New() string { return rand.Text() + rand.Text() }

// WellFormed reports whether s has the form of a secret that [New] returns.
func WellFormed(s string) bool {
	return len(s) == 52 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

// Equal reports whether two secrets are equal, in constant time. It does not
// hide their lengths.
func Equal(a, b string) bool {
	return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}
