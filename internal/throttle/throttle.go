// Package throttle slows down whoever guesses secrets. It counts failures, in
// memory, of each name, of each address, and of each name at each address. What
// a process knows it does not share with others.
//
// Only failures cost. A limit that is reached means a pause, which every further
// failure doubles until failures drain away as fast as they come.
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

// Limit is how many failures are free, and how long it takes until as many are
// forgotten: one after the other, so that nobody gains by waiting for an hour to
// begin. A zero Limit does not hold.
type Limit struct {
	Failures int
	Within   time.Duration
}

// Limits are those of one kind of secret.
type Limits struct {
	Pair    Limit // one name at one address
	Name    Limit // one name at all addresses, save those at which it was right lately
	Address Limit // all names at one address, save those that were right there lately
}

// knownFor is how long a name is known at an address where its secret was right.
// A stranger elsewhere cannot keep it from there.
const knownFor = 30 * 24 * time.Hour

// firstPause is how long the first failure beyond the limit is answered for.
const firstPause = time.Second

// Throttle counts. It keeps at most so many counters as it was made for: the one
// that was not needed for the longest time makes room. It is safe for concurrent
// use and starts no goroutine.
type Throttle struct {
	limits Limits
	size   int
	salt   []byte

	mu       sync.Mutex
	counters map[key]*list.Element
	recent   *list.List // of *counter, the latest first
}

// key is a keyed digest: what somebody typed as a name may be a password.
type key [sha256.Size]byte

type counter struct {
	key      key
	failures float64   // at the time below; they drain
	at       time.Time // of the last failure
	until    time.Time // a pause
	known    time.Time // until when the pair is known
}

// New returns a throttle that keeps at most size counters.
func New(size int, limits Limits) *Throttle {
	t := &Throttle{limits: limits, size: size, salt: make([]byte, sha256.Size), counters: map[key]*list.Element{}, recent: list.New()}
	_, _ = rand.Read(t.salt) // never fails
	return t
}

// Attempt is one try to prove something.
type Attempt struct {
	Name    string
	Address string // an IP address; what is none counts for the name alone

	// Shared says that the address speaks for many, as a client's server does
	// for its users, so that the limit of the address does not hold.
	Shared bool
}

// Refusal says that an attempt is too early. It names nobody.
type Refusal struct {
	Limit Limit // that was reached
	Wait  time.Duration
	of    string
}

func (r *Refusal) Error() string { return "too many failures of " + r.of }

// Refuse returns a *Refusal if the attempt is too early whatever comes of it, so
// that nobody need look at the secret.
func (t *Throttle) Refuse(a Attempt) error {
	now, k := time.Now(), t.keys(a)
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.refuse(k, now)
}

// Settle says whether the outcome of an attempt may be told, and counts it. A
// *Refusal means that it may not, right or wrong: of many guesses at once no more
// are answered than of as many one by one.
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
			continue // a stranger's guesses must not use up what the owner mistypes, nor the reverse
		}
		t.failed(c, now)
	}
	return nil
}

// Len is how many counters there are.
func (t *Throttle) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.counters)
}

// limited is a counter and the limit that holds for it.
type limited struct {
	of    string
	key   key
	limit Limit
}

const (
	ofPair    = "the name at this address"
	ofName    = "the name"
	ofAddress = "the address"
)

// keys are the counters of an attempt, the pair's first.
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

// key is the digest of the salt, of what the counter is of, and of the parts, each
// after its length: nobody sees it, so it need be no more than that.
func (t *Throttle) key(of string, parts ...string) key {
	text := append(make([]byte, 0, 256), t.salt...)
	text = append(binary.BigEndian.AppendUint64(text, uint64(len(of))), of...)
	for _, part := range parts {
		text = append(binary.BigEndian.AppendUint64(text, uint64(len(part))), part...)
	}
	return sha256.Sum256(text)
}

// refuse returns the longest pause that holds.
func (t *Throttle) refuse(keys []limited, now time.Time) error {
	known := t.known(keys, now)
	var longest *Refusal
	for _, k := range keys {
		c := t.find(k.key)
		if c == nil || !now.Before(c.until) || known && k.of != ofPair {
			continue
		}
		t.touch(k.key) // what is being guessed at does not make room
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

// succeeded forgets what the name failed, and knows it at its address. What other
// names failed there stays.
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
	// The last free one may have seen a part of the first drain away.
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

// touch returns a counter as the latest that was needed.
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

// Subscriber is who an address belongs to, as far as it shows: an address of
// IPv6 counts by its first 64 bits, which is what one subscriber has at least.
// What is no IP address is nobody's.
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

// Error is what a client is told in place of an outcome. The refusal stays in the
// chain, for the log and for the headers of the response.
func Error(code oauth.ErrorCode, refusal error) error {
	return fmt.Errorf("%w: %w", refusal, code.Errorf("too many failed attempts: wait before the next one"))
}
