package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-passport/passport/oauth"
)

// clientTokenProperties are about all tokens of a client.
var clientTokenProperties = []property{
	{"FR_55 all tokens of a client end and the client stays", clientTokensEnd},
	{"FR_55 the time at which a client's tokens end", clientTokensTimes},
	{"FR_55 no token of a client survives the end of all", clientTokensAtOnce},
	{"FR_55 ended connections of a client do not count", clientTokensDisconnect},
	{"FR_55 the tokens of a client are listed", clientTokensListed},
}

// kept is a client's codes and tokens of all kinds.
type kept struct{ code, spent, access, refresh, personal, own, elsewhere string }

// everyToken stores a token of each kind, for requests of the given time.
func (w *world) everyToken(c *oauth.Client, name string, came time.Time) (k kept) {
	w.Helper()
	newFamily := func(kind string, c *oauth.Client) *oauth.Family {
		f := family(c, name+kind, user("1"))
		f.CreatedAt, f.ExpiresAt = came, now.Add(365*day)
		return f
	}
	tokens := func(f *oauth.Family, id string) *oauth.Issuance {
		i := issuance(c, f, id, oauth.Spend{})
		i.AccessToken.IssuedAt, i.AccessToken.ExpiresAt = came, now.Add(365*day)
		return i
	}
	code, spent := newFamily(".code", c), newFamily(".spent", c)
	for _, f := range []*oauth.Family{code, spent} {
		b := codeIssuance(f)
		b.Consents = []string{name}
		w.must(w.store.IssueCode(w.Context(), b))
	}
	redeemed := tokens(spent, name+".access")
	redeemed.Spends = spendCode(spent)
	w.must(w.store.Issue(w.Context(), redeemed))
	personal := newFamily(".personal", c)
	personal.Personal = true
	own := tokens(nil, name+".own")
	other := family(w.client, name+".elsewhere", user("1"))
	other.CreatedAt, other.ExpiresAt = now.Add(-day), now.Add(365*day)
	w.must(w.store.Issue(w.Context(), starting(w.client, other, name+".of another")))
	for f, i := range map[*oauth.Family]*oauth.Issuance{personal: tokens(personal, name+".personal"), nil: own, other: tokens(other, name+".elsewhere")} {
		if f == personal {
			i.NewFamily = f
		}
		i.RefreshToken = nil
		w.must(w.store.Issue(w.Context(), i))
	}
	return kept{code.ID, spent.ID, name + ".access", name + ".access", name + ".personal", name + ".own", name + ".elsewhere"}
}

// keeps fails the test unless all of the tokens are live, or none if want is false.
func (w *world) keeps(what string, k kept, want bool) {
	w.Helper()
	for _, id := range []string{k.access, k.personal, k.own, k.elsewhere} {
		w.lives(what+": "+id, id, want)
	}
	for _, id := range []string{k.code, k.spent} {
		if code, err := w.store.Code(w.Context(), oauth.DigestOf(id)); err != nil || code.Family.Live(now) != want {
			w.Errorf("%s: code %s live = %v, %v, want %v", what, id, !want, err, want)
		}
	}
	if r, err := w.store.RefreshToken(w.Context(), oauth.DigestOf(k.refresh)); err != nil || r.Family.Live(now) != want {
		w.Errorf("%s: refresh token live = %v, %v, want %v", what, !want, err, want)
	}
}

func clientTokensEnd(w *world) {
	c, other := w.newClient("the client"), w.newClient("another client")
	mine, others := w.everyToken(c, "mine", now), w.everyToken(other, "others", now)
	stale, err := w.store.Client(w.Context(), c.ID)
	w.must(err)
	for range 2 { // the second call changes nothing
		w.must(w.store.RevokeTokensOfClient(w.Context(), c.ID, now, record("ended")))
	}
	w.keeps("after RevokeTokensOfClient()", mine, false)
	w.keeps("of another client", others, true)
	w.lives("of the client whose family has a token of the other", "mine.of another", true)
	w.keeps("stored late", w.everyToken(c, "late", now), false)
	w.consented("after RevokeTokensOfClient()", user("1"), c.ID, "late", "mine")
	if log, ok := oauth.StoreAs[oauth.AuditStore](w.store); ok {
		n := 0
		for _, err := range log.AuditLog(w.Context(), now) {
			w.must(err)
			n++
		}
		if n != 1 {
			w.Errorf("AuditLog() has %d records of two calls of RevokeTokensOfClient(), want 1", n)
		}
	}
	read, err := w.store.Client(w.Context(), c.ID)
	if err != nil || !read.Active() || !read.TokensNotBefore.Equal(now) {
		w.Errorf("Client() = %+v, %v, want it active with TokensNotBefore %v", read, err, now)
	}
	// An update with an old record doesn't bring the tokens back.
	stale.Name = "Renamed"
	w.must(w.store.UpdateClient(w.Context(), stale, nil))
	w.keeps("after a stale update", mine, false)
	w.keeps("issued later", w.everyToken(c, "later", now.Add(time.Microsecond)), true)
	// An earlier time changes nothing.
	w.must(w.store.RevokeTokensOfClient(w.Context(), c.ID, now.Add(-time.Hour), nil))
	w.keeps("after a call with an earlier time", mine, false)
	for _, id := range []string{"missing", "", "\x00", "\xff"} {
		w.refused(fmt.Sprintf("RevokeTokensOfClient(%q)", id), w.store.RevokeTokensOfClient(w.Context(), id, now, nil), oauth.ErrNotFound)
	}
}

// clientTokensTimes is like cutOffTimes, for all tokens of a client.
func clientTokensTimes(w *world) {
	c, at := w.newClient("the client"), now.Add(time.Minute)
	cases := []struct {
		after         time.Duration // between the revocation and the request
		before, later bool          // whether it is live if stored before or after the revocation
	}{
		{-500 * time.Millisecond, false, false},
		{0, false, false},
		{500 * time.Millisecond, false, true},
		{oauth.ClockSkew, false, true},
		{oauth.ClockSkew + time.Microsecond, true, true},
	}
	var before, later []kept
	for n, test := range cases {
		before = append(before, w.everyToken(c, fmt.Sprint("before ", n), at.Add(test.after)))
	}
	w.must(w.store.RevokeTokensOfClient(w.Context(), c.ID, at, nil))
	for n, test := range cases {
		later = append(later, w.everyToken(c, fmt.Sprint("later ", n), at.Add(test.after)))
	}
	for n, test := range cases {
		w.keeps(fmt.Sprintf("a request %v after the revocation, stored before it", test.after), before[n], test.before)
		w.keeps(fmt.Sprintf("a request %v after the revocation, stored after it", test.after), later[n], test.later)
	}
	for range 2 {
		_, err := w.store.Purge(w.Context(), oauth.EndedBefore(now.Add(-2*day)), 1000)
		w.must(err)
	}
	for n, test := range cases {
		w.keeps("after a purge, stored before", before[n], test.before)
		w.keeps("after a purge, stored after", later[n], test.later)
	}
}

// clientTokensAtOnce redeems codes, refreshes and issues tokens in 64 goroutines while
// all tokens of the client are revoked.
func clientTokensAtOnce(w *world) {
	for round := range min(w.rounds, 20) {
		c := w.newClient(fmt.Sprint("client ", round))
		families, first := make([]*oauth.Family, rivals), make([]*oauth.Issuance, rivals)
		for n := range rivals {
			f := family(c, fmt.Sprint(round, ".", n), user(fmt.Sprint(n)))
			families[n] = f
			switch n % 4 {
			case 0: // a code to redeem
				w.must(w.store.IssueCode(w.Context(), codeIssuance(f)))
			case 1: // a refresh token
				first[n] = starting(c, f, f.ID+".first")
				w.must(w.store.Issue(w.Context(), first[n]))
			}
		}
		atOnce(rivals+1, func(n int) {
			if n == rivals {
				if err := w.store.RevokeTokensOfClient(w.Context(), c.ID, now, nil); err != nil {
					w.Errorf("RevokeTokensOfClient() = %v", err)
				}
				return
			}
			i := rival(c, families[n], first[n], n)
			if err := w.store.Issue(w.Context(), i); err != nil && !errors.Is(err, oauth.ErrSpent) {
				w.Errorf("Issue() = %v", err)
			}
		})
		if n := w.allDead(c); n < rivals || w.Failed() {
			w.Fatalf("round %d: the client has %d tokens, want at least %d", round, n, rivals)
		}
	}
}

// rival returns the issuance of the nth goroutine: for a code, for a refresh token, for
// a new family or for the client itself.
func rival(c *oauth.Client, f *oauth.Family, first *oauth.Issuance, n int) *oauth.Issuance {
	switch n % 4 {
	case 0:
		return issuance(c, f, f.ID, spendCode(f))
	case 1:
		return issuance(c, f, f.ID, spendRefresh(first))
	case 2:
		return starting(c, f, f.ID)
	}
	return issuance(c, nil, f.ID, oauth.Spend{})
}

// allDead fails the test if a token of the client is live. It returns the number of
// tokens.
func (w *world) allDead(c *oauth.Client) (n int) {
	w.Helper()
	for token, err := range w.store.TokensOfClient(w.Context(), c.ID) {
		w.must(err)
		if n++; token.Live(now) {
			w.Errorf("token %s is live after RevokeTokensOfClient()", token.ID)
		}
		if r, err := w.store.RefreshToken(w.Context(), oauth.DigestOf(token.ID)); err == nil && r.Family.Live(now) {
			w.Errorf("the refresh token of %s is live after RevokeTokensOfClient()", token.ID)
		}
	}
	return n
}

// clientTokensDisconnect removes a connection next to one that ended with the
// client's tokens.
func clientTokensDisconnect(w *world) {
	u, at := user("1"), now.Add(time.Hour)
	w.connect(family(w.client, "ended", u), "read")
	w.must(w.store.RevokeTokensOfClient(w.Context(), w.client.ID, now, nil))
	f := family(w.client, "again", u)
	f.CreatedAt = now.Add(time.Minute)
	token := w.connect(f, "read")
	w.disconnects("the last live connection", u, token, at, removed{true, true})
	w.consented("without a live connection", u, w.client.ID)
}

// clientTokensListed lists more than two pages. Several tokens have the same time of
// issue.
func clientTokensListed(w *world) {
	c, other := w.newClient("listed"), w.newClient("not listed")
	var want []string
	for n := range many {
		i := issuance(c, nil, fmt.Sprintf("%03d", many-n), oauth.Spend{})
		i.AccessToken.IssuedAt = now.Add(time.Duration(n/50) * time.Second)
		w.must(w.store.Issue(w.Context(), i))
		w.must(w.store.Issue(w.Context(), issuance(other, nil, fmt.Sprint("other", n), oauth.Spend{})))
		want = append(want, fmt.Sprintf("%d %s", n/50, i.AccessToken.ID))
	}
	slices.Sort(want)
	var got []string
	for token, err := range w.store.TokensOfClient(context.Background(), c.ID) {
		w.must(err)
		if token.Client.ID != c.ID || token.Family != nil || token.Scopes[0] != "read" {
			w.Fatalf("TokensOfClient() yields %+v, want tokens of the client only", token)
		}
		got = append(got, fmt.Sprintf("%d %s", token.IssuedAt.Sub(now)/time.Second, token.ID))
	}
	if !slices.Equal(got, want) {
		w.Errorf("TokensOfClient() yields %d tokens %.200q, want %d in the order of issue and ID", len(got), got, len(want))
	}
	for _, id := range []string{"missing", "", "\x00"} {
		for token, err := range w.store.TokensOfClient(w.Context(), id) {
			w.Errorf("TokensOfClient(%q) yields %v, %v, want nothing", id, token, err)
		}
	}
}
