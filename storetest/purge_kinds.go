package storetest

import (
	"fmt"
	"sync"
	"time"

	"github.com/go-passport/passport/oauth"
)

// purgeAs purges with these deadlines until Purge returns 0.
func (w *world) purgeAs(ended oauth.PurgeBefore) (total int) {
	w.Helper()
	for range 1000 {
		n, err := w.store.Purge(w.Context(), ended, 1000)
		w.must(err)
		if n == 0 {
			return total
		}
		total += n
	}
	w.Fatalf("Purge(%+v) never returns 0", ended)
	return 0
}

// lasting stores a family that is live for a year, and its unredeemed code.
func (w *world) lasting(u oauth.UserRef) *oauth.Family {
	w.Helper()
	f := family(w.client, w.id("lasting"), u)
	f.ExpiresAt = now.Add(365 * day)
	w.must(w.store.IssueCode(w.Context(), codeIssuance(f)))
	return f
}

// there compares whether an access token exists.
func (w *world) there(what, id string, want bool) {
	w.Helper()
	_, err := w.store.AccessToken(w.Context(), id)
	if err != nil {
		w.refused("AccessToken() of "+what, err, oauth.ErrNotFound)
	}
	if got := err == nil; got != want {
		w.Errorf("AccessToken() of %s exists: %v, want %v", what, got, want)
	}
}

// purgeKinds fills the store again for each kind of purge: revoked records, expired
// records, both, neither.
func purgeKinds(w *world) {
	ctx := w.Context()
	limit := now.Add(2 * day)
	for _, ended := range []oauth.PurgeBefore{{}, {Revoked: limit}, {Expired: limit}, oauth.EndedBefore(limit)} {
		revoked, expired := !ended.Revoked.IsZero(), !ended.Expired.IsZero()
		name := fmt.Sprintf("revoked %v, expired %v: ", revoked, expired)

		old := w.begin(user("1")) // it is live for a day
		oldTokens := w.issue(old, spendCode(old))
		dead := w.lasting(user("2"))
		deadTokens := issuance(w.client, dead, w.id("token"), spendCode(dead))
		deadTokens.AccessToken.ExpiresAt = dead.ExpiresAt
		w.must(w.store.Issue(ctx, deadTokens))
		w.must(w.store.RevokeFamily(ctx, dead.ID, now, nil))
		live := w.lasting(user("3"))
		liveTokens := issuance(w.client, live, w.id("token"), spendCode(live))
		liveTokens.AccessToken.ExpiresAt, liveTokens.RefreshToken.ExpiresAt = live.ExpiresAt, live.ExpiresAt
		w.must(w.store.Issue(ctx, liveTokens))
		abandoned := w.lasting(user("4"))
		own := map[string]string{}
		for kind, life := range map[string]time.Duration{"expired": time.Hour, "revoked": 365 * day, "live": 365 * day} {
			own[kind] = w.id("own")
			i := issuance(w.client, nil, own[kind], oauth.Spend{})
			i.AccessToken.ExpiresAt = now.Add(life)
			w.must(w.store.Issue(ctx, i))
		}
		w.must(w.store.RevokeToken(ctx, own["revoked"], now, nil))
		seen := w.id("seen")
		w.must(w.store.UseOnce(ctx, "a.b", seen, now.Add(time.Hour)))

		n := w.purgeAs(ended)
		if some := revoked || expired; (n > 0) != some {
			w.Errorf("%sPurge() = %d rows, want some: %v", name, n, some)
		}
		for _, f := range []struct {
			what   string
			family *oauth.Family
			tokens *oauth.Issuance
			gone   bool
		}{
			{"a family that expired", old, oldTokens, expired},
			{"a family that was revoked", dead, deadTokens, revoked},
			{"a live family", live, liveTokens, false},
			{"a family whose code was never redeemed", abandoned, nil, expired},
		} {
			_, err := w.store.Code(ctx, oauth.DigestOf(f.family.ID))
			if (err != nil) != f.gone {
				w.Errorf("%sCode() of %s = %v, want it gone: %v", name, f.what, err, f.gone)
			}
			if f.tokens == nil {
				continue
			}
			w.there(name+f.what, f.tokens.AccessToken.ID, !f.gone)
			if _, err := w.store.RefreshToken(ctx, f.tokens.RefreshToken.Digest); (err != nil) != f.gone {
				w.Errorf("%sRefreshToken() of %s = %v, want it gone: %v", name, f.what, err, f.gone)
			}
		}
		w.there(name+"a client's own token that expired", own["expired"], !expired)
		w.there(name+"a client's own token that was revoked", own["revoked"], !revoked)
		w.there(name+"a client's own live token", own["live"], true)
		if err := w.store.UseOnce(ctx, "a.b", seen, now.Add(365*day)); (err == nil) != expired {
			w.Errorf("%sUseOnce() of a purgeable value = %v, want it purged: %v", name, err, expired)
		}
	}
}

// purgeBoundaries lets records end just before the limit, at it, and just after it. A
// record that ends at the limit is purged.
func purgeBoundaries(w *world) {
	ctx, limit := w.Context(), now.Add(10*time.Hour)
	type ending struct {
		what string
		id   string
		at   time.Time
	}
	var revoked, expired []ending
	for _, d := range []time.Duration{-time.Microsecond, 0, time.Microsecond} {
		at := limit.Add(d)
		own := issuance(w.client, nil, w.id("own"), oauth.Spend{})
		own.AccessToken.ExpiresAt = at
		short := family(w.client, w.id("short"), user("1"))
		short.ExpiresAt = at
		i := starting(w.client, short, w.id("token"))
		i.AccessToken.ExpiresAt = now.Add(365 * day)
		refreshable := family(w.client, w.id("refreshable"), user("1"))
		refreshable.ExpiresAt = now.Add(365 * day)
		r := starting(w.client, refreshable, w.id("token"))
		r.RefreshToken.ExpiresAt = at // the access token ended long before
		for _, i := range []*oauth.Issuance{own, i, r} {
			w.must(w.store.Issue(ctx, i))
		}
		expired = append(expired, ending{"a client's own token", own.AccessToken.ID, at}, ending{"a family's token", i.AccessToken.ID, at},
			ending{"a token whose refresh token", r.AccessToken.ID, at})

		ended, endedFamily := issuance(w.client, nil, w.id("own"), oauth.Spend{}), family(w.client, w.id("ended"), user("2"))
		ended.AccessToken.ExpiresAt, endedFamily.ExpiresAt = now.Add(365*day), now.Add(365*day)
		e := starting(w.client, endedFamily, w.id("token"))
		e.AccessToken.ExpiresAt = now.Add(365 * day)
		w.must(w.store.Issue(ctx, ended))
		w.must(w.store.Issue(ctx, e))
		w.must(w.store.RevokeToken(ctx, ended.AccessToken.ID, at, nil))
		w.must(w.store.RevokeFamily(ctx, endedFamily.ID, at, nil))
		revoked = append(revoked, ending{"a client's own token", ended.AccessToken.ID, at}, ending{"a family's token", e.AccessToken.ID, at})
	}
	for _, purge := range []struct {
		what  string
		ended oauth.PurgeBefore
		of    []ending
	}{
		{"expired", oauth.PurgeBefore{Expired: limit}, expired},
		{"was revoked", oauth.PurgeBefore{Revoked: limit}, revoked},
	} {
		w.purgeAs(purge.ended)
		w.purgeAs(purge.ended) // the second purge has the same effect
		for _, e := range purge.of {
			w.there(fmt.Sprintf("%s that %s %v after the limit", e.what, purge.what, e.at.Sub(limit)), e.id, e.at.After(limit))
		}
	}
}

// purgeThenRefresh purges a week after the access token has expired. The refresh token
// still works, and the access token represents it in the user's list.
func purgeThenRefresh(w *world) {
	ctx := w.Context()
	f := w.lasting(user("1"))
	first := issuance(w.client, f, "first", spendCode(f))
	second := issuance(w.client, f, "second", spendRefresh(first))
	third := issuance(w.client, f, "third", spendRefresh(second))
	first.RefreshToken.ExpiresAt, second.RefreshToken.ExpiresAt = now.Add(30*day), now.Add(30*day)
	third.Time, third.RefreshToken.ExpiresAt = now.Add(8*day), now.Add(38*day)
	w.must(w.store.Issue(ctx, first))
	w.must(w.store.Issue(ctx, second))
	for _, ended := range []oauth.PurgeBefore{{Revoked: now.Add(8 * day)}, {Expired: now.Add(7 * day)}, oauth.EndedBefore(now.Add(8 * day))} {
		w.purgeAs(ended)
		w.ordered("TokensOf() after a purge", ids(w, w.store.TokensOf(ctx, f.User), tokenID), map[bool][]string{
			true: {"first", "second"}, false: {"second"}, // the access token of a spent refresh token may be deleted
		}[ended.Expired.IsZero()])
		r, err := w.store.RefreshToken(ctx, second.RefreshToken.Digest)
		if err != nil || !r.SpentAt.IsZero() || !r.Family.Live(now.Add(8*day)) || r.AccessTokenID != "second" {
			w.Fatalf("RefreshToken() after the purge %+v = %+v, %v, want it unspent, in a live family", ended, r, err)
		}
	}
	w.must(w.store.Issue(ctx, third))
	if token := w.token("third"); token.Family.ID != f.ID {
		w.Errorf("AccessToken() of a refreshed token after a purge = %+v, want it to exist", token)
	}
	// The access token is deleted after its refresh token has expired too.
	w.purgeAs(oauth.EndedBefore(now.Add(30 * day)))
	w.there("a refresh token that was spent and has expired", "second", false)
	w.there("a refresh token that can be used", "third", true)
	w.purgeAs(oauth.EndedBefore(now.Add(38 * day)))
	w.there("a refresh token that has expired", "third", false)
}

// purgeThenReplay uses a refresh token that was spent 30 days ago and has expired.
func purgeThenReplay(w *world) {
	f := w.lasting(user("1"))
	first := w.issue(f, spendCode(f)) // its refresh token is valid for 12 hours
	second := issuance(w.client, f, "second", spendRefresh(first))
	second.RefreshToken.ExpiresAt = now.Add(60 * day)
	w.must(w.store.Issue(w.Context(), second))
	for _, ended := range []oauth.PurgeBefore{{Revoked: now.Add(30 * day)}, {Expired: now.Add(30 * day)}, oauth.EndedBefore(now.Add(30 * day))} {
		w.purgeAs(ended)
		w.replaced(fmt.Sprintf("the first, after the purge %+v,", ended), f, first, second, false)
		r, err := w.store.RefreshToken(w.Context(), first.RefreshToken.Digest)
		if err != nil || !r.SpentAt.Equal(now) || !r.Family.Live(now.Add(30*day)) {
			w.Fatalf("RefreshToken() of a token spent 30 days ago = %+v, %v, want it spent at %v, in a live family", r, err, now)
		}
		replay := issuance(w.client, f, w.id("replay"), spendRefresh(first))
		w.refused("Issue() that spends it again", w.store.Issue(w.Context(), replay), oauth.ErrSpent)
	}
	// So a replay revokes the tokens of the attacker and the client.
	w.must(w.store.RevokeFamily(w.Context(), f.ID, now.Add(30*day), nil))
	r, err := w.store.RefreshToken(w.Context(), second.RefreshToken.Digest)
	if err != nil || r.Family.Live(now.Add(30*day)) {
		w.Errorf("RefreshToken() of the successor = %+v, %v, want its family dead", r, err)
	}
}

// purgeThenCode uses a spent code, after each kind of purge.
func purgeThenCode(w *world) {
	again := func(what string, f *oauth.Family) {
		w.Helper()
		i := issuance(w.client, f, w.id("again"), spendCode(f))
		w.refused("Issue() that spends "+what, w.store.Issue(w.Context(), i), oauth.ErrSpent)
		w.there("a token issued for "+what, i.AccessToken.ID, false)
	}
	limit := now.Add(30 * day)
	for _, ended := range []oauth.PurgeBefore{{Revoked: limit}, {Expired: limit}, oauth.EndedBefore(limit)} {
		live, revoked, expired := w.lasting(user("1")), w.lasting(user("2")), w.begin(user("3"))
		for _, f := range []*oauth.Family{live, revoked, expired} {
			w.issue(f, spendCode(f))
		}
		w.must(w.store.RevokeFamily(w.Context(), revoked.ID, now, nil))
		unused := w.lasting(user("4"))
		w.purgeAs(ended)
		code, err := w.store.Code(w.Context(), oauth.DigestOf(live.ID))
		if err != nil || !code.SpentAt.Equal(now) {
			w.Errorf("Code() of a used code after the purge %+v = %+v, %v, want it spent", ended, code, err)
		}
		again("a used code of a live family", live)
		again("a used code of a revoked family", revoked)
		again("a used code of a family that has expired", expired)
		if !ended.Expired.IsZero() {
			again("a code that was never used and has been purged", unused)
		}
	}
}

// purgesAtOnce runs several concurrent purges, each until Purge returns 0. Together
// they must delete everything, and all must finish.
func purgesAtOnce(w *world) {
	const nodes, n = 4, 250
	for i := range n {
		w.must(w.store.Issue(w.Context(), issuance(w.client, nil, w.id("own"), oauth.Spend{})))
		if i%5 == 0 {
			f := w.begin(user(fmt.Sprint(i)))
			w.issue(f, spendCode(f))
			w.must(w.store.RevokeFamilies(w.Context(), oauth.FamilyFilter{User: f.User}, now, nil))
		}
	}
	ended := oauth.EndedBefore(now.Add(3 * day))
	var mu sync.Mutex
	total := 0
	atOnce(nodes, func(int) {
		for range 10 * n {
			deleted, err := w.store.Purge(w.Context(), ended, 40)
			if err != nil {
				w.Errorf("Purge() concurrent with others = %v", err)
			}
			if err != nil || deleted == 0 {
				return
			}
			mu.Lock()
			total += deleted
			mu.Unlock()
		}
		w.Error("Purge() concurrent with others never returns 0")
	})
	if w.Failed() {
		return
	}
	rest := w.purgeAs(ended)
	for token, err := range w.store.TokensOf(w.Context(), user("0")) {
		w.Errorf("TokensOf() after concurrent purges yields %+v, %v, want none", token, err)
	}
	if left := w.countOwn(n); left > 0 || rest > 0 {
		w.Errorf("%d tokens are left after concurrent purges, and the next purge deletes %d rows, want none", left, rest)
	}
	if total < n+n/5*4 {
		w.Errorf("concurrent purges deleted %d rows, want at least %d", total, n+n/5*4)
	}
}
