// Package recent keeps the values that were used most recently, in bounded memory.
package recent

import (
	"cmp"
	"sync"
)

// Map is a map that drops values that were not used for long. It is safe for
// concurrent use, and its zero value is empty.
//
// It holds at most two generations. When young is full it becomes elder, and the
// values in the previous elder that were not used since are dropped.
type Map[K comparable, V any] struct {
	// Generation is how many values a generation holds. Default: 4096.
	Generation int

	mu           sync.RWMutex
	young, elder map[K]V
}

// generation is the default of [Map.Generation].
const generation = 4096

// Get returns the value of a key.
func (m *Map[K, V]) Get(key K) (value V, ok bool) {
	m.mu.RLock()
	value, young := m.young[key]
	if !young {
		value, ok = m.elder[key]
	}
	m.mu.RUnlock()
	if ok {
		m.Put(key, value)
	}
	return value, young || ok
}

// Put sets the value of a key.
func (m *Map[K, V]) Put(key K, value V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if full := cmp.Or(m.Generation, generation); m.young == nil || len(m.young) >= full {
		m.young, m.elder = make(map[K]V, full/8), m.young
	}
	m.young[key] = value
}
