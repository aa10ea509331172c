package storetest

import (
	"errors"
	"reflect"
	"time"

	"github.com/go-passport/passport/oauth"
)

// presentedValues checks a store that reads a client together with the code or token
// that it presents, which is optional. Both must equal the records that are read
// separately.
func presentedValues(w *world) {
	store, ok := w.store.(oauth.PresentedStore)
	if !ok {
		return
	}
	ctx := w.Context()
	other := w.newClient("")
	w.must(w.store.RotateSecret(ctx, w.client.ID, oauth.Secret{Digest: oauth.DigestOf("second"), CreatedAt: now}, now.Add(time.Hour), nil))
	f := w.begin(user("1"))
	code := oauth.Digest(spendCode(f).ID)
	var refresh oauth.Digest
	same := func(when string) {
		w.Helper()
		client, err := w.store.Client(ctx, w.client.ID)
		w.must(err)
		alone, err := w.store.Code(ctx, code)
		w.must(err)
		if c, k, err := store.ClientWithCode(ctx, client.ID, code); err != nil || !reflect.DeepEqual(c, client) || !reflect.DeepEqual(k, alone) {
			w.Errorf("ClientWithCode() %s = %+v and %+v, %v, want %+v and %+v, as read separately", when, c, k, err, client, alone)
		}
		if refresh == "" {
			return
		}
		token, err := w.store.RefreshToken(ctx, refresh)
		w.must(err)
		if c, r, err := store.ClientWithRefreshToken(ctx, client.ID, refresh); err != nil || !reflect.DeepEqual(c, client) || !reflect.DeepEqual(r, token) {
			w.Errorf("ClientWithRefreshToken() %s = %+v and %+v, %v, want %+v and %+v, as read separately", when, c, r, err, client, token)
		}
	}
	same("of a new code")
	first := w.issue(f, spendCode(f))
	refresh = first.RefreshToken.Digest
	same("after the exchange")
	w.issue(f, spendRefresh(first))
	same("after a refresh")
	w.must(w.store.RevokeFamilies(ctx, oauth.FamilyFilter{User: f.User}, now.Add(time.Second), nil))
	same("after the user's families were revoked")
	w.must(w.store.RevokeClient(ctx, w.client.ID, now, nil))
	same("after the client was revoked")

	for what, id := range map[string]string{"another client": other.ID, "no client": "missing", "an empty ID": "", "an ID that cannot be stored": "\x00"} {
		if c, k, err := store.ClientWithCode(ctx, id, code); !errors.Is(err, oauth.ErrNotFound) {
			w.Errorf("ClientWithCode() for %s = %+v and %+v, %v, want ErrNotFound", what, c, k, err)
		}
		if c, r, err := store.ClientWithRefreshToken(ctx, id, refresh); !errors.Is(err, oauth.ErrNotFound) {
			w.Errorf("ClientWithRefreshToken() for %s = %+v and %+v, %v, want ErrNotFound", what, c, r, err)
		}
	}
	for _, d := range []oauth.Digest{"", oauth.DigestOf("missing"), "\x00"} {
		_, _, err := store.ClientWithCode(ctx, w.client.ID, d)
		w.refused("ClientWithCode() of a missing code", err, oauth.ErrNotFound)
		_, _, err = store.ClientWithRefreshToken(ctx, w.client.ID, d)
		w.refused("ClientWithRefreshToken() of a missing token", err, oauth.ErrNotFound)
	}
}
