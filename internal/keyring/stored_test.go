package keyring_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

func storedIn(store oauth.Store) passport.StoredKeys {
	return passport.StoredKeys{Store: store, Secret: bytes.Repeat([]byte("s"), 32)}
}

// Nodes that start at the same moment on an empty store create a single key.
func TestStoredKeys_NodesCreateOneKey(t *testing.T) {
	store := new(memstore.Store)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var seen []string
	for range 64 {
		wg.Go(func() {
			keys, err := storedIn(store).Load(context.Background())
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, keys.LogValue().String())
		})
	}
	wg.Wait()
	if slices.Sort(seen); len(seen) != 64 || seen[0] != seen[63] {
		t.Errorf("64 nodes loaded the keys %v, want the same keys on all of them", slices.Compact(seen))
	}
}

// The store doesn't reveal the keys, and another secret doesn't open them.
func TestStoredKeys_JK_04_AreSealed(t *testing.T) {
	store := new(memstore.Store)
	ctx := t.Context()
	if _, err := storedIn(store).Load(ctx); err != nil {
		t.Fatal(err)
	}
	sealed, _, err := store.KeyRing(ctx)
	if err != nil || strings.Contains(sealed, "PRIVATE") || strings.Contains(sealed, "BEGIN") {
		t.Errorf("the store has %q, %v, want a sealed text", sealed, err)
	}
	wrong := passport.StoredKeys{Store: store, Secret: bytes.Repeat([]byte("t"), 32)}
	if _, err := wrong.Load(ctx); err == nil || !strings.Contains(err.Error(), "another secret") {
		t.Errorf("Load() with another secret = %v, want an error that says so", err)
	}
	if again, _, _ := store.KeyRing(ctx); again != sealed {
		t.Error("a node with another secret replaced the keys")
	}
	short := passport.StoredKeys{Store: store, Secret: []byte("short")}
	if _, err := short.Load(ctx); err == nil || !strings.Contains(err.Error(), "openssl rand 32") {
		t.Errorf("Load() with a short secret = %v, want an error with a remedy", err)
	}
	if _, err := storedIn(plainStore{store}).Load(ctx); err == nil || !strings.Contains(err.Error(), "does not implement oauth.KeyStore") {
		t.Errorf("Load() with a store without KeyStore = %v, want an error that says so", err)
	}
}

// plainStore is a store without optional interfaces.
type plainStore struct{ oauth.Store }

// A rotation in the store reaches every running node.
func TestStoredKeys_RotateReachesEveryNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(memstore.Store)
		node := func() *testkit.Server {
			keys, err := storedIn(store).Load(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			s := testkit.NewServer(t, func(c *passport.Config) { c.Store, c.Keys = store, keys })
			go s.Run(t.Context())
			return s
		}
		first, second := node(), node()
		old := first.Kids()[0]
		done, err := storedIn(store).Rotate(t.Context(), passport.Rotation{Publish: time.Hour, Overlap: 2 * time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := storedIn(store).Rotate(t.Context(), passport.Rotation{Overlap: time.Hour}); err == nil {
			t.Error("Rotate() during a rotation = nil, want an error")
		}
		time.Sleep(2 * time.Minute)
		if want := []string{old, done.KeyID}; !slices.Equal(first.Kids(), want) || !slices.Equal(second.Kids(), want) {
			t.Errorf("after two minutes the nodes publish %v and %v, want %v", first.Kids(), second.Kids(), want)
		}
		token := first.MachineToken(first.Machine())
		time.Sleep(58 * time.Minute)
		if !second.Admits(token) || second.Kids()[0] != done.KeyID {
			t.Errorf("after the new key signs: old token admitted = %v, keys %v; want true and both keys", second.Admits(token), second.Kids())
		}
		second.WantAdmits(first.MachineToken(first.Machine()), true, "a token of the new key")
	})
}
