package storetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-passport/passport/oauth"
)

// pendingRequests checks a store that keeps long authorization requests, which is
// optional.
func pendingRequests(w *world) {
	ctx := w.Context()
	store, ok := oauth.StoreAs[oauth.PendingRequestStore](w.store)
	if !ok {
		return
	}
	request := func(client, handle string, until time.Time) *oauth.PendingRequest {
		return &oauth.PendingRequest{Digest: oauth.DigestOf(handle), ClientID: client, Sealed: handle + strings.Repeat(".", 20_000), ExpiresAt: until}
	}
	_, err := store.PendingRequest(ctx, oauth.DigestOf("unknown"))
	w.refused("PendingRequest() of an unknown handle", err, oauth.ErrNotFound)
	for i := range 3 {
		w.must(store.SavePendingRequest(ctx, request("a", fmt.Sprint("a", i), now.Add(time.Minute)), 3, now))
	}
	got, err := store.PendingRequest(ctx, oauth.DigestOf("a1"))
	w.must(err)
	if want := request("a", "a1", now.Add(time.Minute)); got.Digest != want.Digest || got.ClientID != want.ClientID || got.Sealed != want.Sealed || !got.ExpiresAt.Equal(want.ExpiresAt) {
		w.Errorf("PendingRequest() = %.60v, want %.60v", got, want)
	}
	w.refused("SavePendingRequest() above the limit", store.SavePendingRequest(ctx, request("a", "a3", now.Add(time.Minute)), 3, now), oauth.ErrConflict)
	w.must(store.SavePendingRequest(ctx, request("b", "b0", now.Add(time.Minute)), 3, now)) // the limit is per client

	later := now.Add(time.Minute)
	w.must(store.SavePendingRequest(ctx, request("a", "a4", later.Add(time.Minute)), 3, later)) // the first three have expired
	_, err = store.PendingRequest(ctx, oauth.DigestOf("a0"))
	w.refused("PendingRequest() of a request that expired before the client's last one", err, oauth.ErrNotFound)

	_, err = w.store.Purge(ctx, oauth.EndedBefore(later), 1000)
	w.must(err)
	_, err = store.PendingRequest(ctx, oauth.DigestOf("b0"))
	w.refused("PendingRequest() of an expired request after a purge", err, oauth.ErrNotFound)
	_, err = store.PendingRequest(ctx, oauth.DigestOf("a4"))
	w.must(err)
}
