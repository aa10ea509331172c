package storetest

import (
	"time"

	"github.com/go-passport/passport/oauth"
)

// purgeWithClient purges by revocation only. The families and tokens would expire in
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
			w.stored(name+", a pending request may add to it", k, true)
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
			w.Errorf("Client() after the purge = %v, want the client, which has no owner", err)
		}
	}
}

// stored fails the test unless all of the codes and tokens are stored, or none.
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
