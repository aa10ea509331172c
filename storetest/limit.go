package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/go-passport/passport/oauth"
)

// limits are the properties of limits per user.
var limits = []property{
	{"the clients of an owner have a limit", clientLimit},
	{"the personal tokens of a user have a limit", personalLimit},
	{"ended personal tokens do not count", endedPersonal},
	{"the oldest families above a limit end", familyLimit},
	{"users above a limit of families are found", aboveFamilyLimit},
	{"families that have no token and can't get one do not count", abandonedFamilies},
	{"concurrent calls exceed a limit by their own number at most", limitRace},
}

// owned creates a client of a user within a limit.
func (w *world) owned(id string, owner oauth.UserRef, limit int) error {
	c := &oauth.Client{ID: id, Name: "Owned", Owner: owner, AuthMethod: oauth.AuthNone, CreatedAt: now}
	return w.store.CreateClientWithin(w.Context(), c, limit, nil)
}

func clientLimit(w *world) {
	alice := user("alice")
	for n := range 3 {
		w.must(w.owned(fmt.Sprint("client ", n), alice, 3))
	}
	w.refused("CreateClientWithin() at the limit", w.owned("client 3", alice, 3), oauth.ErrLimit)
	w.refused("CreateClientWithin() without an ID at the limit", w.owned("", alice, 3), oauth.ErrLimit)
	w.refused("CreateClientWithin() with a limit of 0", w.owned("client 4", user("bob"), 0), oauth.ErrLimit)
	w.refused("CreateClientWithin() with a taken ID", w.owned("client 0", alice, 100), oauth.ErrConflict)
	if _, err := w.store.Client(w.Context(), "client 3"); !errors.Is(err, oauth.ErrNotFound) {
		w.Errorf("Client() of a refused client = %v, want ErrNotFound", err)
	}
	w.must(w.owned("of bob", user("bob"), 3))
	w.must(w.store.CreateClient(w.Context(), &oauth.Client{ID: "without a limit", Owner: alice, CreatedAt: now}, nil))
	w.refused("CreateClientWithin() above the limit", w.owned("client 3", alice, 3), oauth.ErrLimit)
	for _, id := range []string{"client 0", "without a limit"} {
		w.must(w.store.RevokeClient(w.Context(), id, now, nil))
	}
	w.must(w.owned("client 3", alice, 3)) // revoked clients don't count
}

// personal issues a personal access token of a user within a limit.
func (w *world) personal(id string, u oauth.UserRef, expires time.Time, limit int) error {
	f := family(w.client, id, u)
	f.Personal, f.ExpiresAt = true, expires
	i := starting(w.client, f, id)
	i.RefreshToken, i.PersonalLimit = nil, limit
	return w.store.Issue(w.Context(), i)
}

func personalLimit(w *world) {
	alice, later := user("alice"), now.Add(day)
	w.must(w.personal("expired", alice, now, 2))
	for range 3 { // other families don't count
		w.start(family(w.client, w.id("connection"), alice))
	}
	w.must(w.personal("token 0", alice, later, 2))
	w.must(w.personal("token 1", alice, later, 2))
	w.refused("Issue() at the limit", w.personal("token 2", alice, later, 2), oauth.ErrLimit)
	if _, err := w.store.AccessToken(w.Context(), "token 2"); !errors.Is(err, oauth.ErrNotFound) {
		w.Errorf("AccessToken() of a refused token = %v, want ErrNotFound", err)
	}
	w.must(w.personal("of bob", user("bob"), later, 2))
	w.must(w.personal("without a limit", alice, later, 0))
	w.must(w.store.RevokeFamily(w.Context(), "token 0", now, nil))
	w.refused("Issue() at the limit", w.personal("token 2", alice, later, 2), oauth.ErrLimit)
	w.must(w.store.RevokeFamily(w.Context(), "token 1", now, nil))
	w.must(w.personal("token 2", alice, later, 2)) // revoked tokens don't count
	started := starting(w.client, family(w.client, "connection", alice), "not personal")
	started.PersonalLimit = 1
	w.must(w.store.Issue(w.Context(), started))
}

// endedPersonal reaches the limit, ends the tokens in each way, and issues again.
// Tokens that are stored after a revocation have ended too.
func endedPersonal(w *world) {
	for name, end := range map[string]func(c *oauth.Client, u oauth.UserRef) error{
		"RevokeTokensOfClient": func(c *oauth.Client, _ oauth.UserRef) error {
			return w.store.RevokeTokensOfClient(w.Context(), c.ID, now, nil)
		},
		"RevokeClient": func(c *oauth.Client, _ oauth.UserRef) error {
			return w.store.RevokeClient(w.Context(), c.ID, now, nil)
		},
		"RevokeFamilies": func(_ *oauth.Client, u oauth.UserRef) error {
			return w.store.RevokeFamilies(w.Context(), oauth.FamilyFilter{User: u}, now, nil)
		},
		"RevokeToken": func(_ *oauth.Client, u oauth.UserRef) error {
			for _, id := range []string{u.ID + " stored before", u.ID + " stored after"} {
				err := w.store.RevokeToken(w.Context(), id, now, nil)
				if err != nil && !errors.Is(err, oauth.ErrNotFound) {
					return err
				}
			}
			return nil
		},
	} {
		c, u, next := w.newClient("client of "+name), user(name), w.newClient("next client of "+name)
		issue := func(c *oauth.Client, id string, came time.Time, limit int) error {
			f := family(c, name+" "+id, u)
			f.Personal, f.CreatedAt, f.ExpiresAt = true, came, now.Add(365*day)
			i := starting(c, f, f.ID)
			i.RefreshToken, i.PersonalLimit, i.AccessToken.ExpiresAt = nil, limit, f.ExpiresAt
			return w.store.Issue(w.Context(), i)
		}
		w.must(issue(c, "stored before", now, 0))
		w.refused("Issue() at the limit", issue(next, "too early", now, 1), oauth.ErrLimit)
		w.must(end(c, u))
		w.must(issue(c, "stored after", now, 0))
		if name == "RevokeToken" {
			w.must(end(c, u))
		}
		listed, err := w.store.PersonalTokens(w.Context(), u)
		w.must(err)
		if len(listed) != 0 {
			w.Errorf("PersonalTokens() after %s has %d tokens, want none", name, len(listed))
		}
		if err := issue(next, "again", now.Add(time.Second), 1); err != nil {
			w.Errorf("Issue() with a limit of 1 after %s ended all tokens = %v, want nil", name, err)
		}
		w.refused("Issue() at the limit again", issue(next, "too many", now.Add(time.Second), 1), oauth.ErrLimit)
		w.lives("after "+name, name+" again", true)
	}
}

// limitRace runs 64 concurrent calls, one below the limit.
func limitRace(w *world) {
	for what, call := range map[string]func(n int) error{
		"CreateClientWithin()": func(n int) error { return w.owned(fmt.Sprint("client ", n), user("alice"), 1) },
		"Issue()":              func(n int) error { return w.personal(fmt.Sprint("token ", n), user("alice"), now.Add(day), 1) },
	} {
		var created, refused atomic.Int32
		atOnce(rivals, func(n int) {
			switch err := call(n); {
			case err == nil:
				created.Add(1)
			case errors.Is(err, oauth.ErrLimit):
				refused.Add(1)
			default:
				w.Errorf("%s concurrent with %d others = %v, want nil or ErrLimit", what, rivals-1, err)
			}
		})
		if created.Load() < 1 || created.Load()+refused.Load() != rivals {
			w.Errorf("%d concurrent calls of %s: %d succeeded, %d were refused; want at least one success", rivals, what, created.Load(), refused.Load())
		}
		w.refused(what+" after the race", call(rivals), oauth.ErrLimit)
	}
}

func familyLimit(w *world) {
	alice := user("alice")
	began := func(id string, age time.Duration, change func(*oauth.Family)) {
		f := family(w.client, id, alice)
		f.CreatedAt = now.Add(-age)
		change(f)
		w.must(w.store.Issue(w.Context(), starting(w.client, f, id)))
	}
	nothing := func(*oauth.Family) {}
	for n := range 5 {
		began(fmt.Sprint("family ", n), time.Duration(n)*time.Minute, nothing) // 4 is the oldest
	}
	began("as old", time.Minute, nothing) // as old as family 1
	began("first to expire", 0, func(f *oauth.Family) { f.ExpiresAt = now.Add(time.Second) })
	began("expired", 0, func(f *oauth.Family) { f.ExpiresAt = now })
	began("revoked", 0, nothing)
	w.must(w.store.RevokeFamily(w.Context(), "revoked", now, nil))
	began("personal", day, func(f *oauth.Family) { f.Personal = true })
	began("of bob", day, func(f *oauth.Family) { f.User = user("bob") })
	other := w.newClient("other")
	began("of another client", day, func(f *oauth.Family) { f.ClientID = other.ID })
	limit := func(keep, want int) {
		w.Helper()
		ended, err := w.store.LimitFamilies(w.Context(), &oauth.FamilyLimit{User: alice, ClientID: w.client.ID, Keep: keep, Time: now})
		w.must(err)
		if ended != want {
			w.Errorf("LimitFamilies() with Keep %d ends %d families, want %d", keep, ended, want)
		}
	}
	limit(7, 0)
	limit(3, 3) // two are equally old, so that four stay
	limit(3, 0)
	for id, want := range map[string]bool{
		"family 0": true, "family 1": true, "family 2": false, "family 3": false, "family 4": false,
		"as old": true, "first to expire": true, "personal": true, "of bob": true, "of another client": true,
	} {
		w.lives("above the limit: "+id, id, want)
	}
	ended, err := w.store.LimitFamilies(w.Context(), &oauth.FamilyLimit{User: oauth.UserRef{Provider: "users", ID: "\x00"}, ClientID: w.client.ID, Time: now})
	if ended != 0 || err != nil {
		w.Errorf("LimitFamilies() of an unstorable user = %d, %v, want 0", ended, err)
	}
}

// abandonedFamilies fills the limit with families that will never have a token. All are
// newer than the live one.
func abandonedFamilies(w *world) {
	u, at := user("1"), now.Add(10*time.Minute)
	begin := func(id string, came time.Duration, expires time.Time) *oauth.Family {
		f := family(w.client, id, u)
		f.Session, f.CreatedAt = "s", now.Add(came)
		b := codeIssuance(f)
		b.Code.ExpiresAt = expires
		w.must(w.store.IssueCode(w.Context(), b))
		return f
	}
	redeemed := func(id string, came time.Duration) {
		f := begin(id, came, now.Add(came+time.Minute))
		w.must(w.store.Issue(w.Context(), issuance(w.client, f, id, spendCode(f))))
	}
	redeemed("phone", 0)
	redeemed("tablet", time.Second)
	for n := range 3 {
		begin(fmt.Sprint("abandoned ", n), time.Minute, at)
		begin(fmt.Sprint("session ended, before ", n), time.Minute, at.Add(time.Hour))
	}
	end := oauth.FamilyFilter{User: u, Session: "s", Unredeemed: true}
	w.must(w.store.RevokeFamilies(w.Context(), end, now.Add(2*time.Minute), nil))
	for n := range 3 {
		begin(fmt.Sprint("session ended, after ", n), time.Minute, at.Add(time.Hour))
	}
	limit := func(what string, keep, want int) {
		w.Helper()
		l := &oauth.FamilyLimit{User: u, ClientID: w.client.ID, Keep: keep, Time: at}
		if store, ok := oauth.StoreAs[oauth.FamilyLimitStore](w.store); ok {
			n := 0
			for _, err := range store.AboveFamilyLimit(w.Context(), keep, now.Add(-time.Hour), at) {
				w.must(err)
				n++
			}
			if found := n > 0; found != (want > 0) {
				w.Errorf("%s: AboveFamilyLimit() finds the user = %v, want %v", what, found, !found)
			}
		}
		ended, err := w.store.LimitFamilies(w.Context(), l)
		w.must(err)
		if ended != want {
			w.Errorf("%s: LimitFamilies() with Keep %d ends %d families, want %d", what, keep, ended, want)
		}
	}
	limit("two connections and nine abandoned families", 2, 0)
	w.lives("the oldest connection", "phone", true)
	begin("a code that can be redeemed", 3*time.Minute, at.Add(time.Microsecond))
	limit("a family that may become a connection", 2, 1)
	w.lives("the oldest connection", "phone", false)
	w.must(w.store.RevokeTokensOfClient(w.Context(), w.client.ID, now.Add(4*time.Minute), nil))
	redeemed("stored after it ended", 4*time.Minute)
	redeemed("new", 5*time.Minute)
	limit("one connection after all others ended", 1, 0)
	w.lives("the new connection", "new", true)
}

// aboveFamilyLimit checks a store that finds users above a limit, which is optional.
func aboveFamilyLimit(w *world) {
	store, ok := oauth.StoreAs[oauth.FamilyLimitStore](w.store)
	if !ok {
		return
	}
	since, other, revoked := now.Add(-time.Hour), w.newClient("other"), w.newClient("revoked")
	began := func(c *oauth.Client, u string, n int, age time.Duration, change func(*oauth.Family)) {
		for range n {
			f := family(c, w.id("family"), user(u))
			f.CreatedAt = now.Add(-age)
			change(f)
			w.must(w.store.Issue(w.Context(), starting(c, f, w.id("token"))))
		}
	}
	nothing := func(*oauth.Family) {}
	began(w.client, "above", 1, 2*day, nothing)
	began(w.client, "above", 1, day, nothing)
	began(w.client, "above", 1, time.Hour-time.Microsecond, nothing)
	began(other, "above", 2, 0, nothing)
	began(w.client, "far above", 5, 0, nothing)
	began(other, "far above", 3, -time.Second, nothing) // on a node with a fast clock
	began(revoked, "far above", 3, 0, nothing)
	w.must(w.store.RevokeClient(w.Context(), revoked.ID, now, nil))
	began(w.client, "at the limit", 2, 0, nothing)
	began(w.client, "none is new", 3, time.Hour, nothing)
	began(w.client, "with a personal token", 2, 0, nothing)
	began(w.client, "with a personal token", 1, 0, func(f *oauth.Family) { f.Personal = true })
	began(w.client, "one expired", 2, 0, nothing)
	began(w.client, "one expired", 1, 0, func(f *oauth.Family) { f.ExpiresAt = now })
	began(w.client, "one revoked", 2, 0, nothing)
	began(w.client, "one revoked", 1, 0, func(f *oauth.Family) { f.ID = "revoked" })
	w.must(w.store.RevokeFamily(w.Context(), "revoked", now, nil))

	found := func(what string, want ...string) {
		w.Helper()
		var got []string
		for l, err := range store.AboveFamilyLimit(w.Context(), 2, since, now) {
			w.must(err)
			if l.Keep != 2 || !l.Time.Equal(now) || l.User.Provider != "users" {
				w.Errorf("AboveFamilyLimit() yields %+v, want the limit and the time of the call", l)
			}
			got = append(got, l.User.ID+" at "+l.ClientID)
			if what == "inside the loop" {
				_, err := w.store.LimitFamilies(w.Context(), l)
				w.must(err)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			w.Errorf("AboveFamilyLimit(), %s, yields %q, want %q", what, got, want)
		}
	}
	found("two may stay", "above at client", "far above at client", "far above at other")
	for _, err := range store.AboveFamilyLimit(w.Context(), 2, since, now) {
		w.must(err)
		break // the loop may stop early
	}
	// Families that began at the same time end together or not at all.
	found("inside the loop", "above at client", "far above at client", "far above at other")
	found("after LimitFamilies()", "far above at client", "far above at other")
}
