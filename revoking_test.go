package passport_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// revocation is one of the verbs by which an application ends tokens, with what
// its event says.
type revocation struct {
	name    string
	do      func(ctx context.Context, s *server, c *client, tokenID string) error
	machine bool   // it ends a client's own token too
	code    bool   // it ends a code that was not redeemed
	others  bool   // it leaves the same user's other tokens at the client alone
	reason  string // of its event
	audit   string // the action in the audit log
}

var revocations = []revocation{
	{"RevokeToken", func(ctx context.Context, s *server, _ *client, id string) error { return s.RevokeToken(ctx, id) }, true, false, true, "token", "token.revoked"},
	{"RevokeRefreshTokensOf", func(ctx context.Context, s *server, _ *client, id string) error {
		return s.RevokeRefreshTokensOf(ctx, id)
	}, true, false, true, "refresh tokens", "token.revoked"},
	{"RevokeUser", func(ctx context.Context, s *server, _ *client, _ string) error {
		return s.RevokeUser(ctx, ref("alice"))
	}, false, true, false, "user", "tokens.revoked"},
	{"RevokeUserAtClient", func(ctx context.Context, s *server, c *client, _ string) error {
		return s.RevokeUserAtClient(ctx, ref("alice"), c.ID)
	}, false, true, false, "user at client", "tokens.revoked"},
	{"RevokeClient", func(ctx context.Context, s *server, c *client, _ string) error { return s.RevokeClient(ctx, c.ID) }, true, true, false, "", "client.revoked"},
}

// tokenWays are all ways to an access token, an opaque one included.
var tokenWays = append(slices.Clone(ways), way{"an opaque personal access token", "personal_access", true, withoutClient, func(s *server, c *client) func(*server, *client, string) *issued {
	s = s.restart(func(config *passport.Config) {
		config.PersonalAccessClientID, config.PersonalAccessClientSecret = c.ID, c.secret
	})
	return func(*server, *client, string) *issued { return &issued{access: s.personal("read").AccessToken} }
}})

// idOf returns the ID of an access token, as a list of tokens would show it.
func (s *server) idOf(token string) string {
	s.t.Helper()
	if !strings.HasPrefix(token, "passport_pat_") {
		return asText(claimsOf(s.t, token)["jti"])
	}
	row, err := s.store.OpaqueToken(s.t.Context(), oauth.DigestOf(token))
	if err != nil {
		s.t.Fatal(err)
	}
	return row.ID
}

// Each verb ends each kind of token at the next request, for the guard, for a
// refresh, and for a code; and nothing that it does not speak of.
func TestRevoking_NeverRepeat_D4_EachVerbEndsEachTokenAtOnce(t *testing.T) {
	for _, w := range tokenWays {
		for _, v := range revocations {
			t.Run(w.name+"/"+v.name, func(t *testing.T) {
				s := newServer(t, withEveryGrant, withAudit)
				c, other := s.register(passport.Registration{GrantTypes: everyGrant}), s.register(passport.Registration{GrantTypes: everyGrant})
				got := w.prepare(s, c)(s, c, "read")
				sibling := s.grantTokens(c, "prompt", "consent") // of another consent
				pending := s.browser().signIn("alice").authorize(c, "prompt", "consent").allow().code()
				elsewhere, bobs := s.grantTokens(other), s.redeem(c, s.browser().signIn("bob").authorize(c).allow().code())
				s.wantAdmits(got.access, true, "before")

				id := s.idOf(got.access)
				if err := v.do(t.Context(), s, c, id); err != nil {
					t.Fatal(err)
				}
				ends := w.forUser || v.machine
				for _, server := range []*server{s, s.restart()} { // which remembers the signature, and which does not
					server.wantAdmits(got.access, !ends, v.name)
				}
				if got.refresh != "" {
					if a := s.refresh(c, got.refresh); a.status == 200 {
						t.Errorf("what was issued together with it refreshes itself back: %s", a)
					}
				}
				s.wantAdmits(sibling.Access, v.others, "of the same user at the same client, but of another consent")
				if a := s.exchange(c, c.codeForm(pending)...); (a.status == 200) == v.code {
					t.Errorf("a code that was not redeemed gets %s, want that it has ended: %v", a, v.code)
				}
				s.wantAdmits(elsewhere.Access, v.name != "RevokeUser", "of the same user at another client")
				s.wantAdmits(bobs.Access, v.name != "RevokeClient", "of another user at the same client")
				s.wantRevoked(v, w, c, id)
				s.wantBlameless()
			})
		}
	}
}

// wantRevoked fails unless one event and one record tell what was revoked.
func (s *server) wantRevoked(v revocation, w way, c *client, id string) {
	s.t.Helper()
	s.wantAudit(v.audit, 1)
	if v.reason == "" {
		if got := eventsOf[passport.ClientRevoked](s); len(got) != 1 || got[0].ClientID != c.ID {
			s.t.Errorf("the events are %+v, want that the client was revoked", got)
		}
		return
	}
	want := passport.Revoked{Reason: v.reason}
	if w.forUser || !v.others {
		want.User = ref("alice")
	}
	if v.name != "RevokeUser" {
		want.ClientID = c.ID
	}
	if v.others {
		want.TokenID = id
	}
	got := eventsOf[passport.Revoked](s)
	if len(got) != 1 {
		s.t.Fatalf("the events are %+v, want one", got)
	}
	got[0].Meta = passport.Meta{}
	if got[0] != want {
		s.t.Errorf("the event is %+v, want %+v", got[0], want)
	}
}

// Either call ends what was refreshed since, for both end the consent's family: in
// Laravel Passport the access token would stay, and that is for its year.
func TestRevoking_NeverRepeat_D4_EndsWhatWasRefreshedSince(t *testing.T) {
	for _, v := range revocations[:2] {
		s := newServer(t)
		c := s.web()
		first := s.grantTokens(c)
		second := s.refresh(c, first.Refresh).tokens()
		third := s.refresh(c, second.Refresh).tokens()
		check(t, v.do(t.Context(), s, c, s.idOf(first.Access)))
		for _, tok := range []*tokens{first, second, third} {
			s.wantAdmits(tok.Access, false, v.name)
			s.refresh(c, tok.Refresh).wantJSONError(400, "invalid_grant")
		}
		if replays := eventsOf[passport.Replayed](s); len(replays) != 0 {
			t.Errorf("%s: a token that was revoked is taken for one that was used twice: %+v", v.name, replays)
		}
	}
}

// Revoking twice is revoking once; what is not there is ErrNotFound, and a name
// that is missing never means all.
func TestRevoking_TwiceAndNothing(t *testing.T) {
	for _, v := range revocations {
		s := newServer(t)
		c := s.web()
		tok, elsewhere := s.grantTokens(c), s.grantTokens(s.web())
		for range 2 {
			if err := v.do(t.Context(), s, c, s.idOf(tok.Access)); err != nil {
				t.Errorf("%s: %v", v.name, err)
			}
		}
		s.wantAdmits(tok.Access, false, v.name)
		for _, err := range []error{
			s.RevokeToken(t.Context(), "nothing"), s.RevokeRefreshTokensOf(t.Context(), "nothing"), s.RevokeClient(t.Context(), "nothing"),
			s.RevokeToken(t.Context(), ""), s.RevokeRefreshTokensOf(t.Context(), ""), s.RevokeClient(t.Context(), ""),
		} {
			if !errors.Is(err, oauth.ErrNotFound) {
				t.Errorf("revoking what is not there is %v, want ErrNotFound", err)
			}
		}
		for _, user := range []oauth.UserRef{{}, {Provider: "users"}, {ID: "alice"}} {
			if s.RevokeUser(t.Context(), user) == nil || s.RevokeUserAtClient(t.Context(), user, c.ID) == nil || s.RevokeUserAtClient(t.Context(), ref("alice"), "") == nil {
				t.Errorf("revoking of %+v, or at no client, is no error", user)
			}
		}
		if v.name != "RevokeUser" {
			s.wantAdmits(elsewhere.Access, true, "of the same user at another client")
		}
	}
}

// A revocation that was not stored is told as an error, never announced, and the
// token lives on for everybody to see.
func TestRevoking_NeverRepeat_D1_StoreThatFails(t *testing.T) {
	for _, v := range revocations {
		store := &unwillingStore{Store: new(memstore.Store)}
		s := newServer(t, func(c *passport.Config) { c.Store = store })
		c := s.web()
		tok := s.grantTokens(c)
		since := s.events.len()
		store.unwilling = true
		if err := v.do(t.Context(), s, c, s.idOf(tok.Access)); !errors.Is(err, oauth.ErrUnavailable) {
			t.Errorf("%s over a store that fails is %v, want the store's error", v.name, err)
		}
		if got := s.events.names(since); len(got) != 0 {
			t.Errorf("%s was announced as %q", v.name, got)
		}
		s.wantAdmits(tok.Access, true, v.name+", which failed")
	}
}

// unwillingStore fails to revoke.
type unwillingStore struct {
	oauth.Store
	unwilling bool
}

func (s *unwillingStore) Unwrap() oauth.Store { return s.Store }

func (s *unwillingStore) RevokeToken(ctx context.Context, id string, at time.Time, audit *oauth.AuditRecord) error {
	if s.unwilling {
		return oauth.ErrUnavailable
	}
	return s.Store.RevokeToken(ctx, id, at, audit)
}

func (s *unwillingStore) RevokeFamilies(ctx context.Context, which oauth.FamilyFilter, at time.Time, audit *oauth.AuditRecord) error {
	if s.unwilling {
		return oauth.ErrUnavailable
	}
	return s.Store.RevokeFamilies(ctx, which, at, audit)
}

func (s *unwillingStore) RevokeClient(ctx context.Context, id string, at time.Time, audit *oauth.AuditRecord) error {
	if s.unwilling {
		return oauth.ErrUnavailable
	}
	return s.Store.RevokeClient(ctx, id, at, audit)
}

// What ends is gone for good: a purge, which forgets it, brings nothing back.
func TestRevoking_NeverRepeat_D14_StaysSoAfterAPurge(t *testing.T) {
	for _, w := range tokenWays {
		for _, v := range revocations {
			if !w.forUser && !v.machine {
				continue
			}
			t.Run(w.name+"/"+v.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newServer(t, withEveryGrant, func(c *passport.Config) { c.AccessTokenTTL = 1000 * time.Hour })
					c := s.register(passport.Registration{GrantTypes: everyGrant})
					got := w.prepare(s, c)(s, c, "read")
					check(t, v.do(t.Context(), s, c, s.idOf(got.access)))
					for range 2 {
						time.Sleep(time.Hour + time.Second)
						if _, err := s.Purge(t.Context(), oauth.EndedBefore(time.Now())); err != nil {
							t.Fatal(err)
						}
						s.wantAdmits(got.access, false, "revoked and purged")
						if got.refresh != "" && s.refresh(c, got.refresh).status == 200 {
							t.Error("its refresh token works after a purge")
						}
					}
				})
			})
		}
	}
}
