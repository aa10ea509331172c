package storetest

import (
	"fmt"
	"time"

	"github.com/go-passport/passport/oauth"
)

// purgeAll purges until Purge returns 0.
func (w *world) purgeAll(before time.Time) (total int) {
	w.Helper()
	for range 1000 {
		n, err := w.store.Purge(w.Context(), oauth.EndedBefore(before), 1000)
		w.must(err)
		if n == 0 {
			return total
		}
		total += n
	}
	w.Fatal("Purge() never returns 0")
	return 0
}

func (w *world) gone(what string, err error) {
	w.Helper()
	w.refused(what+" after the purge", err, oauth.ErrNotFound)
}

func purgeForgets(w *world) {
	ctx := w.Context()
	expired := w.begin(user("1"))
	tokens := w.issue(expired, spendCode(expired))
	revoked := w.begin(user("2"))
	revokedTokens := w.issue(revoked, spendCode(revoked))
	w.must(w.store.RevokeFamily(ctx, revoked.ID, now, nil))
	abandoned := w.begin(user("3")) // its code is never redeemed
	living := family(w.client, "living", user("4"))
	living.ExpiresAt = now.Add(365 * day)
	lasting := starting(w.client, living, "lasting")
	lasting.AccessToken.ExpiresAt = now.Add(365 * day)
	w.must(w.store.Issue(ctx, lasting))
	for id, life := range map[string]time.Duration{"own": time.Hour, "own lasting": 365 * day, "own revoked": 365 * day} {
		i := issuance(w.client, nil, id, oauth.Spend{})
		i.AccessToken.ExpiresAt = now.Add(life)
		w.must(w.store.Issue(ctx, i))
	}
	w.must(w.store.RevokeToken(ctx, "own revoked", now, nil))
	w.must(w.store.UseOnce(ctx, "a.b", "short", now.Add(time.Hour)))
	w.must(w.store.UseOnce(ctx, "a.b", "long", now.Add(365*day)))

	if n := w.purgeAll(now.Add(-time.Minute)); n != 0 {
		w.Errorf("Purge() of a time before all records = %d rows, want none", n)
	}
	w.purgeAll(now.Add(3 * day))
	for _, f := range []*oauth.Family{expired, revoked, abandoned} {
		_, err := w.store.Code(ctx, oauth.DigestOf(f.ID))
		w.gone("Code()", err)
		w.gone("RevokeFamily()", w.store.RevokeFamily(ctx, f.ID, now, nil))
	}
	for _, i := range []*oauth.Issuance{tokens, revokedTokens} {
		_, err := w.store.AccessToken(ctx, i.AccessToken.ID)
		w.gone("AccessToken()", err)
		_, err = w.store.RefreshToken(ctx, i.RefreshToken.Digest)
		w.gone("RefreshToken()", err)
	}
	for _, id := range []string{"own", "own revoked"} {
		_, err := w.store.AccessToken(ctx, id)
		w.gone("AccessToken("+id+")", err)
	}
	w.must(w.store.UseOnce(ctx, "a.b", "short", now.Add(365*day)))
	w.refused("UseOnce() of a value that must be kept", w.store.UseOnce(ctx, "a.b", "long", now.Add(365*day)), oauth.ErrSpent)
	w.lives("a token that has not expired", "lasting", true)
	w.lives("a client's own token that has not expired", "own lasting", true)
	if _, err := w.store.Client(ctx, w.client.ID); err != nil {
		w.Errorf("Client() after the purge = %v, want nil", err)
	}
}

// purgeKeepsReplays lets all tokens of a family expire except the last refresh token. A
// purge must keep the old refresh tokens, so that a replay is detected.
func purgeKeepsReplays(w *world) {
	f := w.begin(user("1"))
	var spent []*oauth.Issuance
	spends := spendCode(f)
	for n := range 4 {
		i := issuance(w.client, f, fmt.Sprint("t", n), spends)
		i.AccessToken.ExpiresAt, i.RefreshToken.ExpiresAt = now.Add(time.Second), now.Add(time.Second)
		w.must(w.store.Issue(w.Context(), i))
		spends = spendRefresh(i)
		spent = append(spent, i)
	}
	last := w.issue(f, spends)
	w.purgeAll(now.Add(11 * time.Hour)) // the family has 13 more hours
	code, err := w.store.Code(w.Context(), oauth.DigestOf(f.ID))
	if err != nil || code.SpentAt.IsZero() || !code.Family.Live(now) {
		w.Errorf("Code() of a live family after the purge = %+v, %v, want it, spent", code, err)
	}
	for _, i := range spent {
		r, err := w.store.RefreshToken(w.Context(), i.RefreshToken.Digest)
		if err != nil || r.SpentAt.IsZero() || r.Successor == nil {
			w.Errorf("RefreshToken() of a live family after the purge = %+v, %v, want it, spent", r, err)
		}
		_, err = w.store.AccessToken(w.Context(), i.AccessToken.ID)
		w.gone("AccessToken()", err)
	}
	w.issue(f, spendRefresh(last)) // the client continues
}

// purgeSettlesCutOffs purges while families that ended by a cut-off still exist.
func purgeSettlesCutOffs(w *world) {
	at := now.Add(time.Minute)
	ways := map[string]func(u oauth.UserRef) error{
		"RevokeFamilies": func(u oauth.UserRef) error {
			return w.store.RevokeFamilies(w.Context(), oauth.FamilyFilter{User: u}, at, nil)
		},
		"RevokeFamilies of a session": func(u oauth.UserRef) error {
			return w.store.RevokeFamilies(w.Context(), oauth.FamilyFilter{User: u, Session: oauth.DigestOf("s"), EndsWithSession: true}, at, nil)
		},
		"RevokeFamilies of other sessions": func(u oauth.UserRef) error {
			f := oauth.FamilyFilter{User: u, ExceptSession: oauth.DigestOf("mine"), KeepPersonal: true}
			return w.store.RevokeFamilies(w.Context(), f, at, nil)
		},
		"Withdraw": func(u oauth.UserRef) error { return w.store.Withdraw(w.Context(), u, w.client.ID, at, nil) },
	}
	type stored struct{ late, after *oauth.Issuance }
	tokens, codes := map[string]stored{}, map[string]*oauth.Family{}
	newFamily := func(name string, came time.Time) *oauth.Family {
		f := family(w.client, w.id("family"), user(name))
		f.Session, f.EndsWithSession, f.CreatedAt, f.ExpiresAt = oauth.DigestOf("s"), true, came, now.Add(365*day)
		return f
	}
	for name, revoke := range ways {
		w.must(revoke(user(name)))
		tokens[name] = stored{w.start(newFamily(name, now)), w.start(newFamily(name, at.Add(time.Second)))}
	}
	end := oauth.FamilyFilter{User: user("codes"), Session: oauth.DigestOf("s"), Unredeemed: true}
	w.must(w.store.RevokeFamilies(w.Context(), end, at, nil))
	for name, came := range map[string]time.Time{"late": now, "after": at.Add(time.Second)} {
		codes[name] = newFamily("codes", came)
		b := codeIssuance(codes[name])
		b.Code.ExpiresAt = now.Add(365 * day)
		w.must(w.store.IssueCode(w.Context(), b))
	}
	// An hour later the cut-offs are purged, before any request has read them.
	for _, before := range []time.Time{now, at.Add(30 * time.Minute), at.Add(61 * time.Minute)} {
		w.purgeAll(before)
		for name, s := range tokens {
			token, err := w.store.RefreshToken(w.Context(), s.late.RefreshToken.Digest)
			if err == nil && token.Family.Live(now) {
				w.Errorf("a refresh token that %s ended is live after a purge up to %v", name, before)
			}
			if token, err := w.store.RefreshToken(w.Context(), s.after.RefreshToken.Digest); err != nil || !token.Family.Live(now) {
				w.Errorf("RefreshToken() for a request after %s, after a purge up to %v = %+v, %v, want it live", name, before, token, err)
			}
		}
		if code, err := w.store.Code(w.Context(), oauth.DigestOf(codes["late"].ID)); err == nil && code.Family.Live(now) {
			w.Errorf("an unredeemed code of an ended session is live after a purge up to %v", before)
		}
		if code, err := w.store.Code(w.Context(), oauth.DigestOf(codes["after"].ID)); err != nil || !code.Family.Live(now) {
			w.Errorf("Code() of a later session after a purge up to %v = %+v, %v, want it live", before, code, err)
		}
	}
}

func purgeInPieces(w *world) {
	const n = 250
	for range n {
		i := issuance(w.client, nil, w.id("own"), oauth.Spend{})
		w.must(w.store.Issue(w.Context(), i))
	}
	for round := range n / 40 {
		got, err := w.store.Purge(w.Context(), oauth.EndedBefore(now.Add(day)), 40)
		if err != nil || got < 40 || got > 200 {
			w.Fatalf("Purge() with a limit of 40, round %d = %d, %v, want about 40", round, got, err)
		}
		if round == 0 && got == n {
			w.Fatal("Purge() with a limit of 40 deleted everything")
		}
		if left := w.countOwn(n); left == 0 {
			break
		}
	}
	w.purgeAll(now.Add(day))
	if left := w.countOwn(n); left != 0 {
		w.Errorf("%d rows are left after the purge, want none", left)
	}
	if _, err := w.store.Purge(w.Context(), oauth.EndedBefore(now), 0); err == nil {
		w.Error("Purge() without a limit = nil, want an error")
	}
}

// countOwn returns how many of the tokens own-1 … own-n exist.
func (w *world) countOwn(n int) (left int) {
	w.Helper()
	for i := 1; i <= n; i++ {
		if _, err := w.store.AccessToken(w.Context(), fmt.Sprint("own-", i)); err == nil {
			left++
		}
	}
	return left
}
