package keyring

import (
	"crypto/sha256"
	"sync"
)

// verified keeps what tokens say whose signature was verified, for checking a
// signature costs more than reading a row. It never answers whether a token may
// be used: time and row are asked on each request. Only tokens that our own keys
// signed get in, so strangers cannot fill it.
//
// It holds at most two generations. When the younger is full it becomes the
// elder, and what nobody has used since goes with the one before.
type verified struct {
	mu           sync.RWMutex
	young, elder map[tokenDigest]Claims
}

// tokenDigest is the SHA-256 of a token with its signature.
type tokenDigest [sha256.Size]byte

// generation is how many tokens one holds: together some two megabytes.
const generation = 4096

// claims returns what a token says, if its signature was verified before.
func (m *verified) claims(d tokenDigest) (c Claims, ok bool) {
	m.mu.RLock()
	c, young := m.young[d]
	if !young {
		c, ok = m.elder[d]
	}
	m.mu.RUnlock()
	if ok {
		m.add(d, c)
	}
	return c, young || ok
}

// add remembers a token whose signature was verified.
func (m *verified) add(d tokenDigest, c Claims) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.young == nil || len(m.young) >= generation {
		m.young, m.elder = make(map[tokenDigest]Claims, generation/8), m.young
	}
	m.young[d] = c
}
