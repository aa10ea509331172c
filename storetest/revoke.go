package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/go-passport/passport/oauth"
)

// lanes is how many rounds of revoking run in parallel.
const lanes = 4

// episode is one round: the records of a user at a client.
type episode struct {
	*world
	name    string // unique prefix of all its IDs
	user    oauth.UserRef
	client  *oauth.Client
	session oauth.Digest
	token   string // an access token of the user, if there is one
	family  string // the token's family
}

// newFamily returns a family that every way of revoking matches.
func (e *episode) newFamily(n int) *oauth.Family {
	f := family(e.client, fmt.Sprint(e.name, ".f", n), e.user)
	f.Session, f.EndsWithSession = e.session, true
	return f
}

// way is one way of revoking.
type way struct {
	name   string
	revoke func(ctx context.Context, e *episode) error
}

func filtered(name string, filter func(e *episode) oauth.FamilyFilter) way {
	return way{name, func(ctx context.Context, e *episode) error {
		return e.store.RevokeFamilies(ctx, filter(e), now, nil)
	}}
}

// manyWays end all of a user's families, or all at a client, including those that
// are stored later.
var manyWays = []way{
	filtered("RevokeFamilies of the user", func(e *episode) oauth.FamilyFilter { return oauth.FamilyFilter{User: e.user} }),
	filtered("RevokeFamilies of the user at the client", func(e *episode) oauth.FamilyFilter {
		return oauth.FamilyFilter{User: e.user, ClientID: e.client.ID}
	}),
	filtered("RevokeFamilies of the user's session", func(e *episode) oauth.FamilyFilter {
		return oauth.FamilyFilter{User: e.user, Session: e.session}
	}),
	filtered("RevokeFamilies of the user's other sessions", func(e *episode) oauth.FamilyFilter {
		return oauth.FamilyFilter{User: e.user, ExceptSession: oauth.DigestOf("mine")}
	}),
	filtered("RevokeFamilies that end with their session", func(e *episode) oauth.FamilyFilter {
		return oauth.FamilyFilter{User: e.user, Session: e.session, EndsWithSession: true}
	}),
	filtered("RevokeFamilies that are not personal", func(e *episode) oauth.FamilyFilter {
		return oauth.FamilyFilter{User: e.user, KeepPersonal: true}
	}),
	{"Withdraw", func(ctx context.Context, e *episode) error {
		return e.store.Withdraw(ctx, e.user, e.client.ID, now, nil)
	}},
	{"RevokeTokensOfClient", func(ctx context.Context, e *episode) error {
		return e.store.RevokeTokensOfClient(ctx, e.client.ID, now, nil)
	}},
	{"RevokeClient", func(ctx context.Context, e *episode) error { return e.store.RevokeClient(ctx, e.client.ID, now, nil) }},
}

// oneFamily are the ways to end a single known family.
var oneFamily = []way{
	{"RevokeFamily", func(ctx context.Context, e *episode) error { return e.store.RevokeFamily(ctx, e.family, now, nil) }},
	{"RevokeToken", func(ctx context.Context, e *episode) error { return e.store.RevokeToken(ctx, e.token, now, nil) }},
	{"Disconnect", func(ctx context.Context, e *episode) error {
		_, _, err := e.store.Disconnect(ctx, &oauth.Disconnection{User: e.user, TokenID: e.token, Time: now})
		return err
	}},
}

// ofUnredeemed ends unredeemed codes only.
var ofUnredeemed = filtered("RevokeFamilies of unredeemed codes", func(e *episode) oauth.FamilyFilter {
	return oauth.FamilyFilter{User: e.user, Session: e.session, Unredeemed: true}
})

// episodes runs rounds of each way of revoking, some in parallel.
func (w *world) episodes(ways []way, run func(e *episode, way way)) {
	for k, way := range ways {
		var wg sync.WaitGroup
		for lane := range lanes {
			wg.Go(func() {
				for n := lane; n < w.revokeRounds && !w.Failed(); n += lanes {
					name := fmt.Sprint(k, ".", n)
					e := &episode{world: w, name: name, user: user(name), client: w.client, session: oauth.DigestOf("session " + name)}
					if strings.HasSuffix(way.name, "Client") {
						e.client = &oauth.Client{ID: "client-" + name, CreatedAt: now}
						e.ok("CreateClient()", e.store.CreateClient(w.Context(), e.client, nil))
					}
					run(e, way)
				}
			})
		}
		wg.Wait()
		if w.Failed() {
			w.Fatalf("while revoking by %s", way.name)
		}
	}
}

// ok reports an error from any goroutine.
func (e *episode) ok(what string, err error) {
	e.Helper()
	if err != nil {
		e.Errorf("%s = %v", what, err)
	}
}

func (e *episode) issueOrSpent(i *oauth.Issuance) {
	e.Helper()
	if err := e.store.Issue(e.Context(), i); err != nil && !errors.Is(err, oauth.ErrSpent) {
		e.Errorf("Issue() = %v", err)
	}
}

// dead fails the test if any token of the user is live, or if there are too few.
func (e *episode) dead(way way, least int) {
	e.Helper()
	n := 0
	for token, err := range e.store.TokensOf(e.Context(), e.user) {
		e.ok("TokensOf()", err)
		if err != nil {
			return
		}
		if n++; token.Live(now) {
			e.Errorf("round %s: token %s is live after %s", e.name, token.ID, way.name)
		}
	}
	if n < least {
		e.Errorf("round %s: the user has %d tokens, want at least %d; otherwise the round tests nothing", e.name, n, least)
	}
}

// revokeAgainstIssue revokes while tokens are issued into an existing family. The last
// issuance is for a request that read its refresh token before the revocation and
// writes after it.
func revokeAgainstIssue(w *world) {
	w.episodes(append(oneFamily, manyWays...), func(e *episode, way way) {
		ctx, f := e.Context(), e.newFamily(0)
		first := starting(e.client, f, e.name+".first")
		e.ok("Issue()", e.store.Issue(ctx, first))
		e.token, e.family = first.AccessToken.ID, f.ID
		read, err := e.store.RefreshToken(ctx, first.RefreshToken.Digest)
		e.ok("RefreshToken()", err)
		if err != nil || !read.Family.Live(now) {
			e.Errorf("RefreshToken() = %+v, want its family live before %s", read, way.name)
			return
		}
		atOnce(3, func(i int) {
			switch i {
			case 0:
				e.ok(way.name, way.revoke(ctx, e))
			case 1:
				e.issueOrSpent(issuance(e.client, f, e.name+".refreshed", spendRefresh(first)))
			case 2:
				e.ok("Issue()", e.store.Issue(ctx, issuance(e.client, f, e.name+".other", oauth.Spend{})))
			}
		})
		e.issueOrSpent(issuance(e.client, read.Family, e.name+".late", oauth.Spend{}))
		e.dead(way, 4)
	})
}

// revokeAgainstBegin revokes while a family and its code are stored for an earlier
// request. Another family is stored afterwards. Redeeming either code must not give a
// live token.
func revokeAgainstBegin(w *world) {
	w.episodes(append([]way{ofUnredeemed}, manyWays...), func(e *episode, way way) {
		ctx := e.Context()
		begin := func(n int) { e.ok("IssueCode()", e.store.IssueCode(ctx, codeIssuance(e.newFamily(n)))) }
		atOnce(2, func(i int) {
			if i == 0 {
				e.ok(way.name, way.revoke(ctx, e))
				return
			}
			begin(1)
		})
		begin(2)
		for n := 1; n <= 2; n++ {
			f := e.newFamily(n)
			code, err := e.store.Code(ctx, oauth.DigestOf(f.ID))
			e.ok("Code()", err)
			if err == nil && code.Family.Live(now) && way.name != "RevokeClient" {
				e.Errorf("round %s: a code is live after %s", e.name, way.name)
			}
			e.issueOrSpent(issuance(e.client, f, fmt.Sprint(e.name, ".t", n), spendCode(f)))
		}
		e.dead(way, 0)
	})
}

// revokeAgainstNewFamily revokes while a family is stored together with its first
// tokens, for a request whose password was checked earlier. Another family is stored
// afterwards.
func revokeAgainstNewFamily(w *world) {
	w.episodes(manyWays, func(e *episode, way way) {
		ctx := e.Context()
		issue := func(n int) {
			e.ok("Issue()", e.store.Issue(ctx, starting(e.client, e.newFamily(n), fmt.Sprint(e.name, ".t", n))))
		}
		atOnce(2, func(i int) {
			if i == 0 {
				e.ok(way.name, way.revoke(ctx, e))
				return
			}
			issue(1)
		})
		issue(2)
		e.dead(way, 2)
	})
}

// sessionEndsBeforeRedemption ends a session after a code was read and before it is
// redeemed. Then IssueCode and the end of the session run concurrently.
func sessionEndsBeforeRedemption(w *world) {
	w.episodes([]way{ofUnredeemed}, func(e *episode, way way) {
		ctx, f := e.Context(), e.newFamily(0)
		e.ok("IssueCode()", e.store.IssueCode(ctx, codeIssuance(f)))
		code, err := e.store.Code(ctx, oauth.DigestOf(f.ID))
		if e.ok("Code()", err); err != nil || !code.Family.Live(now) {
			e.Errorf("Code() = %+v, want its family live", code)
			return
		}
		e.ok(way.name, way.revoke(ctx, e))
		e.issueOrSpent(issuance(e.client, code.Family, e.name+".t0", spendCode(f)))
		e.dead(way, 0)

		e.user = user(e.name + "+")
		f = e.newFamily(1)
		atOnce(2, func(i int) {
			if i == 0 {
				e.ok(way.name, way.revoke(ctx, e))
				return
			}
			e.ok("IssueCode()", e.store.IssueCode(ctx, codeIssuance(f)))
		})
		e.issueOrSpent(issuance(e.client, f, e.name+".t1", spendCode(f)))
		e.dead(way, 0)
	})
}
