package storetest

import (
	"errors"
	"time"

	"github.com/go-passport/passport/oauth"
)

// purgeWithClient purges revoked records only. The families and tokens would expire in
// a year.
func purgeWithClient(w *world) {
	for name, end := range map[string]func(c *oauth.Client) error{
		"RevokeClient": func(c *oauth.Client) error { return w.store.RevokeClient(w.Context(), c.ID, now, nil) },
		"RevokeTokensOfClient": func(c *oauth.Client) error {
			return w.store.RevokeTokensOfClient(w.Context(), c.ID, now, nil)
		},
	} {
		c, other := w.newClient("client of "+name), w.newClient("another than of "+name)
		ended, others := w.everyToken(c, name+" ended", now), w.everyToken(other, name+" other", now)
		w.must(end(c))
		late, later := w.everyToken(c, name+" late", now), w.everyToken(c, name+" later", now.Add(time.Second))
		w.purgeAs(oauth.PurgeBefore{Revoked: now.Add(time.Hour - time.Microsecond)})
		for _, k := range []kept{ended, late, later} {
			w.stored(name+", a running request may add to it", k, true)
		}
		w.purgeAs(oauth.PurgeBefore{Revoked: now.Add(time.Hour)})
		w.stored(name+", stored before", ended, false)
		w.stored(name+", stored after", late, false)
		w.stored(name+", of another client", others, true)
		w.keeps(name+", of another client", others, true)
		stays := name != "RevokeClient"
		w.stored(name+", of a later request", later, stays)
		if stays {
			w.keeps(name+", of a later request", later, true)
		}
		w.there(name+", a token in the family of another client", name+" ended.of another", true)
		if _, err := w.store.Client(w.Context(), c.ID); err != nil {
			w.Errorf("Client() after the purge = %v, want nil because the client has no owner", err)
		}
	}
}

// stored fails the test unless all of the codes and tokens are stored, or none if want
// is false.
func (w *world) stored(what string, k kept, want bool) {
	w.Helper()
	for _, id := range []string{k.access, k.personal, k.own, k.elsewhere} {
		w.there(what+": "+id, id, want)
	}
	for _, id := range []string{k.code, k.spent} {
		if _, err := w.store.Code(w.Context(), oauth.DigestOf(id)); (err == nil) != want {
			w.Errorf("Code() of %s: %s = %v, want it stored: %v", what, id, err, want)
		}
	}
	if _, err := w.store.RefreshToken(w.Context(), oauth.DigestOf(k.refresh)); (err == nil) != want {
		w.Errorf("RefreshToken() of %s: %s = %v, want it stored: %v", what, k.refresh, err, want)
	}
	if !want {
		w.gone("RevokeFamily() of "+what, w.store.RevokeFamily(w.Context(), k.code, now, nil))
	}
}

// purgeClients revokes clients of all kinds. A purge deletes the clients of users that
// have no records left, and no client gets the ID of another.
func purgeClients(w *world) {
	alice, secret := user("alice"), oauth.Secret{Digest: oauth.DigestOf("secret"), CreatedAt: now}
	create := func(id string, change func(*oauth.Client)) *oauth.Client {
		c := &oauth.Client{ID: id, Name: "Owned", Owner: alice, AuthMethod: oauth.AuthBasic, Secrets: []oauth.Secret{secret}, CreatedAt: now}
		change(c)
		w.must(w.store.CreateClient(w.Context(), c, record("created")))
		return c
	}
	nothing := func(*oauth.Client) {}
	used, numbered := create("used-0", nothing), create("", nothing)
	create("empty-0", nothing)
	create("later-0", nothing)
	create("unrevoked-0", nothing)
	create("12345", nothing) // from an import: the server will reach this number
	create("operator-0", func(c *oauth.Client) { c.Owner = oauth.UserRef{} })
	create("key-0", func(c *oauth.Client) { c.Key = "the key" })
	w.everyToken(used, "used", now)
	w.consented("before the purge", user("1"), used.ID, "used")
	operators, unrevoked := w.newClient("operator-1"), w.newClient("operator-2")
	w.everyToken(operators, "operators", now)
	w.everyToken(unrevoked, "unrevoked", now)
	w.must(w.store.RevokeClient(w.Context(), operators.ID, now, nil))
	for _, id := range []string{used.ID, numbered.ID, "empty-0", "12345", "operator-0", "key-0"} {
		w.must(w.store.RevokeClient(w.Context(), id, now, nil))
	}
	w.must(w.store.RevokeClient(w.Context(), "later-0", now.Add(time.Second), nil))
	exist := func(what string, want map[string]bool) {
		w.Helper()
		for id, want := range want {
			_, err := w.store.Client(w.Context(), id)
			if err != nil && !errors.Is(err, oauth.ErrNotFound) || (err == nil) != want {
				w.Errorf("%s: Client(%q) = %v, want it stored: %v", what, id, err, want)
			}
		}
	}
	w.purgeAs(oauth.PurgeBefore{Expired: now.Add(2 * day)})
	w.purgeAs(oauth.PurgeBefore{Revoked: now.Add(time.Hour - time.Microsecond)})
	w.consented("of a client that was just revoked", user("1"), operators.ID, "operators")
	exist("a running request may use it", map[string]bool{used.ID: true, numbered.ID: true, "empty-0": true})
	for { // in small steps
		n, err := w.store.Purge(w.Context(), oauth.PurgeBefore{Revoked: now.Add(time.Hour)}, 1)
		if w.must(err); n == 0 {
			break
		}
	}
	w.consented("of a revoked client, which stays", user("1"), operators.ID)
	w.consented("of another client", user("1"), unrevoked.ID, "unrevoked")
	exist("after the purge", map[string]bool{
		used.ID: false, numbered.ID: false, "empty-0": false, "later-0": true, "unrevoked-0": true, "12345": true, "operator-0": true, "key-0": true,
	})
	w.refused("CreateClient() with the key of a revoked client", w.store.CreateClient(w.Context(), clientWithKey("second-0", "the key"), nil), oauth.ErrConflict)
	if next := create("", nothing); next.ID == numbered.ID {
		w.Errorf("CreateClient() reuses the number %q of a deleted client", next.ID)
	}
	// An application that reuses the ID gets neither the old consents nor the secrets.
	create(used.ID, func(c *oauth.Client) { c.Secrets = nil })
	w.consented("for a new client with the ID of a deleted one", user("1"), used.ID)
	if c, err := w.store.Client(w.Context(), used.ID); err != nil || len(c.Secrets) != 0 {
		w.Errorf("Client() with the ID of a deleted client = %+v, %v, want no secrets", c, err)
	}
	if log, ok := oauth.StoreAs[oauth.AuditStore](w.store); ok {
		n := 0
		for r, err := range log.AuditLog(w.Context(), now) {
			if w.must(err); r.ClientID == numbered.ID {
				n++
			}
		}
		if n == 0 {
			w.Errorf("AuditLog() has no record of the deleted client %s, want its creation", numbered.ID)
		}
	}
}
