package keyring

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/jws"
)

// The lines above a key in PEM that say when it is used (RFC 7468 §2 allows such
// lines, and every reader skips them). The times are those of RFC 3339.
const (
	useFromLine     = "Use-From:"
	retireAfterLine = "Retire-After:"
)

// term is when a key is used: it is published at once, signs from a time on until
// a younger one does, and is gone after another. Zero times are no bounds.
//
// All nodes read the same times, so they change keys at the same moment, and no
// node meets a signature by a key that it has not got.
type term struct{ from, until time.Time }

// String is how a log shows it; empty where there are no bounds.
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

// termOf reads the term of a key from the lines above it.
func termOf(above string) (t term, err error) {
	for line := range strings.Lines(above) {
		for prefix, at := range map[string]*time.Time{useFromLine: &t.from, retireAfterLine: &t.until} {
			value, ok := strings.CutPrefix(line, prefix)
			if !ok {
				if meant := strings.ToLower(strings.TrimSuffix(prefix, ":")); strings.Contains(strings.ToLower(line), meant) {
					return t, fmt.Errorf("a line above it means %s and is not written so, at the beginning of the line", prefix)
				}
				continue
			}
			if *at, err = time.Parse(time.RFC3339, strings.TrimSpace(value)); err != nil {
				return t, fmt.Errorf("the line %s above it has no time such as 2026-01-31T12:00:00Z", prefix)
			}
		}
	}
	return t, nil
}

// snapshot is what the keys come to at a time.
type snapshot struct {
	keys        []*jws.Key // that verify; the first signs
	roots       Roots      // of those whose private key is readable; the first is for what is new
	set         []byte     // the public keys, as a JWK set
	from, until time.Time  // when the view holds; a zero end is none

	verified verified // tokens whose signature was verified
}

// now returns the view of the moment.
func (k *Ring) now() *snapshot {
	at := time.Now()
	v := k.view.Load()
	if v != nil && !at.Before(v.from) && (v.until.IsZero() || at.Before(v.until)) {
		return v
	}
	fresh, err := k.viewAt(at)
	if err != nil {
		panic(err) // only for what json cannot encode, and these are texts
	}
	if k.view.CompareAndSwap(v, fresh) {
		return fresh
	}
	return k.now()
}

func (k *Ring) viewAt(at time.Time) (*snapshot, error) {
	v := &snapshot{from: at}
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

// signing returns the key whose turn it is to sign: of those whose time has come
// the one whose time came last, and of several the first. When all have ended, or
// none has begun, one goes on: a server that cannot sign serves nobody.
func (k *Ring) signing(at time.Time) *jws.Key {
	var signers []*jws.Key
	for _, key := range k.all {
		if key.Signs() {
			signers = append(signers, key)
		}
	}
	usable := slices.DeleteFunc(slices.Clone(signers), func(key *jws.Key) bool {
		return !k.terms[key.ID].begun(at) || k.terms[key.ID].ended(at)
	})
	if len(usable) == 0 {
		return signers[0]
	}
	best := usable[0]
	for _, key := range usable[1:] {
		if k.terms[key.ID].from.After(k.terms[best.ID].from) {
			best = key
		}
	}
	return best
}
