package keyring

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/claims"
	"github.com/go-passport/passport/internal/jws"
	"github.com/go-passport/passport/internal/recent"
)

// The lines above a key in PEM that hold its schedule, with times in RFC 3339.
// RFC 7468 §2 allows such lines, and PEM readers skip them.
const (
	useFromLine     = "Use-From:"
	retireAfterLine = "Retire-After:"
)

// term is the schedule of a key. A key is published at once. It signs from the
// time from until a younger key begins to sign, and is removed at the time
// until. A zero time means no limit.
//
// All nodes read the same times and switch at the same moment, so that every node has
// the key of every token that it gets.
type term struct{ from, until time.Time }

// String returns the bounds for a log, or an empty text if there are none.
func (t term) String() string {
	s := ""
	if !t.from.IsZero() {
		s += " from " + t.from.Format(time.RFC3339)
	}
	if !t.until.IsZero() {
		s += " until " + t.until.Format(time.RFC3339)
	}
	return s
}

func (t term) begun(at time.Time) bool { return !at.Before(t.from) }
func (t term) ended(at time.Time) bool { return !t.until.IsZero() && !at.Before(t.until) }

// termOf reads the schedule of a key from the lines above it.
func termOf(above string) (t term, err error) {
	for line := range strings.Lines(above) {
		for prefix, at := range map[string]*time.Time{useFromLine: &t.from, retireAfterLine: &t.until} {
			value, ok := strings.CutPrefix(line, prefix)
			if !ok {
				if name := strings.ToLower(strings.TrimSuffix(prefix, ":")); strings.Contains(strings.ToLower(line), name) {
					return t, fmt.Errorf("a line above it resembles %[1]s but differs from it: the line must begin with exactly %[1]s", prefix)
				}
				continue
			}
			if *at, err = time.Parse(time.RFC3339, strings.TrimSpace(value)); err != nil {
				return t, fmt.Errorf("the line %s above it has no valid time: write a time such as 2026-01-31T12:00:00Z", prefix)
			}
		}
	}
	return t, nil
}

// snapshot is the state of a ring at a time.
type snapshot struct {
	keys        []*jws.Key          // all keys that verify; the first signs access tokens
	current     map[string]*jws.Key // the signing key of each algorithm
	roots       Roots               // of the readable private keys; the first is for new values
	set         []byte              // the public keys, as a JWK set
	from, until time.Time           // when the snapshot holds; it has no end if until is zero

	// verified caches the claims of tokens whose signature was verified, because a
	// verification costs more than reading a row. It does not decide whether a token
	// may be used: each request checks the time and the row. Only tokens signed with
	// our keys get in, so an attacker cannot fill it.
	verified recent.Map[tokenDigest, claims.Claims]
}

// now returns the current snapshot.
func (k *Ring) now() *snapshot {
	at := time.Now()
	v := k.view.Load()
	if v != nil && !at.Before(v.from) && (v.until.IsZero() || at.Before(v.until)) {
		return v
	}
	fresh, err := k.viewAt(at)
	if err != nil {
		panic(err) // JSON encoding cannot fail: the set holds only strings
	}
	if k.view.CompareAndSwap(v, fresh) {
		return fresh
	}
	return k.now()
}

func (k *Ring) viewAt(at time.Time) (*snapshot, error) {
	v := &snapshot{from: at, current: map[string]*jws.Key{}}
	for _, t := range k.terms {
		for _, bound := range []time.Time{t.from, t.until} {
			if bound.After(at) && (v.until.IsZero() || bound.Before(v.until)) {
				v.until = bound
			}
		}
	}
	signing := k.signing(at)
	v.keys = []*jws.Key{signing}
	for _, key := range k.all {
		if key != signing && !k.terms[key.ID].ended(at) {
			v.keys = append(v.keys, key)
		}
	}
	for _, key := range k.signers() {
		v.current[key.Alg] = k.current(key.Alg, at)
	}
	public := struct {
		Keys []jws.JWK `json:"keys"`
	}{}
	for _, key := range v.keys {
		if root := k.roots.byID(key.ID); root != nil {
			v.roots = append(v.roots, root)
		}
		public.Keys = append(public.Keys, key.JWK())
	}
	var err error
	if v.set, err = json.Marshal(public); err != nil {
		return nil, fmt.Errorf("encode public keys: %w", err)
	}
	return v, nil
}

// signing returns the key that signs access tokens: the current key of the first
// algorithm. If no key may sign at the time, the first private key does, because a
// server without a signing key cannot issue tokens.
func (k *Ring) signing(at time.Time) *jws.Key { return k.current(k.first(at), at) }

// first returns the algorithm of the first private key that has begun and not ended.
func (k *Ring) first(at time.Time) string {
	signers := k.signers()
	for _, key := range signers {
		if k.usable(key, at) {
			return key.Alg
		}
	}
	return signers[0].Alg
}

// current returns the signing key of an algorithm: among its keys that have begun and
// not ended, the one that began last, and the first of several. If there is none, it is
// the first private key of the algorithm. Without a private key of the algorithm,
// current returns nil. Each algorithm has its own schedule.
func (k *Ring) current(alg string, at time.Time) (best *jws.Key) {
	var fallback *jws.Key
	for _, key := range k.signers() {
		switch {
		case key.Alg != alg:
		case !k.usable(key, at):
			fallback = cmp.Or(fallback, key)
		case best == nil || k.terms[key.ID].from.After(k.terms[best.ID].from):
			best = key
		}
	}
	return cmp.Or(best, fallback)
}

// signers returns the private keys.
func (k *Ring) signers() []*jws.Key {
	return slices.DeleteFunc(slices.Clone(k.all), func(key *jws.Key) bool { return !key.Signs() })
}

// usable reports whether a key may sign at a time.
func (k *Ring) usable(key *jws.Key, at time.Time) bool {
	return k.terms[key.ID].begun(at) && !k.terms[key.ID].ended(at)
}
