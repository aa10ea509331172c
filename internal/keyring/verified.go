package keyring

import (
	"crypto/sha256"
	"sync"
)

// verified caches the claims of tokens whose signature was verified, because a
// verification costs more than reading a row. It does not decide whether a token
// may be used: each request checks the time and the row. Only tokens signed with
// our keys get in, so an attacker cannot fill it.
//
// It holds at most two generations. When young is full it becomes elder, and
// the claims in the previous elder that were not used since are dropped.
type verified struct {
	mu           sync.RWMutex
	young, elder map[tokenDigest]Claims
}

// tokenDigest is the SHA-256 of a token with its signature.
type tokenDigest [sha256.Size]byte

// generation is how many tokens a generation holds. Two use about two
// megabytes.
const generation = 4096

// claims returns the claims of a token whose signature was verified before.
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

// add caches the claims of a token whose signature was verified.
func (m *verified) add(d tokenDigest, c Claims) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.young == nil || len(m.young) >= generation {
		m.young, m.elder = make(map[tokenDigest]Claims, generation/8), m.young
	}
	m.young[d] = c
}
