package storetest

import (
	"slices"
	"strings"
	"time"

	"github.com/go-passport/passport/oauth"
)

func notices(w *world) {
	withLogouts(w, func(l logouts) {
		ctx, alice := w.Context(), user("alice")
		revoked := l.told("revoked", "https://revoked.example/out", false)
		w.must(w.store.RevokeClient(ctx, "revoked", now, nil))
		for name, test := range map[string]struct {
			end  func() error
			want string // the names of the notices
		}{
			"EndSession": {func() error { return w.store.EndSession(ctx, alice, "s", now, nil) }, "web: s; strict: s"},
			"the end of another session": {
				func() error { return w.store.EndSession(ctx, alice, "other", now, nil) }, "",
			},
			"RevokeFamilies of a user": {
				func() error { return w.store.RevokeFamilies(ctx, oauth.FamilyFilter{User: alice}, now, nil) }, "web: ; strict: s; strict: t",
			},
			"RevokeFamilies at a client": {
				func() error {
					return w.store.RevokeFamilies(ctx, oauth.FamilyFilter{User: alice, ClientID: "web"}, now, nil)
				}, "web: ",
			},
			"RevokeFamilies of a session": {
				func() error {
					return w.store.RevokeFamilies(ctx, oauth.FamilyFilter{User: alice, Session: "t"}, now, nil)
				}, "web: t; strict: t",
			},
			"RevokeFamilies of the other sessions": {
				func() error {
					return w.store.RevokeFamilies(ctx, oauth.FamilyFilter{User: alice, ExceptSession: "s", KeepPersonal: true}, now, nil)
				}, "web: t; strict: t",
			},
			"Withdraw":           {func() error { return w.store.Withdraw(ctx, alice, "web", now, nil) }, "web: "},
			"Withdraw, with sid": {func() error { return w.store.Withdraw(ctx, alice, "strict", now, nil) }, "strict: s; strict: t"},
		} {
			want := map[string]string{"": ""}
			for _, session := range []string{"s", "t"} {
				for _, c := range []*oauth.Client{l.web, l.strict, l.deaf, revoked} {
					want[c.ID+": "+session] = c.ID + ": " + l.signIn(c, alice, session)
				}
				l.signIn(l.web, user("bob"), session)
			}
			var told []string
			for notice := range strings.SplitSeq(test.want, "; ") {
				if full, ok := want[notice]; ok && notice != "" {
					told = append(told, full)
				} else if notice != "" {
					told = append(told, notice)
				}
			}
			slices.Sort(told)
			w.must(test.end())
			w.must(test.end())
			if got := l.due(); !slices.Equal(got, told) {
				w.Errorf("%s tells %q, want %q", name, got, told)
			}
			w.must(w.store.RevokeFamilies(ctx, oauth.FamilyFilter{User: alice}, now, nil)) // ends the rest
			w.must(w.store.RevokeFamilies(ctx, oauth.FamilyFilter{User: user("bob")}, now, nil))
			l.due()
		}
		l.disconnected()
		l.withoutSessions()
	})
}

// withoutSessions is about the users of a provider without IDs of sessions.
func (l logouts) withoutSessions() {
	ctx, alice := l.Context(), user("alice")
	for name, test := range map[string]struct {
		which oauth.FamilyFilter
		want  []string
	}{
		"all":              {oauth.FamilyFilter{User: alice}, []string{"strict: ", "web: "}},
		"all but one":      {oauth.FamilyFilter{User: alice, ExceptSession: "s"}, []string{"strict: ", "web: "}},
		"all at a client":  {oauth.FamilyFilter{User: alice, ClientID: "web"}, []string{"web: "}},
		"those of another": {oauth.FamilyFilter{User: alice, Session: "s"}, nil},
	} {
		for range 2 {
			l.signIn(l.web, alice, "")
			l.signIn(l.strict, alice, "")
		}
		l.must(l.world.store.RevokeFamilies(ctx, test.which, now, nil))
		if got := l.due(); !slices.Equal(got, test.want) {
			l.Errorf("the end of sessions without an ID (%s) tells %q, want %q", name, got, test.want)
		}
		l.must(l.world.store.RevokeFamilies(ctx, oauth.FamilyFilter{User: alice}, now, nil)) // ends the rest
		l.due()
	}
}

// disconnected removes the connections of a client, one after the other.
func (l logouts) disconnected() {
	ctx, alice := l.Context(), user("alice")
	tokens, sids := []string{}, map[string]string{}
	for _, session := range []string{"s", "t", "u"} {
		f := l.signedIn(l.web, alice, session)
		i := starting(l.web, f, l.id("token"))
		i.Consents = []string{"openid"}
		l.must(l.world.store.Issue(ctx, i))
		tokens, sids[session] = append(tokens, i.AccessToken.ID), f.SID
	}
	l.must(l.world.store.EndSession(ctx, alice, "u", now, nil))
	l.due()
	for n, want := range [][]string{{"web: " + sids["s"]}, {"web: " + sids["t"]}, {}} {
		for range 2 {
			_, _, err := l.world.store.Disconnect(ctx, &oauth.Disconnection{User: alice, TokenID: tokens[n], Time: now})
			l.must(err)
		}
		if got := l.due(); !slices.Equal(got, want) {
			l.Errorf("Disconnect() of connection %d tells %q, want %q", n, got, want)
		}
	}
	f := l.signedIn(l.web, alice, "v")
	f.CreatedAt = now.Add(time.Hour) // after the withdrawal
	i := starting(l.web, f, l.id("token"))
	i.Consents = []string{"openid"}
	l.must(l.world.store.Issue(ctx, i))
	_, withdrawn, err := l.world.store.Disconnect(ctx, &oauth.Disconnection{User: alice, TokenID: i.AccessToken.ID, Time: now.Add(time.Hour)})
	if got := l.due(); err != nil || !withdrawn || !slices.Equal(got, []string{"web: "}) {
		l.Errorf("Disconnect() of the last connection = %v, %v and tells %q, want one notice without a sid", withdrawn, err, got)
	}
}

// noticeOnce ends a session and all sessions at the same time.
func noticeOnce(w *world) {
	withLogouts(w, func(l logouts) {
		alice := user("alice")
		for range max(w.rounds/20, 1) {
			own, other := l.signIn(l.strict, alice, "s"), l.signIn(l.strict, alice, "t")
			l.signIn(l.web, alice, "s")
			l.signIn(l.web, alice, "t")
			atOnce(rivals, func(i int) {
				var err error
				if i%2 == 0 {
					err = w.store.EndSession(w.Context(), alice, "s", now, nil)
				} else {
					err = w.store.RevokeFamilies(w.Context(), oauth.FamilyFilter{User: alice}, now, nil)
				}
				if err != nil {
					w.Errorf("end %d of a session at the same time as others = %v, want nil", i, err)
				}
			})
			got := l.due()
			count := func(notice string) (n int) {
				for _, g := range got {
					if g == notice {
						n++
					}
				}
				return n
			}
			if count("strict: "+own) != 1 || count("strict: "+other) != 1 || count("web: ") != 1 {
				w.Fatalf("concurrent ends of sessions tell %q, want each session of strict once, and web once without a sid", got)
			}
		}
	})
}

// sessionEndsAgainstIssueCode: after a race, a code that still works has the SID of a
// client session. Otherwise no later end of the session would tell the client.
func sessionEndsAgainstIssueCode(w *world) {
	withLogouts(w, func(l logouts) {
		alice, end := user("alice"), now
		for round := range w.rounds {
			session := w.id("session")
			l.signIn(l.web, alice, session)
			f := l.signedIn(l.web, alice, session)
			if f.CreatedAt = end; round%2 == 0 {
				f.CreatedAt = end.Add(2 * oauth.ClockSkew)
			}
			f.ExpiresAt = end.Add(day)
			atOnce(2, func(i int) {
				var err error
				if i == 0 {
					err = w.store.EndSession(w.Context(), alice, oauth.Digest(session), end, nil)
				} else {
					err = w.store.IssueCode(w.Context(), codeIssuance(f))
				}
				if err != nil {
					w.Errorf("call %d of a race of a sign-in and the end of its session = %v, want nil", i, err)
				}
			})
			code, err := w.store.Code(w.Context(), oauth.DigestOf(f.ID))
			w.must(err)
			sid, err := l.store.SID(w.Context(), alice, oauth.Digest(session), "web")
			if code.Family.Live(end) && round%2 == 0 && err == nil && sid != code.Family.SID {
				w.Fatalf("a code that works has the SID %q, but the client session has %q", code.Family.SID, sid)
			}
			if code.Family.Live(end) && round%2 == 1 {
				w.Fatal("a code of a session that has ended still works")
			}
		}
	})
}

// A verb that ends client sessions ends the families of those sessions, too: otherwise a
// client keeps a session whose end it is never told.
func sessionsEndWithTheirFamilies(w *world) {
	withLogouts(w, func(l logouts) {
		alice, end := user("alice"), now
		for round := range 4 * w.rounds {
			session := w.id("session")
			l.signIn(l.web, alice, session)
			f := l.signedIn(l.web, alice, session)
			f.CreatedAt, f.ExpiresAt = end.Add(oauth.ClockSkew/2), end.Add(day) // of a node whose clock is ahead
			verb := []func() error{
				func() error { return w.store.EndSession(w.Context(), alice, oauth.Digest(session), end, nil) },
				func() error {
					return w.store.RevokeFamilies(w.Context(), oauth.FamilyFilter{User: alice}, end, nil)
				},
				func() error { return w.store.Withdraw(w.Context(), alice, "web", end, nil) },
			}[round%3]
			atOnce(2, func(i int) {
				var err error
				if i == 0 {
					err = verb()
				} else {
					err = w.store.IssueCode(w.Context(), codeIssuance(f))
				}
				if err != nil {
					w.Errorf("call %d of a race of a sign-in and the end of its session = %v, want nil", i, err)
				}
			})
			code, err := w.store.Code(w.Context(), oauth.DigestOf(f.ID))
			w.must(err)
			if !code.Family.Live(end) {
				continue
			}
			if sid, err := l.store.SID(w.Context(), alice, oauth.Digest(session), "web"); err != nil || sid != code.Family.SID {
				w.Fatalf("after verb %d, a code works with the SID %q, but SID() = %q, %v: the client is never told that the session ends", round%3, code.Family.SID, sid, err)
			}
		}
	})
}
