package logline

import "sync"

// maxKeys is the maximum number of keys of a [Once].
const maxKeys = 1000

// Once limits a notice to one line for each key, such as a client ID. It remembers
// at most 1000 keys. Further keys get no line. The zero value is ready for use, also
// concurrently.
type Once struct {
	mu   sync.Mutex
	seen map[string]bool
}

// First reports whether this is the first call for a key.
func (o *Once) First(key string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.seen[key] || len(o.seen) >= maxKeys {
		return false
	}
	if o.seen == nil {
		o.seen = map[string]bool{}
	}
	o.seen[key] = true
	return true
}
