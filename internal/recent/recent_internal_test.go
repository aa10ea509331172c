package recent

import (
	"cmp"
	"fmt"
	"testing"
)

// A used entry stays, an unused entry is dropped, and the map never exceeds two
// generations.
func TestMap_IsBounded(t *testing.T) {
	for _, m := range []*Map[int, string]{{}, {Generation: 10}} {
		isBounded(t, m, cmp.Or(m.Generation, 4096))
	}
}

func isBounded(t *testing.T, m *Map[int, string], generation int) {
	t.Helper()
	m.Put(-1, "used")
	m.Put(-2, "unused")
	for n := range 5 * generation {
		m.Put(n, fmt.Sprint(n))
		if v, ok := m.Get(-1); !ok || v != "used" {
			t.Fatalf("after %d other values, Get() of the value in use = %q, %v", n, v, ok)
		}
		if len(m.young) > generation || len(m.elder) > generation {
			t.Fatalf("after %d values the generations hold %d and %d", n, len(m.young), len(m.elder))
		}
	}
	if _, ok := m.Get(-2); ok {
		t.Error("the map keeps an unused value")
	}
	if _, ok := m.Get(5*generation + 1); ok {
		t.Error("Get() = true for a key that was never set")
	}
	if v, ok := m.Get(5*generation - 1); !ok || v != fmt.Sprint(5*generation-1) {
		t.Errorf("Get() of the last key = %q, %v", v, ok)
	}
}
