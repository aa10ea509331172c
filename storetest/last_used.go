package storetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-passport/passport/oauth"
)

// lastUsedProperties are the requirements for an [oauth.LastUsedStore].
var lastUsedProperties = []property{
	{"PA_2 PA_4 the last use of tokens is listed", lastUsed},
	{"PA_2 a page of uses is stored", manyUses},
	{"PA_2 of concurrent uses the latest is kept", usesAtOnce},
	{"PA_2 a purge deletes the last use with the family", usesPurged},
	{"PA_2 uses that race a purge", usesAgainstPurge},
}

// keepsUses returns the store's power, or skips the test.
func (w *world) keepsUses() oauth.LastUsedStore {
	w.Helper()
	s, ok := oauth.StoreAs[oauth.LastUsedStore](w.store)
	if !ok {
		w.Skip("the store is not an oauth.LastUsedStore")
	}
	return s
}

// connected stores a family with a token, and returns its ID.
func (w *world) connected(u oauth.UserRef, personal bool) string {
	w.Helper()
	f := family(w.client, w.id("used"), u)
	f.Personal, f.ExpiresAt = personal, now.Add(365*day)
	w.must(w.store.Issue(w.Context(), starting(w.client, f, w.id("token"))))
	return f.ID
}

// uses compares the last uses that the lists of a user have.
func (w *world) uses(when string, u oauth.UserRef, want ...oauth.Use) {
	w.Helper()
	connections, err := w.store.Connections(w.Context(), u, now)
	w.must(err)
	personal, err := w.store.PersonalTokens(w.Context(), u)
	w.must(err)
	got := map[string]oauth.Use{}
	for _, t := range append(connections, personal...) {
		got[t.Family.ID] = oauth.Use{FamilyID: t.Family.ID, At: t.LastUsedAt, Address: t.LastUsedAddress, Agent: t.LastUsedAgent}
	}
	if len(got) != len(want) {
		w.Errorf("%s the lists of %v have %d tokens, want %d", when, u, len(got), len(want))
	}
	for _, use := range want {
		if g := got[use.FamilyID]; !g.At.Equal(use.At) || g.Address != use.Address || g.Agent != use.Agent {
			w.Errorf("%s the last use in a list is %+v, want %+v", when, g, use)
		}
	}
}

func lastUsed(w *world) {
	s, u := w.keepsUses(), user("1")
	app, own, other := w.connected(u, false), w.connected(u, true), w.connected(user("2"), false)
	w.uses("before a use", u, oauth.Use{FamilyID: app}, oauth.Use{FamilyID: own})
	w.must(s.SaveUses(w.Context(), nil))

	first := oauth.Use{FamilyID: app, At: now, Address: "2001:db8::1", Agent: "Firefox on Linux"}
	script := oauth.Use{FamilyID: own, At: now, Address: "192.0.2.1", Agent: strings.Repeat("a", oauth.MaxAgent)}
	given := []oauth.Use{script, first, {FamilyID: "missing", At: now}, {FamilyID: "a\x00b", At: now}}
	w.must(s.SaveUses(w.Context(), given))
	if given[0] != script || given[1] != first {
		w.Errorf("SaveUses() changed the slice of its caller to %+v", given)
	}
	w.uses("after a use", u, first, script)
	w.uses("after another user's use", user("2"), oauth.Use{FamilyID: other})

	w.must(s.SaveUses(w.Context(), []oauth.Use{{FamilyID: app, At: now.Add(-time.Second), Address: "192.0.2.2"}, {FamilyID: own, At: now, Agent: "late"}}))
	w.uses("after earlier uses were stored late", u, first, script)
	later := oauth.Use{FamilyID: app, At: now.Add(time.Microsecond)}
	w.must(s.SaveUses(w.Context(), []oauth.Use{later}))
	w.uses("after a later use from an unknown address", u, later, script)

	missing := family(w.client, "missing", user("3"))
	w.must(w.store.Issue(w.Context(), starting(w.client, missing, "of missing")))
	w.uses("of a family that did not exist yet", user("3"), oauth.Use{FamilyID: "missing"})
}

// manyUses stores more uses than one statement can hold.
func manyUses(w *world) {
	s := w.keepsUses()
	for _, n := range []int{1, 9, 11, 99, 100, 101, 237} {
		u := user(fmt.Sprint("with ", n))
		uses := make([]oauth.Use, n)
		for i := range uses {
			uses[i] = oauth.Use{FamilyID: w.connected(u, i%2 == 0), At: now.Add(time.Duration(i) * time.Second), Address: fmt.Sprint("192.0.2.", i)}
		}
		w.must(s.SaveUses(w.Context(), uses))
		w.uses(fmt.Sprintf("after %d uses", n), u, uses...)
	}
}

// usesAtOnce is several nodes that write the same families in different orders.
func usesAtOnce(w *world) {
	s, u := w.keepsUses(), user("1")
	ids := make([]string, 20)
	for i := range ids {
		ids[i] = w.connected(u, i%2 == 0)
	}
	atOnce(rivals, func(node int) {
		uses := make([]oauth.Use, 0, len(ids))
		for i := range ids {
			uses = append(uses, oauth.Use{FamilyID: ids[(i*7+node)%len(ids)], At: now.Add(time.Duration(node) * time.Second), Address: fmt.Sprint("192.0.2.", node)})
		}
		if err := s.SaveUses(w.Context(), uses); err != nil {
			w.Errorf("SaveUses() concurrent with others = %v, want nil", err)
		}
	})
	want := make([]oauth.Use, 0, len(ids))
	for _, id := range ids {
		want = append(want, oauth.Use{FamilyID: id, At: now.Add((rivals - 1) * time.Second), Address: fmt.Sprint("192.0.2.", rivals-1)})
	}
	w.uses("after concurrent uses", u, want...)
}

// usesPurged begins a family with the ID of a purged one, which has no use then.
func usesPurged(w *world) {
	s := w.keepsUses()
	for name, purge := range map[string]oauth.PurgeBefore{
		"revoked": {Revoked: now.Add(2 * day)}, "expired": {Expired: now.Add(400 * day)},
	} {
		u := user(name)
		gone := w.connected(u, false)
		live := w.connected(user("live "+name), true)
		uses := []oauth.Use{{FamilyID: gone, At: now, Address: "192.0.2.1"}, {FamilyID: live, At: now, Address: "192.0.2.2"}}
		w.must(s.SaveUses(w.Context(), uses))
		if name == "revoked" {
			w.must(w.store.RevokeFamily(w.Context(), gone, now, nil))
		}
		w.purgeAs(purge)
		if name == "revoked" {
			w.uses("of a live family, after a purge of another,", user("live "+name), uses[1])
		}
		again := family(w.client, gone, u)
		again.ExpiresAt = now.Add(365 * day)
		w.must(w.store.Issue(w.Context(), starting(w.client, again, w.id("again"))))
		w.uses("of a family with the ID of one that was purged as "+name, u, oauth.Use{FamilyID: gone})
	}
}

// usesAgainstPurge writes uses while families end and are purged.
func usesAgainstPurge(w *world) {
	s := w.keepsUses()
	for range w.rounds / 10 {
		u := user(w.id("user"))
		ending, live := w.connected(u, false), w.connected(u, true)
		last := oauth.Use{FamilyID: live, At: now.Add(rivals * time.Second), Agent: "curl/8.5.0"}
		atOnce(4, func(i int) {
			var err error
			switch i {
			case 0:
				err = w.store.RevokeFamily(w.Context(), ending, now, nil)
			case 1:
				_, err = w.store.Purge(w.Context(), oauth.EndedBefore(now), 100)
			case 2: // an older node
				err = s.SaveUses(w.Context(), []oauth.Use{{FamilyID: live, At: now}, {FamilyID: ending, At: now}})
			default:
				err = s.SaveUses(w.Context(), []oauth.Use{{FamilyID: ending, At: now.Add(time.Second)}, last})
			}
			if err != nil {
				w.Errorf("call %d of a race of uses and a purge = %v, want nil", i, err)
			}
		})
		w.uses("after a race with a purge", u, last)
	}
}
