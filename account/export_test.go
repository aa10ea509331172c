package account

import (
	"context"
	"net/http"
	"net/url"
	"time"

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
	return newHasher(1).verify(stored, password)
}

// ParsesHash reports whether a stored hash is one that would be computed.
func ParsesHash(stored string) bool {
	_, err := parseHash(stored)
	return err == nil
}

// EmailKey is emailKey.
func EmailKey(email string) string { return emailKey(email) }

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
