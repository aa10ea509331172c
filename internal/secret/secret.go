// Package secret makes bearer secrets and compares them.
package secret

import (
	"crypto/rand"
	"crypto/subtle"
)

// New returns a secret of at least 256 random bits: 52 characters A-Z and 2-7,
// so that it needs no escaping in a URL, a form, a shell or a header, and a
// double click selects all of it.
func New() string { return rand.Text() + rand.Text() }

// Equal reports whether two secrets are the same, in a time that tells nothing
// of where they differ. Of their lengths it keeps no secret.
func Equal(a, b string) bool {
	return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}
