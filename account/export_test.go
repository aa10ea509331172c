package account

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/go-passport/passport/oauth"
)

// What the fuzz targets reach: each takes text that a stranger wrote.

// LocalPath is localPath.
func LocalPath(s, fallback string) string { return localPath(s, fallback) }

// SessionDigest is what a request's session is looked up by.
func SessionDigest(r *http.Request) (oauth.Digest, bool) {
	return newCookies(&url.URL{Scheme: "http"}, time.Hour).digest(r)
}

// VerifyHash verifies a password against a stored hash.
func VerifyHash(stored, password string) (ok, outdated bool, err error) {
	return newHasher(1).verify(stored, password, leastWork())
}

// ParsesHash reports whether a stored hash is one that would be computed.
func ParsesHash(stored string) bool {
	_, err := parseHash(stored)
	return err == nil
}

// EmailKey is emailKey.
func EmailKey(email string) string { return emailKey(email) }

// EmailKeys is emailKeys.
func EmailKeys(email string) [3]string { return emailKeys(email) }

// Subscriber is subscriber.
func Subscriber(address string) string { return subscriber(address) }

// NewHash returns a hash of today's cost.
func NewHash(password string) string { return newHasher(1).hash(password) }

// HashCost returns what computing a stored hash takes; zero for bcrypt.
func HashCost(stored string) (memory, passes uint32, threads uint8) {
	p, _ := parseHash(stored)
	return p.memory, p.time, p.threads
}

// Queue returns the way into a hasher with so many places.
func Queue(places int) func(context.Context) (func(), error) { return newHasher(places).enter }

// Work is what one sign-in computes: passes over KiB of memory for argon2id, and
// rounds for bcrypt.
type Work struct{ Argon2, Bcrypt uint64 }

// WorkOf returns the work of a sign-in with a wrong password to an account with a
// stored hash, in a table that has hashes of these costs.
func WorkOf(stored, password string, costs ...string) Work {
	spent, _ := WorkOfMatch(stored, "", password, costs...)
	return spent
}

// WorkOfMatch returns the work of a sign-in to an account whose password is right, and
// whether the typed one passes.
func WorkOfMatch(stored, right, typed string, costs ...string) (spent Work, ok bool) {
	h := newHasher(1)
	parsed, _ := parseHash(stored)
	h.idKey = func(password, salt []byte, time, memory uint32, _ uint8, length uint32) []byte {
		spent.Argon2 += uint64(time) * uint64(memory)
		if string(password) == right && bytes.Equal(salt, parsed.salt) && len(parsed.key) == int(length) {
			return parsed.key
		}
		return make([]byte, length)
	}
	h.compare = func(hash, password []byte) error {
		cost, err := bcrypt.Cost(hash)
		if err != nil {
			return err
		}
		spent.Bcrypt += 1 << cost
		if string(password) == right && string(hash) == stored {
			return nil
		}
		return bcrypt.ErrMismatchedHashAndPassword
	}
	w := leastWork()
	for _, cost := range costs {
		w = w.with(cost)
	}
	ok, _, _ = h.verify(stored, typed, w)
	return spent, ok
}
