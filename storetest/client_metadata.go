package storetest

import (
	"bytes"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-passport/passport/oauth"
)

// clientMetadata checks a store that keeps the metadata of clients, which is optional.
func clientMetadata(w *world) {
	ctx := w.Context()
	store, ok := oauth.StoreAs[oauth.ClientMetadataStore](w.store)
	if !ok {
		return
	}
	c := fullClient("described")
	w.must(w.store.CreateClient(ctx, c, nil))
	versions := [2]int64{c.Version, c.ConsentVersion}
	update := func(what string, shown bool, m *oauth.ClientMetadata, logo []byte) {
		w.Helper()
		c.UpdatedAt = c.UpdatedAt.Add(time.Second)
		w.must(store.UpdateClientWithMetadata(ctx, c, m, logo, record("described")))
		if versions[0]++; shown {
			versions[1]++
		}
		got, err := w.store.Client(ctx, c.ID)
		w.must(err)
		if (got.Version != versions[0]) || got.ConsentVersion != versions[1] || !got.UpdatedAt.Equal(c.UpdatedAt) {
			w.Errorf("after %s the client has Version %d, ConsentVersion %d and UpdatedAt %v, want %d, %d and %v", what, got.Version, got.ConsentVersion, got.UpdatedAt, versions[0], versions[1], c.UpdatedAt)
		}
		if got.Name != c.Name || len(got.Secrets) != len(c.Secrets) {
			w.Errorf("%s changed the client itself", what)
		}
		c = got
		stored, err := store.ClientMetadata(ctx, c.ID)
		w.must(err)
		if !reflect.DeepEqual(stored, m) {
			w.Errorf("ClientMetadata() after %s = %+v, want %+v", what, stored, m)
		}
	}
	for _, id := range []string{c.ID, "unknown", "", "nul\x00", "\xff"} {
		got, err := store.ClientMetadata(ctx, id)
		w.must(err)
		if !reflect.DeepEqual(got, new(oauth.ClientMetadata)) {
			w.Errorf("ClientMetadata(%q) = %+v, want the zero value", id, got)
		}
	}
	png := bytes.Repeat([]byte("\x89PNG\x00\xff'\\\""), 50_000)
	full := oauth.ClientMetadata{
		ClientURI: "https://app.example/ü?a=b", PolicyURI: "https://app.example/privacy", TOSURI: "https://app.example/terms",
		Contacts: []string{"dev@app.example", "Dev <x> \"y\" \\ 開発"}, LogoURI: "https://app.example/logo.png", Logo: oauth.DigestOf("one"), Verified: true,
	}
	update("the first update", true, &full, png)
	w.logo(store, c.ID, full.Logo, png)
	contacts := full
	contacts.Contacts, contacts.LogoURI = nil, ""
	update("a change that no page shows", false, &contacts, nil)
	w.logo(store, c.ID, full.Logo, png)
	for field, change := range map[string]func(*oauth.ClientMetadata){
		"ClientURI": func(m *oauth.ClientMetadata) { m.ClientURI += "x" }, "PolicyURI": func(m *oauth.ClientMetadata) { m.PolicyURI += "x" },
		"TOSURI": func(m *oauth.ClientMetadata) { m.TOSURI += "x" }, "Verified": func(m *oauth.ClientMetadata) { m.Verified = !m.Verified },
	} {
		change(&contacts)
		update("a change of "+field, true, &contacts, nil)
	}
	other := contacts
	other.Logo = oauth.DigestOf("two")
	update("another logo", true, &other, []byte("two"))
	w.logo(store, c.ID, other.Logo, []byte("two"))
	_, err := store.ClientLogo(ctx, c.ID, full.Logo)
	w.refused("ClientLogo() of a replaced logo", err, oauth.ErrNotFound)
	_, err = store.ClientLogo(ctx, "unknown", other.Logo)
	w.refused("ClientLogo() of an unknown client", err, oauth.ErrNotFound)
	update("no logo", true, &oauth.ClientMetadata{}, nil)
	for _, digest := range []oauth.Digest{other.Logo, ""} {
		_, err = store.ClientLogo(ctx, c.ID, digest)
		w.refused("ClientLogo() of a deleted logo", err, oauth.ErrNotFound)
	}
	update("everything again", true, &full, png)
	w.listsMetadata(store, c.ID, &full)
	w.refusesMetadata(store, c)
}

// clientWithMetadata checks that one write changes a client and its metadata, or
// neither.
func clientWithMetadata(w *world) {
	ctx := w.Context()
	store, ok := oauth.StoreAs[oauth.ClientMetadataStore](w.store)
	if !ok {
		return
	}
	want := fullClient("both")
	w.must(w.store.CreateClient(ctx, want, nil))
	m := &oauth.ClientMetadata{ClientURI: "https://app.example", Contacts: []string{"dev@app.example"}}
	check := func(what string) {
		w.Helper()
		got, err := w.store.Client(ctx, want.ID)
		w.must(err)
		if !reflect.DeepEqual(got, want) {
			w.Errorf("the client after %s = %+v, want %+v", what, got, want)
		}
		stored, err := store.ClientMetadata(ctx, want.ID)
		w.must(err)
		if !reflect.DeepEqual(stored, m) {
			w.Errorf("the metadata after %s = %+v, want %+v", what, stored, m)
		}
	}
	update := func(what string, shown int64) {
		w.Helper()
		sent := *want
		sent.Key, sent.Secrets, sent.AuthMethod, sent.ConsentVersion = "other", nil, oauth.AuthNone, 99 // no update changes these
		w.must(store.UpdateClientWithMetadata(ctx, &sent, m, nil, record("both")))
		want.Version++
		want.ConsentVersion += shown
		check(what)
	}
	want.Name, want.Scopes, want.SuspendedAt = "Renamed", []string{"c"}, time.Time{}
	update("a new name and new metadata", 1)
	want.Name = "Renamed again"
	update("a new name", 1)
	want.FamilyTTL, m.Contacts = time.Hour, nil
	update("a change that no page shows", 0)
	m.Verified = true
	update("the verification", 1)

	stale := *want
	stale.Version--
	stale.Name = "Stale"
	w.refused("UpdateClientWithMetadata() with a stale client", store.UpdateClientWithMetadata(ctx, &stale, new(oauth.ClientMetadata), nil, nil), oauth.ErrConflict)
	invalid := *want
	invalid.Audience = "no URI"
	if store.UpdateClientWithMetadata(ctx, &invalid, new(oauth.ClientMetadata), nil, nil) == nil {
		w.Error("UpdateClientWithMetadata() with an invalid audience = nil, want an error")
	}
	want.Name, want.Version = "By UpdateClient", want.Version+1
	sent := *want
	sent.Version--
	w.must(w.store.UpdateClient(ctx, &sent, nil))
	want.ConsentVersion++
	check("UpdateClient()")
}

// clientCreatedWithMetadata checks that one write stores a client with its metadata,
// or neither.
func clientCreatedWithMetadata(w *world) {
	ctx := w.Context()
	store, ok := oauth.StoreAs[oauth.ClientMetadataStore](w.store)
	if !ok {
		return
	}
	m := &oauth.ClientMetadata{TOSURI: "https://app.example/terms", Contacts: []string{"dev@app.example"}, Logo: oauth.DigestOf("logo"), Verified: true}
	create := func(c *oauth.Client, limit int) error {
		return store.CreateClientWithMetadata(ctx, &oauth.ClientCreation{Client: c, Limit: limit, Metadata: m, Logo: []byte("logo")}, record("created"))
	}
	numbered := clientWithKey("", "")
	limited := fullClient("limited")
	limited.Owner = user("limited owner")
	for _, c := range []*oauth.Client{fullClient("described"), numbered, limited} {
		w.must(create(c, map[bool]int{true: 1}[c == limited]))
		got, err := w.store.Client(ctx, c.ID)
		w.must(err)
		if !reflect.DeepEqual(got, c) {
			w.Errorf("CreateClientWithMetadata() stored %+v, want %+v", got, c)
		}
		stored, err := store.ClientMetadata(ctx, c.ID)
		w.must(err)
		if !reflect.DeepEqual(stored, m) {
			w.Errorf("CreateClientWithMetadata() stored the metadata %+v, want %+v", stored, m)
		}
		w.logo(store, c.ID, m.Logo, []byte("logo"))
	}

	full := fullClient("above the limit")
	full.Key, full.Owner = "", limited.Owner
	w.refused("CreateClientWithMetadata() at the owner's limit", create(full, 1), oauth.ErrLimit)
	taken := clientWithKey("another", limited.Key)
	w.refused("CreateClientWithMetadata() with a key that is taken", create(taken, 0), oauth.ErrConflict)
	m = &oauth.ClientMetadata{Contacts: make([]string, 11)}
	if create(clientWithKey("too large", ""), 0) == nil {
		w.Error("CreateClientWithMetadata() with 11 contacts = nil, want an error")
	}
	for _, id := range []string{full.ID, taken.ID, "too large"} {
		_, err := w.store.Client(ctx, id)
		w.refused("Client() that was not created", err, oauth.ErrNotFound)
		if stored, err := store.ClientMetadata(ctx, id); err != nil || !reflect.DeepEqual(stored, new(oauth.ClientMetadata)) {
			w.Errorf("the metadata of the client %q, which was not created, is %+v, %v, want none", id, stored, err)
		}
	}
}

// listsMetadata checks that the metadata of one client is found among many IDs.
func (w *world) listsMetadata(store oauth.ClientMetadataStore, id string, m *oauth.ClientMetadata) {
	w.Helper()
	for _, ids := range [][]string{nil, {id}, manyIDs(id)} {
		all, err := store.ClientsMetadata(w.Context(), ids)
		w.must(err)
		want := map[string]*oauth.ClientMetadata{}
		if len(ids) > 0 {
			want[id] = m
		}
		if !reflect.DeepEqual(all, want) {
			w.Errorf("ClientsMetadata() of %d clients = %v, want %v", len(ids), all, want)
		}
	}
}

// refusesMetadata checks updates that a store must refuse.
func (w *world) refusesMetadata(store oauth.ClientMetadataStore, c *oauth.Client) {
	w.Helper()
	ctx, m := w.Context(), &oauth.ClientMetadata{Verified: true}
	stale := *c
	stale.Version--
	w.refused("UpdateClientWithMetadata() with a stale client", store.UpdateClientWithMetadata(ctx, &stale, m, nil, nil), oauth.ErrConflict)
	missing := fullClient("missing")
	w.refused("UpdateClientWithMetadata() of a missing client", store.UpdateClientWithMetadata(ctx, missing, m, nil, nil), oauth.ErrNotFound)
	if store.UpdateClientWithMetadata(ctx, c, &oauth.ClientMetadata{Contacts: make([]string, 11)}, nil, nil) == nil {
		w.Error("UpdateClientWithMetadata() with 11 contacts = nil, want an error")
	}
}

// manyIDs returns more IDs than a page has. Only the given one is of a client.
func manyIDs(id string) []string {
	ids := []string{"", "nul\x00", "\xff"}
	for i := range 250 {
		ids = append(ids, fmt.Sprintf("unknown %d", i))
	}
	return append(ids, id)
}

// logo checks the stored logo of a client.
func (w *world) logo(store oauth.ClientMetadataStore, clientID string, digest oauth.Digest, want []byte) {
	w.Helper()
	got, err := store.ClientLogo(w.Context(), clientID, digest)
	w.must(err)
	if !bytes.Equal(got, want) {
		w.Errorf("ClientLogo() has %d bytes, want the %d stored ones", len(got), len(want))
	}
}

// clientMetadataOnce lets many updates of one version race. One of them is stored.
func clientMetadataOnce(w *world) {
	ctx := w.Context()
	store, ok := oauth.StoreAs[oauth.ClientMetadataStore](w.store)
	if !ok {
		return
	}
	c := fullClient("raced")
	w.must(w.store.CreateClient(ctx, c, nil))
	var wg sync.WaitGroup
	var winners atomic.Int64
	for i := range rivals {
		wg.Go(func() {
			rival := *c
			m := &oauth.ClientMetadata{ClientURI: fmt.Sprintf("https://app.example/%d", i)}
			if store.UpdateClientWithMetadata(ctx, &rival, m, nil, nil) == nil {
				winners.Add(1)
			}
		})
	}
	wg.Wait()
	got, err := w.store.Client(ctx, c.ID)
	w.must(err)
	if winners.Load() != 1 || got.Version != c.Version+1 || got.ConsentVersion != c.ConsentVersion+1 {
		w.Errorf("%d of %d updates of one version were stored, and the client has Version %d and ConsentVersion %d; want one, %d and %d",
			winners.Load(), rivals, got.Version, got.ConsentVersion, c.Version+1, c.ConsentVersion+1)
	}
}

// clientMetadataPurged checks that a purge deletes the metadata with the client.
func clientMetadataPurged(w *world) {
	ctx := w.Context()
	store, ok := oauth.StoreAs[oauth.ClientMetadataStore](w.store)
	if !ok {
		return
	}
	m := &oauth.ClientMetadata{ClientURI: "https://app.example", Logo: oauth.DigestOf("logo"), Verified: true}
	for _, id := range []string{"purged-0", "kept-0"} {
		c := &oauth.Client{ID: id, Name: "Owned", Owner: user("alice"), AuthMethod: oauth.AuthNone, CreatedAt: now}
		w.must(w.store.CreateClient(ctx, c, nil))
		w.must(store.UpdateClientWithMetadata(ctx, c, m, []byte("logo"), nil))
	}
	w.must(w.store.RevokeClient(ctx, "purged-0", now, nil))
	w.purgeAs(oauth.PurgeBefore{Revoked: now.Add(day)})
	for id, want := range map[string]oauth.ClientMetadata{"purged-0": {}, "kept-0": *m} {
		got, err := store.ClientMetadata(ctx, id)
		w.must(err)
		_, err = store.ClientLogo(ctx, id, m.Logo)
		if !reflect.DeepEqual(*got, want) || (err == nil) != want.Verified {
			w.Errorf("after a purge the metadata of %s is %+v, and its logo is there: %v, want %+v and %v", id, *got, err == nil, want, want.Verified)
		}
	}
}
