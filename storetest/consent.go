package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/go-passport/passport/oauth"
)

// grant stores a consent for a request of the given time.
func (w *world) grant(u oauth.UserRef, came time.Time, scopes ...string) {
	w.Helper()
	f := family(w.client, w.id("family"), u)
	f.CreatedAt = came
	b := codeIssuance(f)
	b.Consents = scopes
	w.must(w.store.IssueCode(w.Context(), b))
}

func (w *world) consented(what string, u oauth.UserRef, clientID string, want ...string) {
	w.Helper()
	if got, declined, err := w.store.Consented(w.Context(), u, &oauth.Client{ID: clientID}); err != nil || !slices.Equal(got, want) || len(declined) != 0 {
		w.Errorf("Consented() %s = %q, declined %q, %v, want %q, and none declined", what, got, declined, err, want)
	}
}

func consents(w *world) {
	u, other := user("1"), user("2")
	w.newClient("second")
	atOnce(16, func(i int) {
		f := family(w.client, "at once "+string(rune('a'+i)), u)
		b := codeIssuance(f)
		b.Consents = []string{"write", "read", "Read"}
		if err := w.store.IssueCode(w.Context(), b); err != nil {
			w.Error(err)
		}
	})
	w.grant(u, now.Add(time.Second), "read", "more")
	w.grant(other, now, "read")
	w.consented("of many requests", u, w.client.ID, "Read", "more", "read", "write")
	w.consented("of another user", other, w.client.ID, "read")
	w.consented("of another client", u, "second")

	// Ending sessions and tokens keeps consents; withdrawing deletes them.
	for _, filter := range []oauth.FamilyFilter{{User: u}, {User: u, ClientID: w.client.ID}, {User: u, ClientID: w.client.ID, KeepPersonal: true}} {
		w.must(w.store.RevokeFamilies(w.Context(), filter, now.Add(2*time.Second), nil))
	}
	w.consented("after RevokeFamilies()", u, w.client.ID, "Read", "more", "read", "write")

	personal := family(w.client, "personal", u)
	personal.Personal, personal.CreatedAt = true, now.Add(time.Minute)
	plain := family(w.client, "plain", u)
	plain.CreatedAt = now.Add(time.Minute)
	kept, ended := w.start(personal), w.start(plain)
	w.must(w.store.Withdraw(w.Context(), u, w.client.ID, now.Add(time.Minute), nil))
	w.consented("after Withdraw()", u, w.client.ID)
	w.consented("of another user, still", other, w.client.ID, "read")
	w.lives("a personal token after Withdraw()", kept.AccessToken.ID, true)
	w.lives("another token after Withdraw()", ended.AccessToken.ID, false)
}

func lateConsent(w *world) {
	u := user("1")
	at := now.Add(time.Minute)
	w.grant(u, now, "a")
	w.grant(u, at.Add(oauth.ClockSkew), "ahead")
	w.grant(u, at.Add(oauth.ClockSkew+time.Microsecond), "kept")
	w.must(w.store.Withdraw(w.Context(), u, w.client.ID, at, nil))
	w.consented("of a request after the withdrawal, stored before it", u, w.client.ID, "kept")
	w.grant(u, now, "a")
	w.grant(u, at, "b")
	w.consented("stored late", u, w.client.ID, "kept")
	w.grant(u, at.Add(time.Microsecond), "a")
	w.consented("given again", u, w.client.ID, "a", "kept")
	w.purgeAll(at.Add(30 * time.Minute))
	w.consented("while the withdrawal is young", u, w.client.ID, "a", "kept")
	w.purgeAll(at.Add(2 * time.Hour))
	w.consented("after the withdrawal was purged", u, w.client.ID, "a", "kept")
}

// withdrawAgainstIssueCode withdraws a consent while a node with a fast clock stores
// another one with its code. Either both end or none.
func withdrawAgainstIssueCode(w *world) {
	at := now.Add(time.Minute)
	for round := range w.rounds {
		u := user(fmt.Sprint("withdraw", round))
		w.grant(u, now, "old")
		f := family(w.client, w.id("family"), u)
		f.CreatedAt = at.Add(500 * time.Millisecond)
		live, granted := w.consentDuring(f, func() {
			if err := w.store.Withdraw(w.Context(), u, w.client.ID, at, nil); err != nil {
				w.Errorf("Withdraw() = %v", err)
			}
		})
		if live != slices.Equal(granted, []string{"read"}) || !live && len(granted) > 0 {
			w.Fatalf("a code of a node with a fast clock, concurrent with Withdraw(): live = %t with the consents %q", live, granted)
		}
	}
}

// issuedConsents stores consents with a family that begins with tokens and without a
// code.
func issuedConsents(w *world) {
	u, at := user("1"), now.Add(time.Minute)
	issue := func(id string, came time.Time, spends oauth.Spend, scopes ...string) error {
		f := family(w.client, id, u)
		f.CreatedAt = came
		i := starting(w.client, f, id)
		i.Spends, i.Consents = spends, scopes
		return w.store.Issue(w.Context(), i)
	}
	voucher := oauth.Spend{Purpose: "example.voucher", ID: "1", Until: now.Add(day)}
	w.must(issue("first", now, voucher, "write", "read", "Read"))
	w.consented("given with the tokens", u, w.client.ID, "Read", "read", "write")
	w.must(issue("again", now, oauth.Spend{}, "read")) // at the same moment
	w.consented("given twice", u, w.client.ID, "Read", "read", "write")

	// A failed call stores no consent.
	w.refused("Issue() with a value that was used", issue("failed", now, voucher, "more"), oauth.ErrSpent)
	if err := issue("first", now, oauth.Spend{}, "more"); err == nil {
		w.Error("Issue() with the ID of another family = nil, want an error")
	}
	w.consented("after Issue() has failed", u, w.client.ID, "Read", "read", "write")

	w.must(w.store.Withdraw(w.Context(), u, w.client.ID, at, nil))
	w.consented("after Withdraw()", u, w.client.ID)
	w.lives("issued with a consent that was withdrawn", "first", false)
	w.must(issue("late", at, oauth.Spend{}, "read"))
	w.consented("of a request from before the withdrawal", u, w.client.ID)
	w.lives("issued late with a consent that was withdrawn", "late", false)
	w.must(issue("new", at.Add(time.Microsecond), oauth.Spend{}, "read"))
	w.consented("given again", u, w.client.ID, "read")
	w.lives("issued with a new consent", "new", true)
}

// consentDuring stores a family with its code and a consent, concurrently with a
// removal. It returns whether the family is live afterwards, and the user's consents.
func (w *world) consentDuring(f *oauth.Family, removal func()) (live bool, granted []string) {
	w.Helper()
	atOnce(2, func(i int) {
		if i == 0 {
			removal()
			return
		}
		b := codeIssuance(f)
		b.Consents = []string{"read"}
		if err := w.store.IssueCode(w.Context(), b); err != nil {
			w.Errorf("IssueCode() = %v", err)
		}
	})
	code, err := w.store.Code(w.Context(), oauth.DigestOf(f.ID))
	w.must(err)
	granted, _, err = w.store.Consented(w.Context(), f.User, w.client)
	w.must(err)
	return code.Family.Live(now), granted
}
