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

// The fuzz targets. Each takes text that a client or an attacker wrote.

// LocalPath exports localPath.
func LocalPath(s, fallback string) string { return localPath(s, fallback) }

// SessionDigest returns the digest that a request's session is looked up by.
func SessionDigest(r *http.Request) (oauth.Digest, bool) {
	return newCookies(&url.URL{Scheme: "http"}, time.Hour).digest(r)
}

// VerifyHash verifies a password against a stored hash.
func VerifyHash(stored, password string) (ok, outdated bool, err error) {
	return newHasher(1).verify(stored, password, leastWork())
}

// ParsesHash reports whether a stored hash is accepted.
func ParsesHash(stored string) bool {
	_, err := parseHash(stored)
	return err == nil
}

// EmailKey exports emailKey.
func EmailKey(email string) string { return emailKey(email) }

// EmailKeys exports emailKeys.
func EmailKeys(email string) [3]string { return emailKeys(email) }

// Subscriber exports subscriber.
func Subscriber(address string) string { return subscriber(address) }

// NewHash returns a hash of the current cost.
func NewHash(password string) string { return newHasher(1).hash(password) }

// HashCost returns the parameters of a stored hash; zero for bcrypt.
func HashCost(stored string) (memory, passes uint32, threads uint8) {
	p, _ := parseHash(stored)
	return p.memory, p.time, p.threads
}

// Queue returns enter of a hasher with a number of slots.
func Queue(slots int) func(context.Context) (func(), error) { return newHasher(slots).enter }

// Work is the hashing of one sign-in: memory in KiB times passes for argon2id, and
// rounds for bcrypt.
type Work struct{ Argon2, Bcrypt uint64 }

// WorkOf returns the work of a sign-in with a wrong password to an account with a
// stored hash. The table has hashes of these costs.
func WorkOf(stored, password string, costs ...string) Work {
	spent, _ := WorkOfMatch(stored, "", password, costs...)
	return spent
}

// WorkOfMatch returns the work of a sign-in to an account whose password is right, and
// whether the typed password matches.
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
	h.iKey = h.idKey
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
