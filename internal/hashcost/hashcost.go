// Package hashcost has the cost of a new password hash. Tests that do not test
// hashing lower it.
package hashcost

import "sync/atomic"

// Argon2 is a cost of argon2id (RFC 9106 §3.1).
type Argon2 struct {
	Memory  uint32 // KiB
	Time    uint32 // passes over the memory
	Threads uint8
}

// full is one of the equal choices of the OWASP Password Storage Cheat Sheet.
var full = Argon2{Memory: 19 << 10, Time: 2, Threads: 1}

// cheap is the lowest cost of argon2id.
var cheap = Argon2{Memory: 8, Time: 1, Threads: 1}

var lowered atomic.Bool

// Current returns the cost of a new hash.
func Current() Argon2 {
	if lowered.Load() {
		return cheap
	}
	return full
}

// Lower makes the hashes of this process cheap and insecure. Only TestMain may call
// it; internal/archtest checks that.
func Lower() { lowered.Store(true) }
