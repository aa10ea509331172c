package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/go-passport/passport/oauth"
)

func noticeLease(w *world) {
	withLogouts(w, func(l logouts) {
		ctx, alice := w.Context(), user("alice")
		sid := l.signIn(l.web, alice, "s")
		lease := func(at, until time.Duration) []*oauth.LogoutNotice {
			w.Helper()
			leased, err := l.store.LeaseLogouts(ctx, &oauth.LogoutLease{ID: w.id("lease"), Time: now.Add(at), Until: now.Add(until), Limit: 10, PerClient: 10})
			w.must(err)
			return leased
		}
		if got := lease(0, time.Minute); len(got) > 0 {
			w.Errorf("LeaseLogouts() of an empty outbox = %v, want none", got)
		}
		w.must(w.store.EndSession(ctx, alice, "s", now, nil))
		if got := lease(-time.Microsecond, time.Minute); len(got) > 0 {
			w.Errorf("LeaseLogouts() before the notice is due = %v, want none", got)
		}
		first := lease(0, time.Minute)
		want := &oauth.LogoutNotice{ClientID: "web", User: alice, SID: sid, CreatedAt: now, ExpiresAt: now.Add(oauth.LogoutNoticeTTL), Tries: 1}
		if len(first) == 1 {
			want.ID, want.Lease = first[0].ID, first[0].Lease
		}
		if len(first) != 1 || want.ID == "" || !reflect.DeepEqual(first[0], want) {
			w.Fatalf("LeaseLogouts() = %+v, want one: %+v", first, want)
		}
		if got := lease(time.Minute-time.Microsecond, 2*time.Minute); len(got) > 0 {
			w.Errorf("LeaseLogouts() during a lease = %+v, want none", got)
		}
		second := lease(time.Minute, 2*time.Minute) // the first node has died
		if len(second) != 1 || second[0].Tries != 2 {
			w.Fatalf("LeaseLogouts() after the lease = %+v, want the notice with 2 tries", second)
		}
		w.refused("SettleLogout() after another lease", l.store.SettleLogout(ctx, &oauth.LogoutResult{Notice: first[0], Time: now, Done: true}), oauth.ErrNotFound)
		w.must(l.store.SettleLogout(ctx, &oauth.LogoutResult{Notice: second[0], Time: now, Result: "500", RetryAt: now.Add(10 * time.Minute)}))
		w.refused("SettleLogout() again", l.store.SettleLogout(ctx, &oauth.LogoutResult{Notice: second[0], Time: now, Done: true}), oauth.ErrNotFound)
		if got := lease(10*time.Minute-time.Microsecond, 20*time.Minute); len(got) > 0 {
			w.Errorf("LeaseLogouts() before the retry = %+v, want none", got)
		}
		third := lease(10*time.Minute, 20*time.Minute)
		if len(third) != 1 || third[0].Tries != 3 || third[0].ExpiresAt != want.ExpiresAt {
			w.Fatalf("LeaseLogouts() at the time of the retry = %+v, want the notice with 3 tries", third)
		}
		w.must(l.store.SettleLogout(ctx, &oauth.LogoutResult{Notice: third[0], Time: now, Result: "200", Done: true}))
		if got := lease(2*day, 3*day); len(got) > 0 {
			w.Errorf("LeaseLogouts() after the notice was delivered = %+v, want none", got)
		}
	})
}

func leaseOnce(w *world) {
	withLogouts(w, func(l logouts) {
		alice := user("alice")
		for range max(w.rounds/20, 1) {
			for n := range 30 {
				session := fmt.Sprint("session ", n)
				l.signIn(l.strict, alice, session)
			}
			w.must(w.store.RevokeFamilies(w.Context(), oauth.FamilyFilter{User: alice}, now, nil))
			var mu sync.Mutex
			of := map[string]int{}
			leases := make([]string, rivals)
			for i := range leases {
				leases[i] = w.id("lease")
			}
			atOnce(rivals, func(i int) { // more often than there are notices for a lease
				leased, err := l.store.LeaseLogouts(w.Context(), &oauth.LogoutLease{ID: leases[i], Time: now, Until: now.Add(time.Minute), Limit: 100, PerClient: 100})
				if err != nil {
					w.Errorf("LeaseLogouts() at the same time as others = %v, want nil", err)
				}
				mu.Lock()
				defer mu.Unlock()
				for _, n := range leased {
					of[n.SID]++
					if n.Lease != leases[i] || n.Tries != 1 {
						w.Errorf("LeaseLogouts() = %+v, want one try and the lease of the caller", n)
					}
				}
			})
			for sid, n := range of {
				if n != 1 {
					w.Errorf("the notice of %s was leased %d times at the same time, want once", sid, n)
				}
			}
			if len(of) < oauth.MaxLogoutLease {
				w.Fatalf("concurrent leases found %d notices, want at least %d", len(of), oauth.MaxLogoutLease)
			}
			if more := len(l.due()); len(of)+more < 30 { // the others are leased again by now
				w.Fatalf("%d and %d notices were leased, want all 30", len(of), more)
			}
		}
	})
}

func leaseFairly(w *world) {
	withLogouts(w, func(l logouts) {
		for n := range 20 {
			l.signIn(l.strict, user("alice"), fmt.Sprint("session ", n))
		}
		l.signIn(l.web, user("alice"), "session 0")
		w.must(w.store.RevokeFamilies(w.Context(), oauth.FamilyFilter{User: user("alice")}, now, nil))
		for _, test := range []struct {
			limit, perClient int
			except           []string
			strict, web      int
		}{
			{4, 2, nil, 2, 1}, {100, 5, []string{"web", "unknown"}, 5, 0}, {3, 100, []string{"strict"}, 0, 0}, {3, 100, nil, 3, 0}, {0, 5, nil, 0, 0},
		} {
			leased, err := l.store.LeaseLogouts(w.Context(), &oauth.LogoutLease{
				ID: w.id("lease"), Time: now, Until: now.Add(time.Hour), Limit: test.limit, PerClient: test.perClient, Except: test.except,
			})
			w.must(err)
			of := map[string]int{}
			for _, n := range leased {
				of[n.ClientID]++
			}
			if of["strict"] != test.strict || of["web"] != test.web {
				w.Errorf("LeaseLogouts() with limit %d, %d for each client, except %v = %v, want strict %d, web %d",
					test.limit, test.perClient, test.except, of, test.strict, test.web)
			}
		}
	})
}

func logoutStatus(w *world) {
	withLogouts(w, func(l logouts) {
		ctx := w.Context()
		for _, id := range []string{"web", "missing", "a\x00b"} {
			if got, err := l.store.LogoutStatus(ctx, id); err != nil || *got != (oauth.LogoutStatus{}) {
				w.Errorf("LogoutStatus(%q) without a notice = %+v, %v, want the zero value", id, got, err)
			}
		}
		long := strings.Repeat("é", oauth.MaxLogoutResult/2)
		want := oauth.LogoutStatus{}
		for n, result := range []oauth.LogoutResult{{Result: "500"}, {Result: long}, {Result: "200", Done: true}, {Result: "400"}, {Result: "204", Done: true}, {Result: "410"}} {
			l.signIn(l.web, user("alice"), "s")
			w.must(w.store.EndSession(ctx, user("alice"), "s", now, nil))
			leased, err := l.store.LeaseLogouts(ctx, &oauth.LogoutLease{ID: w.id("lease"), Time: now, Until: now.Add(time.Hour), Limit: 1, PerClient: 1})
			w.must(err)
			if len(leased) != 1 {
				w.Fatalf("LeaseLogouts() = %v, want one notice", leased)
			}
			result.Notice, result.Time = leased[0], now.Add(time.Duration(n)*time.Second)
			want.LastAt, want.LastResult = result.Time, result.Result
			if want.Failures++; result.Done {
				want.SucceededAt, want.Failures = result.Time, 0
			}
			w.must(l.store.SettleLogout(ctx, &result))
			if got, err := l.store.LogoutStatus(ctx, "web"); err != nil || *got != want {
				w.Errorf("LogoutStatus() after %q = %+v, %v, want %+v", result.Result, got, err, want)
			}
		}
		if got, err := l.store.LogoutStatus(ctx, "strict"); err != nil || *got != (oauth.LogoutStatus{}) {
			w.Errorf("LogoutStatus() of another client = %+v, %v, want the zero value", got, err)
		}
	})
}

// logoutPurge also extends a client session, which a later family keeps.
func logoutPurge(w *world) {
	withLogouts(w, func(l logouts) {
		ctx, alice := w.Context(), user("alice")
		short := l.signIn(l.web, alice, "short")
		kept := l.signIn(l.web, alice, "long")
		f := l.signedIn(l.web, alice, "long")
		f.ExpiresAt = now.Add(3 * day)
		w.must(w.store.IssueCode(ctx, codeIssuance(f)))
		l.signIn(l.web, alice, "long") // does not shorten it
		has := func(when, session string, want string) {
			w.Helper()
			got, err := l.store.SID(ctx, alice, oauth.Digest(session), "web")
			if got != want || err != nil && !errors.Is(err, oauth.ErrNotFound) {
				w.Errorf("%s SID() of the session %q = %q, %v, want %q", when, session, got, err, want)
			}
		}
		w.purgeAs(oauth.PurgeBefore{Expired: now.Add(day - time.Microsecond)})
		has("before it has expired,", "short", short)
		w.purgeAs(oauth.PurgeBefore{Revoked: now.Add(5 * day), Expired: now.Add(day)})
		has("after a purge", "short", "")
		has("after a purge", "long", kept)
		w.must(w.store.EndSession(ctx, alice, "long", now.Add(2*day), nil))
		w.purgeAs(oauth.PurgeBefore{Expired: now.Add(2*day + oauth.LogoutNoticeTTL - time.Microsecond)})
		lease := func() int {
			leased, err := l.store.LeaseLogouts(ctx, &oauth.LogoutLease{ID: w.id("lease"), Time: now.Add(2 * day), Until: now.Add(2 * day), Limit: 9, PerClient: 9})
			w.must(err)
			return len(leased)
		}
		if n := lease(); n != 1 {
			w.Errorf("before its time has ended, a purge leaves %d notices, want 1", n)
		}
		w.purgeAs(oauth.PurgeBefore{Expired: now.Add(2*day + oauth.LogoutNoticeTTL)})
		if n := lease(); n != 0 {
			w.Errorf("an hour later, a purge leaves %d notices, want none", n)
		}
	})
}
