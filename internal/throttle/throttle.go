// Package throttle slows down attackers that guess secrets. It counts failures
// per name, per address, and per name at an address. The counters are in
// memory; nodes do not share them.
//
// Only failures count. When a limit is reached, the next attempt must wait for
// a pause. Each further failure doubles the pause, until failures drain away as
// fast as they arrive.
package throttle

import (
	"container/list"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"sync"
	"time"

	"github.com/go-passport/passport/oauth"
)

// Limit is how many failures are free, and how long it takes to forget that
// many. Failures drain away one after the other, so that waiting for a new hour
// has no advantage. The zero Limit allows any number of failures.
type Limit struct {
	Failures int
	Within   time.Duration
}

// Limits are the limits for one kind of secret.
type Limits struct {
	Pair    Limit // one name at one address
	Name    Limit // one name at all addresses, except those where it succeeded recently
	Address Limit // all names at one address, except those that succeeded there recently
}

// knownFor is how long a name is known at an address where its secret was
// right. An attacker at another address cannot lock the name out there.
const knownFor = 30 * 24 * time.Hour

// firstPause is the pause after the first failure over the limit.
const firstPause = time.Second

// Throttle counts failures. It keeps at most the number of counters that was passed
// to New, and drops the counter that was unused for the longest time. It is safe for
// concurrent use and starts no goroutine.
type Throttle struct {
	limits Limits
	size   int
	salt   []byte

	mu       sync.Mutex
	counters map[key]*list.Element
	recent   *list.List // of *counter, the most recent first
}

// key is a keyed digest, because a user may type a password as the name.
type key [sha256.Size]byte

type counter struct {
	key      key
	failures float64   // at the time at; they drain
	at       time.Time // of the last failure
	until    time.Time // the end of a pause
	known    time.Time // until when the name is known at the address
}

// New returns a throttle that keeps at most size counters.
func New(size int, limits Limits) *Throttle {
	t := &Throttle{limits: limits, size: size, salt: make([]byte, sha256.Size), counters: map[key]*list.Element{}, recent: list.New()}
	_, _ = rand.Read(t.salt) // Read never fails
	return t
}

// Attempt is one attempt to prove a secret.
type Attempt struct {
	Name    string
	Address string // an IP address; any other text counts for the name alone

	// Shared says that many users share the address, as behind a client's
	// server. The limit of the address then does not apply.
	Shared bool
}

// Refusal is the error for an attempt that is too early. It contains no name
// and no address.
type Refusal struct {
	Limit Limit // the limit that was reached
	Wait  time.Duration
	of    string
}

func (r *Refusal) Error() string { return "too many failed attempts for " + r.of }

// Refuse returns a *Refusal if the attempt is too early, so that the caller need
// not check the secret.
func (t *Throttle) Refuse(a Attempt) error {
	now, k := time.Now(), t.keys(a)
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.refuse(k, now)
}

// Settle counts the outcome of an attempt. If it returns a *Refusal, the caller
// must not reveal the outcome, right or wrong. So concurrent guesses count the
// same as sequential ones.
func (t *Throttle) Settle(a Attempt, right bool) error {
	now, k := time.Now(), t.keys(a)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.refuse(k, now); err != nil {
		return err
	}
	if right {
		t.succeeded(k, now)
		return nil
	}
	known := t.known(k, now)
	for _, c := range k {
		if c.of == ofName && known {
			continue // an attacker's guesses must not use up the owner's typing errors, nor the reverse
		}
		t.failed(c, now)
	}
	return nil
}

// Len returns the number of counters.
func (t *Throttle) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.counters)
}

// limited is a counter's key and its limit.
type limited struct {
	of    string
	key   key
	limit Limit
}

const (
	ofPair    = "the user name from this address"
	ofName    = "the name"
	ofAddress = "the address"
)

// keys returns the counters of an attempt, the pair's first.
func (t *Throttle) keys(a Attempt) []limited {
	keys := make([]limited, 0, 3)
	address := Subscriber(a.Address)
	add := func(of string, limit Limit, parts ...string) {
		if limit.Failures > 0 {
			keys = append(keys, limited{of, t.key(of, parts...), limit})
		}
	}
	if address != "" {
		add(ofPair, t.limits.Pair, address, a.Name)
	}
	add(ofName, t.limits.Name, a.Name)
	if address != "" && !a.Shared {
		add(ofAddress, t.limits.Address, address)
	}
	return keys
}

// key returns the digest of the salt, the kind of counter, and the parts, each
// preceded by its length. The key never leaves the process, so a plain hash
// suffices.
func (t *Throttle) key(of string, parts ...string) key {
	text := append(make([]byte, 0, 256), t.salt...)
	text = append(binary.BigEndian.AppendUint64(text, uint64(len(of))), of...)
	for _, part := range parts {
		text = append(binary.BigEndian.AppendUint64(text, uint64(len(part))), part...)
	}
	return sha256.Sum256(text)
}

// refuse returns the Refusal with the longest current pause, or nil.
func (t *Throttle) refuse(keys []limited, now time.Time) error {
	known := t.known(keys, now)
	var longest *Refusal
	for _, k := range keys {
		c := t.find(k.key)
		if c == nil || !now.Before(c.until) || known && k.of != ofPair {
			continue
		}
		t.touch(k.key) // a counter under attack must not be dropped
		if wait := c.until.Sub(now); longest == nil || wait > longest.Wait {
			longest = &Refusal{Limit: k.limit, Wait: wait, of: k.of}
		}
	}
	if longest == nil {
		return nil
	}
	return longest
}

func (t *Throttle) known(keys []limited, now time.Time) bool {
	if len(keys) == 0 || keys[0].of != ofPair {
		return false
	}
	c := t.find(keys[0].key)
	return c != nil && now.Before(c.known)
}

// succeeded forgets the failures of the name and makes the name known at its
// address. It keeps the failures of other names at that address.
func (t *Throttle) succeeded(keys []limited, now time.Time) {
	for _, k := range keys {
		switch k.of {
		case ofPair:
			c := t.touch(k.key)
			c.failures, c.until, c.known = 0, time.Time{}, now.Add(knownFor)
		case ofName:
			t.forget(k.key)
		}
	}
}

func (t *Throttle) failed(k limited, now time.Time) {
	c := t.touch(k.key)
	drained := float64(now.Sub(c.at)) / float64(k.limit.Within) * float64(k.limit.Failures)
	c.failures = max(0, c.failures-max(0, drained)) + 1
	c.at = now
	// Part of the first failure may have drained away before the last free one.
	if over := c.failures - float64(k.limit.Failures); over > -1 {
		pause := float64(firstPause) * math.Exp2(min(max(0, over), 20))
		c.until = now.Add(min(time.Duration(pause), k.limit.Within))
	}
}

func (t *Throttle) find(k key) *counter {
	e, ok := t.counters[k]
	if !ok {
		return nil
	}
	return e.Value.(*counter)
}

// touch returns a counter and marks it as the most recent. It drops the oldest
// counter to make room.
func (t *Throttle) touch(k key) *counter {
	if e, ok := t.counters[k]; ok {
		t.recent.MoveToFront(e)
		return e.Value.(*counter)
	}
	for len(t.counters) >= t.size {
		t.forget(t.recent.Back().Value.(*counter).key)
	}
	c := &counter{key: k}
	t.counters[k] = t.recent.PushFront(c)
	return c
}

func (t *Throttle) forget(k key) {
	if e, ok := t.counters[k]; ok {
		t.recent.Remove(e)
		delete(t.counters, k)
	}
}

// Subscriber returns a key for the subscriber that an address belongs to. For
// IPv6 that is the /64 prefix, because a subscriber has at least that. For a
// text that is not an IP address it is empty.
func Subscriber(address string) string {
	addr, err := netip.ParseAddr(address)
	if err != nil {
		return ""
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return addr.String()
	}
	prefix, err := addr.Prefix(64)
	if err != nil {
		panic(fmt.Sprintf("throttle: an IPv6 address has 64 bits: %v", err))
	}
	return prefix.String()
}

// Error returns the error that a client gets instead of an outcome. The refusal
// stays in the chain, for the log and for the headers of the response.
func Error(code oauth.ErrorCode, refusal error) error {
	return fmt.Errorf("%w: %w", refusal, code.Errorf("too many failed attempts: wait before the next one"))
}
