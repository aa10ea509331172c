package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-passport/passport/oauth"
)

// declinedProperties are the requirements for optional scopes that a user declines.
var declinedProperties = []property{
	{"PA_1 a declined scope is remembered", declined},
	{"PA_1 a declined scope is not listed", declinedListed},
	{"PA_1 a withdrawal forgets declined scopes", declinedForgotten},
	{"PA_1 concurrent decisions on one ticket", declinedAtOnce},
	{"PA_1 a decline races a consent", declinedAgainstGranted},
}

// decision returns the write of a request in which the user grants and declines scopes.
func (w *world) decision(u oauth.UserRef, came time.Time, granted, declined []string) *oauth.CodeIssuance {
	f := family(w.client, w.id("family"), u)
	f.CreatedAt = came
	b := codeIssuance(f)
	b.Consents, b.Declined = granted, declined
	return b
}

// decides stores a decision. The scopes are separated by spaces.
func (w *world) decides(u oauth.UserRef, came time.Time, granted, declined string) {
	w.Helper()
	w.must(w.store.IssueCode(w.Context(), w.decision(u, came, strings.Fields(granted), strings.Fields(declined))))
}

// remembers checks what a user has granted and declined. The scopes are separated by
// spaces.
func (w *world) remembers(when string, u oauth.UserRef, c *oauth.Client, granted, declined string) {
	w.Helper()
	got, not, err := w.store.Consented(w.Context(), u, c)
	if err != nil || strings.Join(got, " ") != granted || strings.Join(not, " ") != declined {
		w.Errorf("Consented() %s = %q, declined %q, %v, want %q, declined %q", when, got, not, err, granted, declined)
	}
}

// declined checks that a declined scope is remembered, and that the newest request
// decides.
func declined(w *world) {
	u, other, second := user("1"), user("2"), w.newClient("second")
	at := func(n int) time.Time { return now.Add(time.Duration(n) * time.Microsecond) }
	long := strings.Repeat("x", 255)
	w.decides(u, at(0), "read profile", "write "+long+" Write")
	w.decides(other, at(0), "write", "read")
	w.remembers("with declined scopes", u, w.client, "profile read", "Write write "+long)
	w.remembers("of another user", other, w.client, "write", "read")
	w.remembers("of another client", u, second, "", "")

	w.decides(u, at(2), "write", "read")
	w.remembers("after a later request", u, w.client, "profile write", "Write read "+long)
	w.decides(u, at(1), "read", "write")
	w.remembers("after an earlier request was stored late", u, w.client, "profile write", "Write read "+long)
	w.decides(u, at(3), "both", "")
	w.decides(u, at(3), "", "both")
	w.remembers("after two requests at the same time", u, w.client, "profile write", "Write both read "+long)
	for n := range 3 {
		w.decides(u, at(4+2*n), "read", "write both")
		w.decides(u, at(5+2*n), "write both", "read")
	}
	w.remembers("after several changes", u, w.client, "both profile write", "Write read "+long)

	// The same holds for a family that begins with its tokens.
	i := starting(w.client, w.decision(u, at(20), nil, nil).Family, "issued")
	i.Consents, i.Declined = []string{"read"}, []string{"write"}
	w.must(w.store.Issue(w.Context(), i))
	w.remembers("after Issue()", u, w.client, "both profile read", "Write write "+long)

	// A failed call stores neither.
	used := w.decision(u, at(21), []string{"write"}, []string{"read"})
	used.Ticket, used.Until = "used", now.Add(day)
	w.must(w.store.UseOnce(w.Context(), oauth.SpendTicket, "used", now.Add(day)))
	w.refused("IssueCode() with a used ticket", w.store.IssueCode(w.Context(), used), oauth.ErrSpent)
	w.remembers("after a failed call", u, w.client, "both profile read", "Write write "+long)
	w.purgeAll(now)
	w.remembers("after a purge", u, w.client, "both profile read", "Write write "+long)
}

// declinedListed checks that the list of consents has no declined scope.
func declinedListed(w *world) {
	lister, ok := oauth.StoreAs[oauth.ConsentListStore](w.store)
	if !ok {
		w.Skip("the store is not an oauth.ConsentListStore")
	}
	u := user("1")
	listed := func(when string, want ...string) {
		w.Helper()
		var got []string
		for c, err := range lister.ConsentsOf(w.Context(), u) {
			w.must(err)
			got = append(got, c.Scope)
		}
		w.ordered("ConsentsOf() "+when, got, want)
	}
	w.decides(u, now, "profile read", "write")
	listed("with a declined scope", "profile", "read")
	w.decides(u, now.Add(time.Second), "", "read")
	listed("after a granted scope was declined", "profile")
	w.decides(u, now.Add(-time.Second), "read", "")
	listed("after an earlier request was stored late", "profile")
	w.decides(u, now.Add(2*time.Second), "read write", "")
	listed("after the scopes were granted", "profile", "read", "write")
}

// declinedForgotten checks what ends a declined scope, and that the end holds for
// requests that are stored late.
func declinedForgotten(w *world) {
	u, at := user("1"), now.Add(time.Minute)
	w.decides(u, now, "read", "write")
	w.must(w.store.RevokeFamilies(w.Context(), oauth.FamilyFilter{User: u}, at, nil))
	w.remembers("after RevokeFamilies()", u, w.client, "read", "write")

	changed := *w.client
	changed.ConsentVersion++
	w.remembers("of another ConsentVersion", u, &changed, "", "")
	b := w.decision(u, now, nil, []string{"more"})
	b.ConsentVersion = changed.ConsentVersion
	w.must(w.store.IssueCode(w.Context(), b))
	w.remembers("of another ConsentVersion, with its own", u, &changed, "", "more")
	w.remembers("of the first ConsentVersion", u, w.client, "read", "write")

	w.must(w.store.Withdraw(w.Context(), u, w.client.ID, at, nil))
	w.remembers("after Withdraw()", u, w.client, "", "")
	w.remembers("after Withdraw(), of another ConsentVersion", u, &changed, "", "")
	w.decides(u, at, "read", "write")
	w.remembers("of an earlier request that was stored after Withdraw()", u, w.client, "", "")
	w.purgeAll(at.Add(2 * time.Hour))
	w.remembers("after a purge", u, w.client, "", "")
	w.decides(u, at.Add(time.Microsecond), "read", "write")
	w.remembers("of a later request", u, w.client, "read", "write")

	u = user("2")
	token := w.connect(family(w.client, "connection", u), "read")
	w.decides(u, now, "", "write")
	w.remembers("with a connection", u, w.client, "read", "write")
	w.disconnects("the last connection", u, token, at, removed{true, true})
	w.remembers("after Disconnect()", u, w.client, "", "")

	owned := fullClient("owned-client")
	owned.Owner, owned.Key = user("3"), ""
	w.must(w.store.CreateClient(w.Context(), owned, nil))
	b = w.decision(u, now, nil, []string{"write"})
	b.Family.ClientID = owned.ID
	w.must(w.store.IssueCode(w.Context(), b))
	w.must(w.store.RevokeClient(w.Context(), owned.ID, now, nil))
	w.purgeAll(now.Add(400 * day))
	w.remembers("of a purged client", u, &oauth.Client{ID: owned.ID, Owner: owned.Owner, ConsentVersion: owned.ConsentVersion}, "", "")
}

// declinedAtOnce decides differently on one ticket. The code and the consents are those
// of the same decision.
func declinedAtOnce(w *world) {
	scopes := []string{"a", "b", "c", "d", "e", "f"}
	const decisions = 64
	for round := range min(w.rounds, 5) {
		u := user(fmt.Sprint("at once ", round))
		won := make([]*oauth.CodeIssuance, decisions)
		var all []*oauth.CodeIssuance
		for i := range decisions {
			var granted, declined []string
			for n, scope := range scopes {
				if i>>n&1 == 1 {
					granted = append(granted, scope)
				} else {
					declined = append(declined, scope)
				}
			}
			b := w.decision(u, now.Add(time.Duration(i)*time.Microsecond), granted, declined)
			b.Ticket, b.Until, b.Code.Scopes = fmt.Sprint("ticket ", round), now.Add(day), granted
			all = append(all, b)
		}
		atOnce(decisions, func(i int) {
			switch err := w.store.IssueCode(w.Context(), all[i]); {
			case err == nil:
				won[i] = all[i]
			default:
				w.refused("IssueCode() with the ticket of a concurrent call", err, oauth.ErrSpent)
			}
		})
		won = slices.DeleteFunc(won, func(b *oauth.CodeIssuance) bool { return b == nil })
		if len(won) != 1 {
			w.Fatalf("%d of %d decisions on one ticket were stored, want 1", len(won), decisions)
		}
		w.remembers("of concurrent decisions", u, w.client, strings.Join(won[0].Consents, " "), strings.Join(won[0].Declined, " "))
		code, err := w.store.Code(w.Context(), won[0].Code.Digest)
		if err != nil || !slices.Equal(code.Scopes, won[0].Consents) {
			w.Errorf("Code() of the stored decision = %+v, %v, want the scopes %q", code, err, won[0].Consents)
		}
	}
}

// declinedAgainstGranted stores two decisions at once. The later request decides.
func declinedAgainstGranted(w *world) {
	for round := range w.rounds {
		u := user(fmt.Sprint("against ", round))
		w.decides(u, now, "read", "write")
		later := now.Add(time.Second)
		both := []*oauth.CodeIssuance{
			w.decision(u, later, []string{"write"}, []string{"read"}),
			w.decision(u, later.Add(time.Second), []string{"read"}, []string{"write"}),
		}
		atOnce(len(both), func(i int) {
			if err := w.store.IssueCode(w.Context(), both[(i+round)%len(both)]); err != nil {
				w.Errorf("IssueCode() = %v", err)
			}
		})
		w.remembers("of two concurrent requests", u, w.client, "read", "write")
	}
}
