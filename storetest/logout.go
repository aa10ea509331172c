package storetest

import (
	"maps"
	"slices"

	"github.com/go-passport/passport/oauth"
)

// logoutProperties are the requirements for an [oauth.LogoutStore].
var logoutProperties = []property{
	{"BL_02 a client has one sid in a session", sids},
	{"BL_02 concurrent sign-ins of a client get one sid", sidOnce},
	{"BL_03 a sid stays until its session ends", sidsEnd},
	{"BL_06 BL_07 the end of sessions tells the clients", notices},
	{"BL_07 concurrent ends of a session tell a client once", noticeOnce},
	{"BL_07 the end of a session races a sign-in", sessionEndsAgainstIssueCode},
	{"BL_03 BL_07 a family does not outlive its client session", sessionsEndWithTheirFamilies},
	{"BL_08 a notice is leased until it is settled", noticeLease},
	{"BL_08 of concurrent leases one gets a notice", leaseOnce},
	{"BL_08 a slow client takes no turn of another", leaseFairly},
	{"BL_12 the results for a client are kept", logoutStatus},
	{"BL_03 a purge deletes client sessions and notices", logoutPurge},
}

// logouts is a world whose store tells clients about the end of sessions.
type logouts struct {
	*world
	store   oauth.LogoutStore
	web     *oauth.Client // has a back-channel URI
	strict, // has one, and needs a sid
	deaf *oauth.Client // has none
}

func withLogouts(w *world, f func(l logouts)) {
	w.Helper()
	s, ok := oauth.StoreAs[oauth.LogoutStore](w.store)
	if !ok {
		w.Skip("the store is not an oauth.LogoutStore")
	}
	l := logouts{world: w, store: s}
	if tells, err := s.TellsClients(w.Context()); err != nil || tells {
		w.Errorf("TellsClients() without such a client = %v, %v, want false", tells, err)
	}
	l.web, l.strict, l.deaf = l.told("web", "https://web.example/out", false), l.told("strict", "https://strict.example/out", true), l.told("deaf", "", true)
	if tells, err := s.TellsClients(w.Context()); err != nil || !tells {
		w.Errorf("TellsClients() = %v, %v, want true", tells, err)
	}
	f(l)
}

func (l logouts) told(id, uri string, needsSID bool) *oauth.Client {
	l.Helper()
	c := &oauth.Client{
		ID: id, Name: id, AuthMethod: oauth.AuthBasic, CreatedAt: now,
		OpenID: &oauth.ClientOpenID{BackchannelLogoutURI: uri, BackchannelSessionRequired: needsSID},
	}
	l.must(l.world.store.CreateClient(l.Context(), c, nil))
	return c
}

// signedIn returns a family of a session, with a new SID as the proposal.
func (l logouts) signedIn(c *oauth.Client, u oauth.UserRef, session string) *oauth.Family {
	f := family(c, l.id("family"), u)
	f.Session, f.SID = oauth.Digest(session), "proposed for "+f.ID
	return f
}

// signIn stores such a family, and returns the SID that the client got.
func (l logouts) signIn(c *oauth.Client, u oauth.UserRef, session string) string {
	l.Helper()
	f := l.signedIn(c, u, session)
	l.must(l.world.store.IssueCode(l.Context(), codeIssuance(f)))
	return l.sidOf(f)
}

func (l logouts) sidOf(f *oauth.Family) string {
	l.Helper()
	code, err := l.world.store.Code(l.Context(), oauth.DigestOf(f.ID))
	l.must(err)
	return code.Family.SID
}

// due takes all notices that are due, and returns them as "client: sid" in order.
func (l logouts) due() (found []string) {
	l.Helper()
	for {
		lease := oauth.LogoutLease{ID: l.id("lease"), Time: now.Add(day), Until: now.Add(2 * day), Limit: 100, PerClient: 100}
		leased, err := l.store.LeaseLogouts(l.Context(), &lease)
		l.must(err)
		if len(leased) > oauth.MaxLogoutLease {
			l.Errorf("LeaseLogouts() returns %d notices, want at most %d", len(leased), oauth.MaxLogoutLease)
		}
		if len(leased) == 0 {
			break
		}
		for _, n := range leased {
			found = append(found, n.ClientID+": "+n.SID)
			l.must(l.store.SettleLogout(l.Context(), &oauth.LogoutResult{Notice: n, Time: now, Result: "200", Done: true}))
		}
	}
	slices.Sort(found)
	return found
}

func sids(w *world) {
	withLogouts(w, func(l logouts) {
		alice, bob := user("alice"), user("bob")
		first := l.signIn(l.web, alice, "s")
		if again := l.signIn(l.web, alice, "s"); first == "" || again != first {
			w.Errorf("the SIDs of two sign-ins of a client in a session are %q and %q, want the same", first, again)
		}
		for what, other := range map[string]string{
			"another client": l.signIn(l.strict, alice, "s"), "another session": l.signIn(l.web, alice, "t"), "another user": l.signIn(l.web, bob, "s"),
			"a client without a URI": l.signIn(l.deaf, alice, "s"),
		} {
			if other == first || other == "" {
				w.Errorf("the SID of %s is %q, want another than %q", what, other, first)
			}
		}
		f := l.signedIn(l.web, alice, "s")
		i := starting(l.web, f, w.id("token"))
		w.must(w.store.Issue(w.Context(), i))
		if got := w.token(i.AccessToken.ID).Family.SID; got != first {
			w.Errorf("the SID of a family that begins with its tokens is %q, want %q", got, first)
		}
		refreshed := issuance(l.web, f, w.id("token"), spendRefresh(i))
		w.must(w.store.Issue(w.Context(), refreshed))
		if got, err := w.store.RefreshToken(w.Context(), refreshed.RefreshToken.Digest); err != nil || got.Family.SID != first {
			w.Errorf("after a refresh RefreshToken() = %+v, %v, want the SID %q", got.Family, err, first)
		}
		l.deviceSID(first)
		for _, f := range []*oauth.Family{l.signedIn(l.web, alice, ""), family(l.web, "without", alice)} {
			w.must(w.store.IssueCode(w.Context(), codeIssuance(f)))
			if got := l.sidOf(f); got != "" {
				w.Errorf("the SID of a family without a session, or without a proposal, is %q, want none", got)
			}
		}
		if got, err := l.store.SID(w.Context(), alice, "s", "web"); err != nil || got != first {
			w.Errorf("SID() = %q, %v, want %q", got, err, first)
		}
		for _, session := range []oauth.Digest{"", "unknown", "a\x00b"} {
			_, err := l.store.SID(w.Context(), alice, session, "web")
			w.refused("SID() of an unknown session", err, oauth.ErrNotFound)
		}
	})
}

// deviceSID approves a device in the session "s" of alice.
func (l logouts) deviceSID(want string) {
	l.Helper()
	s, ok := oauth.StoreAs[oauth.DeviceStore](l.world.store)
	if !ok {
		return
	}
	c := pendingDevice(l.web, l.id("device"))
	l.must(s.CreateDeviceCode(l.Context(), c, 10))
	f := l.signedIn(l.web, user("alice"), "s")
	code := &oauth.Code{Digest: c.Digest, Family: f, Scopes: []string{"openid"}, ExpiresAt: c.ExpiresAt}
	l.must(s.ApproveDeviceCode(l.Context(), &oauth.DeviceApproval{Time: now, Family: f, Code: code}))
	if got, err := l.world.store.Code(l.Context(), c.Digest); err != nil || got.Family.SID != want {
		l.Errorf("after the approval of a device Code() = %+v, %v, want the SID %q", got.Family, err, want)
	}
}

func sidOnce(w *world) {
	withLogouts(w, func(l logouts) {
		for range max(w.rounds/20, 1) {
			session, families := w.id("session"), make([]*oauth.Family, rivals)
			for i := range families {
				families[i] = l.signedIn(l.web, user("alice"), session)
			}
			atOnce(rivals, func(i int) {
				var err error
				if f := families[i]; i%2 == 0 {
					err = w.store.IssueCode(w.Context(), codeIssuance(f))
				} else {
					b := starting(l.web, f, f.ID)
					err = w.store.Issue(w.Context(), b)
				}
				if err != nil {
					w.Errorf("sign-in %d at the same time as others = %v, want nil", i, err)
				}
			})
			found := map[string]bool{}
			for i, f := range families {
				if i%2 == 0 {
					found[l.sidOf(f)] = true
				} else {
					found[w.token(f.ID).Family.SID] = true
				}
			}
			sid, err := l.store.SID(w.Context(), user("alice"), oauth.Digest(session), "web")
			if err != nil || len(found) != 1 || !found[sid] {
				w.Fatalf("concurrent sign-ins of a client in a session got the SIDs %v, want one: %q, %v", slices.Collect(maps.Keys(found)), sid, err)
			}
		}
	})
}

// sidsEnd signs in again after a session has ended.
func sidsEnd(w *world) {
	withLogouts(w, func(l logouts) {
		alice := user("alice")
		first := l.signIn(l.web, alice, "s")
		w.must(w.store.RevokeFamilies(w.Context(), oauth.FamilyFilter{User: alice, Unredeemed: true}, now, nil))
		w.must(w.store.RevokeFamilies(w.Context(), oauth.FamilyFilter{User: alice, EndsWithSession: true}, now, nil))
		w.must(w.store.RevokeTokensOfClient(w.Context(), "web", now, nil))
		if got, err := l.store.SID(w.Context(), alice, "s", "web"); err != nil || got != first {
			w.Errorf("SID() after revocations that end no session = %q, %v, want %q", got, err, first)
		}
		w.must(w.store.EndSession(w.Context(), alice, "s", now, nil))
		_, err := l.store.SID(w.Context(), alice, "s", "web")
		w.refused("SID() of a session that has ended", err, oauth.ErrNotFound)
		if again := l.signIn(l.web, alice, "s"); again == first || again == "" {
			w.Errorf("the SID after the end of the session is %q, want another than %q", again, first)
		}
	})
}
