// Package uuid generates row IDs: version 7, which sort by creation time, and
// version 8, which are derived from a secret.
package uuid

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"sync/atomic"
	"time"
)

// tickBits is the resolution of a timestamp below the millisecond: the 12 bits
// of rand_a hold the fraction (RFC 9562 §6.2, method 3).
const tickBits = 12

// backwards is how far the clock may be set back, in ticks, before the IDs
// follow it. Up to that, the ticks count up from the last one, to keep the
// order.
const backwards = 60_000 << tickBits

var last atomic.Int64

// NewV7 returns a UUID of version 7 (RFC 9562 §5.7) in its text form. The UUIDs
// of one process sort in the order of their creation, unless the clock is set
// back by more than a minute. Each has 62 random bits: a UUID is unique across
// processes without coordination, but it is not a secret.
func NewV7() string {
	var id [16]byte
	rand.Read(id[8:]) // Read returns no error: it ends the program instead
	tick := nextTick()
	binary.BigEndian.PutUint64(id[:8], uint64(tick>>tickBits)<<16|uint64(tick)&(1<<tickBits-1))
	id[6] |= 0x70             // version 7
	id[8] = id[8]&0x3f | 0x80 // the variant of RFC 9562
	return text(id)
}

// NewV8 returns a UUID of version 8 (RFC 9562 §5.8) that is derived from a
// secret: 122 bits of its SHA-256. The UUID does not reveal the secret.
func NewV8(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	id := [16]byte(sum[:16])
	id[6] = id[6]&0x0f | 0x80 // version 8
	id[8] = id[8]&0x3f | 0x80 // the variant of RFC 9562
	return text(id)
}

// nextTick returns the current time in ticks since 1970. If that is not after
// the last tick that it returned, it returns the next one.
func nextTick() int64 {
	now := time.Now()
	fraction := int64(now.Nanosecond()%1e6) << tickBits / 1e6
	for {
		prev, tick := last.Load(), now.UnixMilli()<<tickBits|fraction
		if tick <= prev && prev-tick < backwards {
			tick = prev + 1
		}
		if last.CompareAndSwap(prev, tick) {
			return tick
		}
	}
}

func text(id [16]byte) string {
	var b [36]byte
	hex.Encode(b[0:8], id[0:4])
	hex.Encode(b[9:13], id[4:6])
	hex.Encode(b[14:18], id[6:8])
	hex.Encode(b[19:23], id[8:10])
	hex.Encode(b[24:36], id[10:16])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}
