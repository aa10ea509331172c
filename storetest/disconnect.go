package storetest

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/go-passport/passport/oauth"
)

// disconnect removes a connection and returns what changed.
func (w *world) disconnect(u oauth.UserRef, token string, at time.Time) (revoked, withdrawn bool) {
	w.Helper()
	revoked, withdrawn, err := w.store.Disconnect(w.Context(), &oauth.Disconnection{User: u, TokenID: token, Time: at})
	if err != nil {
		w.Errorf("Disconnect(%s) = %v", token, err)
	}
	return revoked, withdrawn
}

// removed is the result of a removal.
type removed struct{ revoked, withdrawn bool }

func (w *world) disconnects(what string, u oauth.UserRef, token string, at time.Time, want removed) {
	w.Helper()
	var got removed
	if got.revoked, got.withdrawn = w.disconnect(u, token, at); got != want {
		w.Errorf("Disconnect() of %s changes %+v, want %+v", what, got, want)
	}
}

// connect stores a family with tokens and consents.
func (w *world) connect(f *oauth.Family, scopes ...string) (token string) {
	w.Helper()
	i := starting(w.client, f, w.id("token"))
	i.Consents = scopes
	w.must(w.store.Issue(w.Context(), i))
	return i.AccessToken.ID
}

// disconnecting removes connections. Removing a user's last connection to a client also
// removes the consents; other users, clients and records stay.
func disconnecting(w *world) {
	u, at := user("1"), now.Add(time.Minute)
	second := w.newClient("second")
	elsewhere := family(second, "elsewhere", u)
	w.must(w.store.Issue(w.Context(), &oauth.Issuance{Time: now, NewFamily: elsewhere, Consents: []string{"read"},
		AccessToken: issuance(second, elsewhere, "elsewhere", oauth.Spend{}).AccessToken}))
	others := w.connect(family(w.client, "another user's", user("2")), "read")
	first, last := w.connect(family(w.client, "first", u), "read", "write"), w.connect(family(w.client, "last", u), "read")

	w.disconnects("one of two connections", u, first, at, removed{true, false})
	w.lives("the removed connection", first, false)
	w.lives("the other connection", last, true)
	w.consented("with a connection left", u, w.client.ID, "read", "write")
	w.disconnects("one of two connections, again", u, first, at, removed{false, false})
	w.consented("with a connection left, still", u, w.client.ID, "read", "write")
	w.disconnects("the last connection", u, last, at, removed{true, true})
	w.lives("the last connection", last, false)
	w.consented("without a connection", u, w.client.ID)
	w.disconnects("the last connection, again", u, last, at, removed{false, false})

	w.consented("of another client", u, "second", "read")
	w.consented("of another user", user("2"), w.client.ID, "read")
	w.lives("another client's token", "elsewhere", true)
	w.lives("another user's token", others, true)

	own := issuance(w.client, nil, "own", oauth.Spend{})
	w.must(w.store.Issue(w.Context(), own))
	for _, id := range []string{others, "own", "missing", "", "\x00", "\xff"} {
		_, _, err := w.store.Disconnect(w.Context(), &oauth.Disconnection{User: u, TokenID: id, Time: at})
		w.refused(fmt.Sprintf("Disconnect(%q)", id), err, oauth.ErrNotFound)
	}
	w.lives("a client's own token", "own", true)
}

// connections checks which records count as another connection.
func connections(w *world) {
	at := now.Add(time.Minute)
	for n, other := range []struct {
		what  string
		keeps bool // whether the consent stays
		store func(f *oauth.Family)
	}{
		{"with a token", true, func(f *oauth.Family) { w.start(f) }},
		{"with a spent code", true, func(f *oauth.Family) {
			w.must(w.store.IssueCode(w.Context(), codeIssuance(f)))
			w.issue(f, spendCode(f))
		}},
		{"begun later", true, func(f *oauth.Family) {
			f.CreatedAt = at.Add(oauth.ClockSkew + time.Microsecond)
			w.must(w.store.IssueCode(w.Context(), codeIssuance(f)))
		}},
		{"begun by a node with a fast clock, without a token", false, func(f *oauth.Family) {
			f.CreatedAt = at.Add(oauth.ClockSkew)
			w.must(w.store.IssueCode(w.Context(), codeIssuance(f)))
		}},
		{"begun at the same time, without a token", false, func(f *oauth.Family) {
			f.CreatedAt = at
			w.must(w.store.IssueCode(w.Context(), codeIssuance(f)))
		}},
		{"without a token", false, func(f *oauth.Family) { w.must(w.store.IssueCode(w.Context(), codeIssuance(f))) }},
		{"of a personal access token", false, func(f *oauth.Family) {
			f.Personal = true
			w.start(f)
		}},
		{"that has expired", false, func(f *oauth.Family) {
			f.ExpiresAt = at
			w.start(f)
		}},
		{"that was revoked", false, func(f *oauth.Family) {
			w.start(f)
			w.must(w.store.RevokeFamily(w.Context(), f.ID, now, nil))
		}},
		{"that was stored after a cut-off", false, func(f *oauth.Family) {
			w.must(w.store.RevokeFamilies(w.Context(), oauth.FamilyFilter{User: f.User, Session: "s"}, now, nil))
			f.Session = "s"
			w.start(f)
		}},
		{"whose code ended with its session, though it was begun later", false, func(f *oauth.Family) {
			w.must(w.store.EndSession(w.Context(), f.User, "s", at.Add(time.Hour), nil))
			f.Session, f.CreatedAt = "s", at.Add(oauth.ClockSkew+time.Microsecond)
			w.must(w.store.IssueCode(w.Context(), codeIssuance(f)))
		}},
	} {
		u := user(fmt.Sprint("c", n))
		token := w.connect(family(w.client, w.id("family"), u), "read")
		f := family(w.client, w.id("family"), u)
		other.store(f)
		w.disconnects("a connection next to one "+other.what, u, token, at, removed{true, !other.keeps})
		if other.keeps {
			w.consented("next to one "+other.what, u, w.client.ID, "read")
		} else {
			w.consented("next to one "+other.what, u, w.client.ID)
		}
		for _, t := range w.tokensOf(u) {
			if live := t.Live(now); live != (other.keeps && t.Family.ID == f.ID || t.Family.Personal) {
				w.Errorf("next to one %s: token of %s live = %t", other.what, t.Family.ID, live)
			}
		}
	}
}

// disconnectTimes checks that a removal withdraws older consents, and completes other
// ways of revoking.
func disconnectTimes(w *world) {
	u, at := user("1"), now.Add(time.Minute)
	token := w.connect(family(w.client, "first", u), "read")
	w.must(w.store.RevokeToken(w.Context(), token, now, nil))
	w.consented("after RevokeToken()", u, w.client.ID, "read")
	newer := family(w.client, "newer", u)
	newer.CreatedAt = at.Add(oauth.ClockSkew + time.Microsecond)
	w.connect(newer, "newer")
	w.must(w.store.RevokeFamily(w.Context(), newer.ID, at, nil))
	w.disconnects("a dead connection", u, token, at, removed{false, true})
	w.consented("granted after the removal", u, w.client.ID, "newer")
	w.grant(u, now, "late")
	w.grant(u, at, "late")
	w.consented("stored late", u, w.client.ID, "newer")

	// A personal access token does not matter.
	personal := family(w.client, "personal", user("2"))
	personal.Personal = true
	w.grant(user("2"), now, "read")
	id := w.connect(personal)
	w.disconnects("a personal token", user("2"), id, at, removed{true, false})
	w.lives("the personal token", id, false)
	w.consented("after a personal token was removed", user("2"), w.client.ID, "read")
}

// disconnectedAtOnce removes all connections of a user concurrently. Afterwards the
// consents are gone, and exactly one call has reported that.
func disconnectedAtOnce(w *world) {
	for round := range min(w.rounds, 40) {
		n := []int{2, 3, 8, rivals}[round%4]
		u := user(fmt.Sprint("once", round))
		tokens := make([]string, n)
		for i := range tokens {
			tokens[i] = w.connect(family(w.client, w.id("family"), u), "read", "write")
		}
		var revoked, withdrawn atomic.Int64
		atOnce(n, func(i int) {
			r, x := w.disconnect(u, tokens[i], now.Add(time.Duration(i)))
			if r {
				revoked.Add(1)
			}
			if x {
				withdrawn.Add(1)
			}
		})
		w.consented(fmt.Sprintf("after %d concurrent removals", n), u, w.client.ID)
		if revoked.Load() != int64(n) || withdrawn.Load() != 1 {
			w.Errorf("of %d concurrent removals, %d revoked and %d withdrew; want all and one", n, revoked.Load(), withdrawn.Load())
		}
		if w.Failed() {
			return
		}
	}
}

// disconnectAgainstIssueCode removes the last connection while the user decides another
// consent page. A decision before the removal ends with its consent. A decision after
// it stays with its consent. Within oauth.ClockSkew either may happen. No connection is
// live without a consent, and no consent stays without a connection.
func disconnectAgainstIssueCode(w *world) {
	at := now.Add(time.Minute)
	for round := range w.rounds {
		u := user(fmt.Sprint("begin", round))
		token := w.connect(family(w.client, w.id("family"), u), "read")
		f := family(w.client, w.id("family"), u)
		after, unsure := round%3 == 1, round%3 == 2
		switch f.CreatedAt = at; {
		case after:
			f.CreatedAt = at.Add(oauth.ClockSkew + time.Microsecond)
		case unsure:
			f.CreatedAt = at.Add(time.Microsecond)
		}
		live, granted := w.consentDuring(f, func() { w.disconnect(u, token, at) })
		if live != (len(granted) > 0) || live != after && !unsure {
			w.Fatalf("a decision concurrent with the removal, after it = %t: connection live = %t with the consents %q", after, live, granted)
		}
	}
}

// disconnectAgainstIssue removes the last connection while an earlier code is
// redeemed.
func disconnectAgainstIssue(w *world) {
	at := now.Add(time.Minute)
	for round := range w.rounds {
		u := user(fmt.Sprint("issue", round))
		token := w.connect(family(w.client, w.id("family"), u), "read")
		f := family(w.client, w.id("family"), u)
		w.must(w.store.IssueCode(w.Context(), codeIssuance(f)))
		redeemed := w.id("token")
		atOnce(2, func(i int) {
			if i == 0 {
				w.disconnect(u, token, at)
				return
			}
			if err := w.store.Issue(w.Context(), issuance(w.client, f, redeemed, spendCode(f))); err != nil {
				w.Errorf("Issue() = %v", err)
			}
		})
		granted, _, err := w.store.Consented(w.Context(), u, w.client)
		w.must(err)
		if live := w.token(redeemed).Live(now); live != (len(granted) > 0) {
			w.Fatalf("a code redeemed concurrently with the removal: token live = %t with the consents %q", live, granted)
		}
	}
}

// disconnectAudit checks that each change has an audit record.
func disconnectAudit(w *world) {
	log, ok := oauth.StoreAs[oauth.AuditStore](w.store)
	if !ok {
		w.Skip("the store keeps no audit log")
	}
	u := user("1")
	first, last := w.connect(family(w.client, "first", u), "read"), w.connect(family(w.client, "last", u))
	for _, token := range []string{first, first, last, last} {
		_, _, err := w.store.Disconnect(w.Context(), &oauth.Disconnection{
			User: u, TokenID: token, Time: now, Revoked: record("revoked " + token), Withdrawn: record("withdrawn " + token),
		})
		w.must(err)
	}
	got := map[string]int{}
	for r, err := range log.AuditLog(context.Background(), now) {
		w.must(err)
		got[r.Action]++
	}
	if len(got) != 3 || got["revoked "+first] != 1 || got["revoked "+last] != 1 || got["withdrawn "+last] != 1 {
		w.Errorf("AuditLog() has %v, want both revocations and a single withdrawal", got)
	}
}

// sessionEnds ends a session. That ends unredeemed codes and families that end with the
// session, even if they are stored later, but only for that session and user.
func sessionEnds(w *world) {
	u, at := user("1"), now.Add(time.Minute)
	start := func(id string, session oauth.Digest, ends bool, u oauth.UserRef) (token string) {
		f := family(w.client, id, u)
		f.Session, f.EndsWithSession = session, ends
		return w.start(f).AccessToken.ID
	}
	begin := func(id string) {
		f := family(w.client, id, u)
		f.Session = "s"
		w.must(w.store.IssueCode(w.Context(), codeIssuance(f)))
	}
	stays, ends := start("stays", "s", false, u), start("ends", "s", true, u)
	session, another := start("another session", "t", true, u), start("another user", "s", true, user("2"))
	begin("code")
	for range 2 { // the second call changes nothing
		w.must(w.store.EndSession(w.Context(), u, "s", at, nil))
	}
	begin("late code")
	late := start("late", "s", true, u)
	w.lives("a token that does not end with its session", stays, true)
	w.lives("a token that ends with its session", ends, false)
	w.lives("a token that is stored late", late, false)
	w.lives("of another session", session, true)
	w.lives("of another user", another, true)
	for _, id := range []string{"code", "late code"} {
		code, err := w.store.Code(w.Context(), oauth.DigestOf(id))
		w.must(err)
		if code.Family.Live(now) {
			w.Errorf("the %s is live after EndSession()", id)
		}
	}
	if w.store.EndSession(w.Context(), u, "", at, nil) == nil || w.store.EndSession(w.Context(), oauth.UserRef{Provider: "users"}, "s", at, nil) == nil {
		w.Error("EndSession() without a session or a user = nil, want an error")
	}
}
