package storetest

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/go-passport/passport/oauth"
)

// keyRing checks a store that keeps keys, which is optional.
func keyRing(w *world) {
	ctx := w.Context()
	store, ok := oauth.StoreAs[oauth.KeyStore](w.store)
	if !ok {
		return
	}
	if _, _, err := store.KeyRing(ctx); err == nil {
		w.Error("KeyRing() of an empty store = nil, want an error")
	}
	w.refused("SaveKeyRing() over a missing version", store.SaveKeyRing(ctx, "x", 1), oauth.ErrConflict)
	for version := range int64(3) {
		var wg sync.WaitGroup
		var winners atomic.Int64
		for i := range rivals {
			wg.Go(func() {
				if store.SaveKeyRing(ctx, fmt.Sprintf("sealed %d by %d", version, i), version) == nil {
					winners.Add(1)
				}
			})
		}
		wg.Wait()
		sealed, stored, err := store.KeyRing(ctx)
		w.must(err)
		if winners.Load() != 1 || stored != version+1 || len(sealed) < len("sealed 0 by 0") {
			w.Errorf("%d of %d calls saved over version %d, and the store has %q with version %d; want one call and version %d", winners.Load(), rivals, version, sealed, stored, version+1)
		}
	}
}
