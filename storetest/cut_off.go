package storetest

import (
	"time"

	"github.com/go-passport/passport/oauth"
)

// cutOffProperties are about revocations that compare times.
var cutOffProperties = []property{
	{"FR_12 a cut-off ends earlier requests, whenever they are stored", cutOffTimes},
	{"FR_12 each way of revoking allows for clock skew", skewedWays},
	{"FR_12 a withdrawal races IssueCode", withdrawAgainstIssueCode},
}

// lives reads a token and compares whether it is live.
func (w *world) lives(what, id string, want bool) {
	w.Helper()
	if got := w.token(id).Live(now); got != want {
		w.Errorf("%s: token live = %v, want %v", what, got, want)
	}
}

// filters stores families of all kinds, once before the revocation and once after it,
// and checks which ones are live.
func filters(w *world) {
	mine, other := oauth.DigestOf("my session"), oauth.DigestOf("another session")
	second := w.newClient("second client")
	kinds := map[string]func(f *oauth.Family){
		"plain":           func(*oauth.Family) {},
		"of my session":   func(f *oauth.Family) { f.Session = mine },
		"of another":      func(f *oauth.Family) { f.Session = other },
		"ending with it":  func(f *oauth.Family) { f.Session, f.EndsWithSession = mine, true },
		"personal":        func(f *oauth.Family) { f.Personal = true },
		"second client's": func(f *oauth.Family) { f.ClientID = second.ID },
		"other user's":    func(f *oauth.Family) { f.User = user("other") },
		"other provider":  func(f *oauth.Family) { f.User.Provider = "admins" },
	}
	for name, filter := range map[string]oauth.FamilyFilter{
		"user":              {},
		"client":            {ClientID: w.client.ID},
		"session":           {Session: mine},
		"other sessions":    {ExceptSession: mine},
		"ends with session": {Session: mine, EndsWithSession: true},
		"keep personal":     {KeepPersonal: true},
		"client, session":   {ClientID: w.client.ID, Session: other},
		"all at once":       {ClientID: w.client.ID, ExceptSession: mine, KeepPersonal: true},
		"none of these":     {ClientID: "no such client"},
	} {
		filter.User = user(name)
		tokens := map[string]*oauth.Issuance{}
		store := func(when string) {
			for kind, change := range kinds {
				f := family(w.client, w.id("family"), filter.User)
				change(f)
				i := starting(w.client, f, w.id("token"))
				if f.ClientID == second.ID {
					i.AccessToken.Client = second
				}
				w.must(w.store.Issue(w.Context(), i))
				tokens[kind+", stored "+when] = i
			}
		}
		store("before")
		w.must(w.store.RevokeFamilies(w.Context(), filter, now, nil))
		store("after")
		for kind, i := range tokens {
			w.lives("filter by "+name+", family "+kind, i.AccessToken.ID, !filter.Matches(i.NewFamily))
		}
	}
	for what, filter := range map[string]oauth.FamilyFilter{
		"an empty filter":   {},
		"no user":           {ClientID: w.client.ID, Session: mine},
		"a user without ID": {User: oauth.UserRef{Provider: "users"}},
		"no provider":       {User: oauth.UserRef{ID: "1"}},
	} {
		if err := w.store.RevokeFamilies(w.Context(), filter, now, nil); err == nil {
			w.Errorf("RevokeFamilies() with %s = nil, want an error instead of revoking all", what)
		}
	}
}

// cutOffTimes stores records before and after a revocation. Stored records end up to
// oauth.ClockSkew after the revocation, because a node with a fast clock may have
// stored them. Records that are stored later end up to the revocation, even after a
// purge.
func cutOffTimes(w *world) {
	u := user("1")
	at := now.Add(time.Second)
	cases := []struct {
		came          time.Time
		before, after bool // whether it is live if stored before or after the revocation
	}{
		{now, false, false},
		{at, false, false},
		{at.Add(time.Microsecond), false, true},
		{at.Add(500 * time.Millisecond), false, true},
		{at.Add(oauth.ClockSkew), false, true},
		{at.Add(oauth.ClockSkew + time.Microsecond), true, true},
	}
	store := func() (tokens []string) {
		for _, c := range cases {
			f := family(w.client, w.id("family"), u)
			f.CreatedAt, f.ExpiresAt = c.came, now.Add(365*day)
			i := starting(w.client, f, w.id("token"))
			i.AccessToken.ExpiresAt = f.ExpiresAt
			w.must(w.store.Issue(w.Context(), i))
			tokens = append(tokens, i.AccessToken.ID)
		}
		return tokens
	}
	before := store()
	w.must(w.store.RevokeFamilies(w.Context(), oauth.FamilyFilter{User: u}, at, nil))
	after := store()
	check := func(when, stored, id string, came time.Time, want bool) {
		w.Helper()
		token := w.token(id)
		if token.Live(now) != want {
			w.Errorf("%s: a request %v after a revocation, stored %s it: token live = %v, want %v", when, came.Sub(at), stored, !want, want)
		}
		if !want && !token.Family.RevokedAt.Equal(at) {
			w.Errorf("%s: RevokedAt = %v, want the time of the revocation, %v", when, token.Family.RevokedAt, at)
		}
	}
	checkAll := func(when string) {
		w.Helper()
		for i, c := range cases {
			check(when, "before", before[i], c.came, c.before)
			check(when, "after", after[i], c.came, c.after)
		}
	}
	checkAll("at once")
	// A purge doesn't delete these records, because they ended after its deadline. But
	// a purge of expired records settles the cut-off.
	for range 2 {
		_, err := w.store.Purge(w.Context(), oauth.PurgeBefore{Expired: at.Add(2 * time.Hour)}, 1000)
		w.must(err)
	}
	checkAll("after a purge two hours later")

	// The first of several revocations determines when a stored family ended.
	w.must(w.store.RevokeFamilies(w.Context(), oauth.FamilyFilter{User: u}, at.Add(time.Hour), nil))
	for i, c := range cases {
		if !c.before {
			check("after a second revocation", "before", before[i], c.came, false)
		}
	}
}

// skewedWays checks every way of revoking by time, for families and for codes, with
// nodes whose clocks are fast or slow.
func skewedWays(w *world) {
	at := now.Add(time.Minute)
	const ahead = 500 * time.Millisecond
	ways := map[string]func(u oauth.UserRef) error{
		"EndSession": func(u oauth.UserRef) error { return w.store.EndSession(w.Context(), u, "s", at, nil) },
		"Withdraw":   func(u oauth.UserRef) error { return w.store.Withdraw(w.Context(), u, w.client.ID, at, nil) },
		"Disconnect": func(u oauth.UserRef) error {
			_, _, err := w.store.Disconnect(w.Context(), &oauth.Disconnection{User: u, TokenID: "disconnected " + u.ID, Time: at})
			return err
		},
		"RevokeFamilies": func(u oauth.UserRef) error {
			return w.store.RevokeFamilies(w.Context(), oauth.FamilyFilter{User: u}, at, nil)
		},
		"RevokeFamilies at a client": func(u oauth.UserRef) error {
			return w.store.RevokeFamilies(w.Context(), oauth.FamilyFilter{User: u, ClientID: w.client.ID}, at, nil)
		},
		"RevokeFamilies of codes": func(u oauth.UserRef) error {
			return w.store.RevokeFamilies(w.Context(), oauth.FamilyFilter{User: u, Session: "s", Unredeemed: true}, at, nil)
		},
	}
	for name, revoke := range ways {
		u := user(name)
		stored := func(when string, came time.Time) *oauth.Family {
			f := family(w.client, name+", "+when, u)
			f.Session, f.EndsWithSession, f.CreatedAt, f.ExpiresAt = "s", true, came, now.Add(365*day)
			b := codeIssuance(f)
			b.Consents, b.Code.ExpiresAt = []string{when}, now.Add(365*day)
			w.must(w.store.IssueCode(w.Context(), b))
			return f
		}
		if name == "Disconnect" {
			w.must(w.store.Issue(w.Context(), starting(w.client, family(w.client, "disconnected", u), "disconnected "+u.ID)))
		}
		old := stored("by a node with a fast clock", at.Add(ahead))
		w.must(revoke(u))
		late := stored("late by a node with a slow clock", at.Add(-ahead))
		fresh := stored("later", at.Add(ahead))
		for _, when := range []string{"at once", "after a purge two hours later"} {
			for f, want := range map[*oauth.Family]bool{old: false, late: false, fresh: true} {
				code, err := w.store.Code(w.Context(), oauth.DigestOf(f.ID))
				if err != nil || code.Family.Live(now) != want {
					w.Errorf("%s: %s: code live = %v, %v, want %v", when, f.ID, !want, err, want)
				}
			}
			if name == "Withdraw" || name == "Disconnect" {
				w.consented(when+" after "+name, u, w.client.ID, "later")
			}
			for range 2 {
				_, err := w.store.Purge(w.Context(), oauth.PurgeBefore{Expired: at.Add(2 * time.Hour)}, 1000)
				w.must(err)
			}
		}
	}
}

// unredeemed ends a session. Its unredeemed codes are dead; its tokens are not.
func unredeemed(w *world) {
	u, session := user("1"), oauth.DigestOf("session")
	begin := func() *oauth.Family {
		f := family(w.client, w.id("family"), u)
		f.Session = session
		w.must(w.store.IssueCode(w.Context(), codeIssuance(f)))
		return f
	}
	redeemed, waiting := begin(), begin()
	tokens := w.issue(redeemed, spendCode(redeemed))
	noCode := family(w.client, w.id("family"), u)
	noCode.Session = session
	direct := w.start(noCode)

	end := oauth.FamilyFilter{User: u, Session: session, Unredeemed: true}
	w.must(w.store.RevokeFamilies(w.Context(), end, now, nil))
	late := begin()

	for what, f := range map[string]*oauth.Family{"stored before": waiting, "stored after": late} {
		code, err := w.store.Code(w.Context(), oauth.DigestOf(f.ID))
		if err != nil || code.Family.Live(now) {
			w.Errorf("Code() of an unredeemed code, %s = %+v, %v, want its family dead", what, code, err)
		}
		i := issuance(w.client, f, w.id("token"), spendCode(f))
		if err := w.store.Issue(w.Context(), i); err == nil {
			w.lives("issued for an unredeemed code, "+what, i.AccessToken.ID, false)
		}
	}
	if code, err := w.store.Code(w.Context(), oauth.DigestOf(redeemed.ID)); err != nil || !code.Family.Live(now) {
		w.Errorf("Code() of a redeemed code = %+v, %v, want its family live", code, err)
	}
	w.lives("redeemed before", tokens.AccessToken.ID, true)
	w.lives("never had a code", direct.AccessToken.ID, true)
	refreshed := w.issue(redeemed, spendRefresh(tokens))
	w.lives("refreshed after", refreshed.AccessToken.ID, true)
	if r, err := w.store.RefreshToken(w.Context(), refreshed.RefreshToken.Digest); err != nil || !r.Family.Live(now) {
		w.Errorf("RefreshToken() = %+v, %v, want its family to live", r, err)
	}

	// The same holds for a late EndSession after a purge.
	w.purgeAll(now.Add(2 * time.Hour).Add(-time.Minute))
	if r, err := w.store.RefreshToken(w.Context(), refreshed.RefreshToken.Digest); err != nil || !r.Family.Live(now) {
		w.Errorf("RefreshToken() after a purge = %+v, %v, want its family to live", r, err)
	}
}

// revokedOnce revokes twice in each way. The first time must stay.
func revokedOnce(w *world) {
	later := now.Add(time.Minute)
	f := family(w.client, "family", user("1"))
	users := w.start(f).AccessToken.ID
	own := issuance(w.client, nil, "own", oauth.Spend{})
	w.must(w.store.Issue(w.Context(), own))
	for _, at := range []time.Time{now, later} {
		w.must(w.store.RevokeFamily(w.Context(), f.ID, at, nil))
		w.must(w.store.RevokeToken(w.Context(), users, at, nil))
		w.must(w.store.RevokeToken(w.Context(), "own", at, nil))
		w.must(w.store.RevokeClient(w.Context(), w.client.ID, at, nil))
		w.must(w.store.RevokeFamilies(w.Context(), oauth.FamilyFilter{User: f.User}, at, nil))
		w.must(w.store.RevokeFamilies(w.Context(), oauth.FamilyFilter{User: f.User}, at, nil))
		w.must(w.store.Withdraw(w.Context(), f.User, w.client.ID, at, nil))
		w.must(w.store.Withdraw(w.Context(), f.User, w.client.ID, at, nil))
	}
	if at := w.token(users).Family.RevokedAt; !at.Equal(now) {
		w.Errorf("the family's RevokedAt = %v, want the first, %v", at, now)
	}
	if at := w.token("own").RevokedAt; !at.Equal(now) {
		w.Errorf("the token's RevokedAt = %v, want the first, %v", at, now)
	}
	if c, err := w.store.Client(w.Context(), w.client.ID); err != nil || !c.RevokedAt.Equal(now) {
		w.Errorf("Client() = %+v, %v, want the first RevokedAt, %v", c, err, now)
	}
	w.refused("RevokeFamily() of a missing family", w.store.RevokeFamily(w.Context(), "missing", now, nil), oauth.ErrNotFound)
	w.refused("RevokeToken() of a missing token", w.store.RevokeToken(w.Context(), "missing", now, nil), oauth.ErrNotFound)
	w.refused("RevokeClient() of a missing client", w.store.RevokeClient(w.Context(), "missing", now, nil), oauth.ErrNotFound)
	if err := w.store.Withdraw(w.Context(), f.User, "", now, nil); err == nil {
		w.Error("Withdraw() without a client = nil, want an error")
	}
}

func revokeTokenEndsFamily(w *world) {
	f := w.begin(user("1"))
	first := w.issue(f, spendCode(f))
	second := w.issue(f, spendRefresh(first))
	other := w.start(family(w.client, "other", user("1")))
	own := issuance(w.client, nil, "own", oauth.Spend{})
	w.must(w.store.Issue(w.Context(), own))

	w.must(w.store.RevokeToken(w.Context(), first.AccessToken.ID, now, nil))
	w.lives("the revoked token", first.AccessToken.ID, false)
	w.lives("a token refreshed from it", second.AccessToken.ID, false)
	w.lives("a token of another family", other.AccessToken.ID, true)
	w.lives("the client's own token", "own", true)
	r, err := w.store.RefreshToken(w.Context(), second.RefreshToken.Digest)
	if err != nil || r.Family.Live(now) || !r.SpentAt.IsZero() {
		w.Errorf("RefreshToken() = %+v, %v, want its family revoked and the token unspent", r, err)
	}
	w.must(w.store.RevokeToken(w.Context(), "own", now, nil))
	w.lives("the client's own token, revoked", "own", false)
	w.lives("a token of another family, still", other.AccessToken.ID, true)
}

func missingFamily(w *world) {
	f := family(w.client, "never stored", user("1"))
	i := issuance(w.client, f, "orphan", oauth.Spend{})
	if err := w.store.Issue(w.Context(), i); err != nil {
		return // refusing it is equally safe
	}
	if token, err := w.store.AccessToken(w.Context(), "orphan"); err == nil && (token.Live(now) || token.Subject() == oauth.ForClient()) {
		w.Errorf("AccessToken() with a missing family = %+v, want it dead and not a client's own token", token)
	}
	if r, err := w.store.RefreshToken(w.Context(), i.RefreshToken.Digest); err == nil && r.Family.Live(now) {
		w.Errorf("RefreshToken() with a missing family = %+v, want it dead", r)
	}
}
