package keyring

import (
	"crypto/sha256"
	"fmt"
	"testing"
)

// A used entry stays, an unused entry is dropped, and the cache never exceeds
// two generations.
func TestVerified_IsBounded(t *testing.T) {
	var m verified
	id := func(n int) tokenDigest { return sha256.Sum256(fmt.Append(nil, n)) }
	m.add(id(-1), Claims{ID: "used"})
	m.add(id(-2), Claims{ID: "unused"})
	for n := range 5 * generation {
		m.add(id(n), Claims{ID: fmt.Sprint(n)})
		if c, ok := m.claims(id(-1)); !ok || c.ID != "used" {
			t.Fatalf("after %d other tokens, claims() of the token in use = %+v, %v", n, c, ok)
		}
		if len(m.young) > generation || len(m.elder) > generation {
			t.Fatalf("after %d tokens the generations hold %d and %d", n, len(m.young), len(m.elder))
		}
	}
	if _, ok := m.claims(id(-2)); ok {
		t.Error("the cache keeps an unused token")
	}
	if _, ok := m.claims(id(5*generation + 1)); ok {
		t.Error("claims() = true for a token that was never added")
	}
	if c, ok := m.claims(id(5*generation - 1)); !ok || c.ID != fmt.Sprint(5*generation-1) {
		t.Errorf("claims() of the last token = %+v, %v", c, ok)
	}
}
