package tokens_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

var revocations = []testkit.Revocation{
	{Name: "RevokeToken", Do: func(ctx context.Context, s *testkit.Server, _ *testkit.Client, id string) error {
		return s.RevokeToken(ctx, id)
	}, Machine: true, Others: true, Reason: "token", Audit: "token.revoked"},
	{Name: "RevokeRefreshTokensOf", Do: func(ctx context.Context, s *testkit.Server, _ *testkit.Client, id string) error {
		return s.RevokeRefreshTokensOf(ctx, id)
	}, Machine: true, Others: true, Reason: "refresh tokens", Audit: "token.revoked"},
	{Name: "RevokeUser", Do: func(ctx context.Context, s *testkit.Server, _ *testkit.Client, _ string) error {
		return s.RevokeUser(ctx, testkit.Ref("alice"))
	}, Code: true, Reason: "user", Audit: "tokens.revoked"},
	{Name: "RevokeUserAtClient", Do: func(ctx context.Context, s *testkit.Server, c *testkit.Client, _ string) error {
		return s.RevokeUserAtClient(ctx, testkit.Ref("alice"), c.ID)
	}, Code: true, Reason: "user at client", Audit: "tokens.revoked"},
	{Name: "RevokeTokensOfClient", Do: func(ctx context.Context, s *testkit.Server, c *testkit.Client, _ string) error {
		return s.RevokeTokensOfClient(ctx, c.ID)
	}, Machine: true, Code: true, Everyone: true, Reason: "tokens of the client", Audit: "tokens.revoked"},
	{Name: "RevokeClient", Do: func(ctx context.Context, s *testkit.Server, c *testkit.Client, _ string) error {
		return s.RevokeClient(ctx, c.ID)
	}, Machine: true, Code: true, Everyone: true, Reason: "", Audit: "client.revoked"},
}

// tokenWays are all ways to get an access token, including opaque ones.
var tokenWays = append(slices.Clone(ways), testkit.Way{Name: "an opaque personal access token", GrantType: "personal_access", ForUser: true, Free: withoutClient, Prepare: func(s *testkit.Server, c *testkit.Client) func(*testkit.Server, *testkit.Client, string) *testkit.Issued {
	s = s.Restart(func(config *passport.Config) {
		config.PersonalAccessClientID, config.PersonalAccessClientSecret = c.ID, c.Secret
	})
	return func(*testkit.Server, *testkit.Client, string) *testkit.Issued {
		return &testkit.Issued{Access: s.Personal("read").AccessToken}
	}
}})

// Each method revokes each kind of token at the next request: at the guard, for a refresh
// and for a code. It revokes no other tokens.
func TestRevoking_NeverRepeat_D4_EachMethodEndsEachTokenAtOnce(t *testing.T) {
	for _, w := range tokenWays {
		for _, v := range revocations {
			t.Run(w.Name+"/"+v.Name, func(t *testing.T) {
				s := testkit.NewServer(t, withEveryGrant, testkit.WithAudit)
				c, other := s.Register(passport.Registration{GrantTypes: everyGrant}), s.Register(passport.Registration{GrantTypes: everyGrant})
				got := w.Prepare(s, c)(s, c, "read")
				sibling := s.GrantTokens(c, "prompt", "consent") // of another consent
				pending := s.Browser().SignIn("alice").Authorize(c, "prompt", "consent").Allow().Code()
				elsewhere, bobs := s.GrantTokens(other), s.Redeem(c, s.Browser().SignIn("bob").Authorize(c).Allow().Code())
				s.WantAdmits(got.Access, true, "before")

				id := s.IDOf(got.Access)
				if err := v.Do(t.Context(), s, c, id); err != nil {
					t.Fatal(err)
				}
				ends := w.ForUser || v.Machine
				for _, server := range []*testkit.Server{s, s.Restart()} { // with and without a cached signature
					server.WantAdmits(got.Access, !ends, v.Name)
				}
				if got.Refresh != "" {
					if a := s.Refresh(c, got.Refresh); a.Status == 200 {
						t.Errorf("a refresh token that was issued with the revoked token still works: %s", a)
					}
				}
				s.WantAdmits(sibling.Access, v.Others, "of the same user at the same client, but of another consent")
				if a := s.Exchange(c, c.CodeForm(pending)...); (a.Status == 200) == v.Code {
					t.Errorf("redeeming a pending code = %s, want invalid_grant: %v", a, v.Code)
				}
				s.WantAdmits(elsewhere.Access, v.Name != "RevokeUser", "of the same user at another client")
				s.WantAdmits(bobs.Access, !v.Everyone, "of another user at the same client")
				s.WantRevoked(v, w, c, id)
				s.WantBlameless()
			})
		}
	}
}

// Both methods also end tokens that were refreshed since, because both end the family. In
// Laravel Passport the access token would stay valid, for up to a year.
func TestRevoking_NeverRepeat_D4_EndsRefreshedTokens(t *testing.T) {
	for _, v := range revocations[:2] {
		s := testkit.NewServer(t)
		c := s.Web()
		first := s.GrantTokens(c)
		second := s.Refresh(c, first.Refresh).Tokens()
		third := s.Refresh(c, second.Refresh).Tokens()
		testkit.Check(t, v.Do(t.Context(), s, c, s.IDOf(first.Access)))
		for _, tok := range []*testkit.Tokens{first, second, third} {
			s.WantAdmits(tok.Access, false, v.Name)
			s.Refresh(c, tok.Refresh).WantJSONError(400, "invalid_grant")
		}
		if replays := testkit.EventsOf[passport.Replayed](s); len(replays) != 0 {
			t.Errorf("%s: a revoked token counts as a replay: %+v", v.Name, replays)
		}
	}
}

// Revoking is idempotent. An unknown token gives ErrNotFound, and an empty name is an error.
func TestRevoking_IdempotentAndUnknown(t *testing.T) {
	for _, v := range revocations {
		s := testkit.NewServer(t)
		c := s.Web()
		tok, elsewhere := s.GrantTokens(c), s.GrantTokens(s.Web())
		for range 2 {
			if err := v.Do(t.Context(), s, c, s.IDOf(tok.Access)); err != nil {
				t.Errorf("%s: %v", v.Name, err)
			}
		}
		s.WantAdmits(tok.Access, false, v.Name)
		for _, err := range []error{
			s.RevokeToken(t.Context(), "nothing"), s.RevokeRefreshTokensOf(t.Context(), "nothing"), s.RevokeClient(t.Context(), "nothing"), s.RevokeTokensOfClient(t.Context(), "nothing"), s.RevokeTokensOfClient(t.Context(), ""),
			s.RevokeToken(t.Context(), ""), s.RevokeRefreshTokensOf(t.Context(), ""), s.RevokeClient(t.Context(), ""),
		} {
			if !errors.Is(err, oauth.ErrNotFound) {
				t.Errorf("revoking an unknown token or client = %v, want ErrNotFound", err)
			}
		}
		for _, user := range []oauth.UserRef{{}, {Provider: "users"}, {ID: "alice"}} {
			if s.RevokeUser(t.Context(), user) == nil || s.RevokeUserAtClient(t.Context(), user, c.ID) == nil || s.RevokeUserAtClient(t.Context(), testkit.Ref("alice"), "") == nil {
				t.Errorf("revoking user %+v, or at an empty client, = nil, want an error", user)
			}
		}
		if v.Name != "RevokeUser" {
			s.WantAdmits(elsewhere.Access, true, "of the same user at another client")
		}
	}
}

// If a revocation cannot be stored, the caller gets an error, no event is published, and the
// token stays valid.
func TestRevoking_NeverRepeat_D1_FailingStore(t *testing.T) {
	for _, v := range revocations {
		store := &failingStore{Store: new(memstore.Store)}
		s := testkit.NewServer(t, func(c *passport.Config) { c.Store = store })
		c := s.Web()
		tok := s.GrantTokens(c)
		since := s.Events.Len()
		store.failing = true
		if err := v.Do(t.Context(), s, c, s.IDOf(tok.Access)); !errors.Is(err, oauth.ErrUnavailable) {
			t.Errorf("%s with a failing store = %v, want the store's error", v.Name, err)
		}
		if got := s.Events.Names(since); len(got) != 0 {
			t.Errorf("%s with a failing store: events = %q, want none", v.Name, got)
		}
		s.WantAdmits(tok.Access, true, v.Name+", which failed")
	}
}

// failingStore fails to revoke if failing is set.
type failingStore struct {
	oauth.Store
	failing bool
}

func (s *failingStore) Unwrap() oauth.Store { return s.Store }

func (s *failingStore) RevokeToken(ctx context.Context, id string, at time.Time, audit *oauth.AuditRecord) error {
	if s.failing {
		return oauth.ErrUnavailable
	}
	return s.Store.RevokeToken(ctx, id, at, audit)
}

func (s *failingStore) RevokeFamilies(ctx context.Context, which oauth.FamilyFilter, at time.Time, audit *oauth.AuditRecord) error {
	if s.failing {
		return oauth.ErrUnavailable
	}
	return s.Store.RevokeFamilies(ctx, which, at, audit)
}

func (s *failingStore) RevokeTokensOfClient(ctx context.Context, id string, at time.Time, audit *oauth.AuditRecord) error {
	if s.failing {
		return oauth.ErrUnavailable
	}
	return s.Store.RevokeTokensOfClient(ctx, id, at, audit)
}

func (s *failingStore) RevokeClient(ctx context.Context, id string, at time.Time, audit *oauth.AuditRecord) error {
	if s.failing {
		return oauth.ErrUnavailable
	}
	return s.Store.RevokeClient(ctx, id, at, audit)
}

// A revoked token stays invalid after a purge.
func TestRevoking_NeverRepeat_D14_AfterAPurge(t *testing.T) {
	for _, w := range tokenWays {
		for _, v := range revocations {
			if !w.ForUser && !v.Machine {
				continue
			}
			t.Run(w.Name+"/"+v.Name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := testkit.NewServer(t, withEveryGrant, func(c *passport.Config) { c.AccessTokenTTL = 1000 * time.Hour })
					c := s.Register(passport.Registration{GrantTypes: everyGrant})
					got := w.Prepare(s, c)(s, c, "read")
					testkit.Check(t, v.Do(t.Context(), s, c, s.IDOf(got.Access)))
					for range 2 {
						time.Sleep(time.Hour + time.Second)
						if _, err := s.Purge(t.Context(), oauth.EndedBefore(time.Now())); err != nil {
							t.Fatal(err)
						}
						s.WantAdmits(got.Access, false, "revoked and purged")
						if got.Refresh != "" && s.Refresh(c, got.Refresh).Status == 200 {
							t.Error("the refresh token works after a purge")
						}
					}
				})
			})
		}
	}
}
