package storetest

import (
	"time"

	"github.com/go-passport/passport/oauth"
)

// clockProperties are about nodes with different clocks.
var clockProperties = []property{
	{"a revocation takes effect after one on a node whose clock is ahead", revokedWithEarlierTime},
}

// revokedWithEarlierTime revokes on a node whose clock is 30 seconds ahead. That node
// then stores a record. A node with the right time revokes 5 seconds later.
func revokedWithEarlierTime(w *world) {
	type node struct {
		client *oauth.Client
		user   oauth.UserRef
		token  string // a token of the family to revoke
	}
	families := func(change func(*oauth.FamilyFilter)) func(n node, at time.Time) error {
		return func(n node, at time.Time) error {
			which := oauth.FamilyFilter{User: n.user}
			change(&which)
			return w.store.RevokeFamilies(w.Context(), which, at, nil)
		}
	}
	for name, revoke := range map[string]func(n node, at time.Time) error{
		"RevokeTokensOfClient": func(n node, at time.Time) error {
			return w.store.RevokeTokensOfClient(w.Context(), n.client.ID, at, nil)
		},
		"RevokeClient": func(n node, at time.Time) error { return w.store.RevokeClient(w.Context(), n.client.ID, at, nil) },
		"RevokeToken":  func(n node, at time.Time) error { return w.store.RevokeToken(w.Context(), n.token, at, nil) },
		"RevokeFamily": func(n node, at time.Time) error { return w.store.RevokeFamily(w.Context(), n.token, at, nil) },
		"EndSession":   func(n node, at time.Time) error { return w.store.EndSession(w.Context(), n.user, "s", at, nil) },
		"Withdraw":     func(n node, at time.Time) error { return w.store.Withdraw(w.Context(), n.user, n.client.ID, at, nil) },
		"Disconnect": func(n node, at time.Time) error {
			_, _, err := w.store.Disconnect(w.Context(), &oauth.Disconnection{User: n.user, TokenID: n.token, Time: at})
			return err
		},
		"RevokeFamilies":              families(func(*oauth.FamilyFilter) {}),
		"RevokeFamilies at a client":  families(func(f *oauth.FamilyFilter) { f.ClientID = "client of RevokeFamilies at a client" }),
		"RevokeFamilies of a session": families(func(f *oauth.FamilyFilter) { f.Session = "s" }),
		"RevokeFamilies of others":    families(func(f *oauth.FamilyFilter) { f.ExceptSession = "mine" }),
	} {
		n := node{client: w.newClient("client of " + name), user: user(name)}
		begin := func(id string, came time.Time) {
			f := family(n.client, id, n.user)
			f.Session, f.EndsWithSession, f.CreatedAt = "s", true, came
			i := starting(n.client, f, id)
			i.Consents, i.AccessToken.IssuedAt = []string{"read"}, came
			w.must(w.store.Issue(w.Context(), i))
		}
		for _, step := range []struct {
			stored   string
			came, at time.Duration
		}{
			{stored: name + " 1", came: 0, at: 30 * time.Second},
			{stored: name + " 2", came: 31 * time.Second, at: 5 * time.Second},
		} {
			begin(step.stored, now.Add(step.came))
			n.token = step.stored
			w.must(revoke(n, now.Add(step.at)))
			w.dead(name, n.client, n.user, step.stored)
		}
	}
	revokedOwnWithEarlierTime(w)
}

// dead fails the test if the token of a family is live, or if a consent remains that
// the revocation withdraws.
func (w *world) dead(name string, c *oauth.Client, u oauth.UserRef, id string) {
	w.Helper()
	t := w.token(id)
	if t.Live(now) && t.Client.RevokedAt.IsZero() {
		w.Errorf("token %q of a node with a fast clock is live after %s with an earlier time", id, name)
	}
	if name == "Withdraw" || name == "Disconnect" {
		w.consented("after "+name, u, c.ID)
	}
}

// revokedOwnWithEarlierTime does the same with a client's own token. The second
// revocation changes only the records that are still live.
func revokedOwnWithEarlierTime(w *world) {
	c := w.newClient("with its own token")
	own := func(id string, came time.Duration) {
		i := issuance(c, nil, id, oauth.Spend{})
		i.AccessToken.IssuedAt = now.Add(came)
		w.must(w.store.Issue(w.Context(), i))
	}
	ahead, right := now.Add(30*time.Second), now.Add(5*time.Second)
	own("own before", 10*time.Second)
	w.must(w.store.RevokeTokensOfClient(w.Context(), c.ID, ahead, record("first")))
	own("own ahead", 31*time.Second)
	own("own far ahead", 5*time.Second+oauth.ClockSkew+time.Microsecond)
	for _, id := range []string{"second", "third"} {
		w.must(w.store.RevokeTokensOfClient(w.Context(), c.ID, right, record(id)))
	}
	own("own later", 31*time.Second)
	for id, want := range map[string]bool{"own before": false, "own ahead": false, "own far ahead": true, "own later": true} {
		w.lives("after RevokeTokensOfClient() with an earlier time: "+id, id, want)
	}
	if at := w.token("own before").RevokedAt; !at.Equal(ahead) {
		w.Errorf("RevokedAt of a token that the first call ended = %v, want %v", at, ahead)
	}
	if read, err := w.store.Client(w.Context(), c.ID); err != nil || !read.TokensNotBefore.Equal(ahead) {
		w.Errorf("Client() = %+v, %v, want TokensNotBefore %v, the later time", read, err, ahead)
	}
	log, ok := oauth.StoreAs[oauth.AuditStore](w.store)
	if !ok {
		return
	}
	n := 0
	for _, err := range log.AuditLog(w.Context(), now) {
		w.must(err)
		n++
	}
	if n != 2 {
		w.Errorf("AuditLog() has %d records of three RevokeTokensOfClient() calls, want 2 because the third changes nothing", n)
	}
}
