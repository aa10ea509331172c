package tokens_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// skewedStore is the store for a node whose clock is off when it revokes.
type skewedStore struct {
	oauth.Store
	off time.Duration
}

func (s *skewedStore) Unwrap() oauth.Store { return s.Store }

func (s *skewedStore) RevokeFamilies(ctx context.Context, which oauth.FamilyFilter, at time.Time, audit *oauth.AuditRecord) error {
	return s.Store.RevokeFamilies(ctx, which, at.Add(s.off), audit)
}

func (s *skewedStore) EndSession(ctx context.Context, user oauth.UserRef, session oauth.Digest, at time.Time, audit *oauth.AuditRecord) error {
	return s.Store.EndSession(ctx, user, session, at.Add(s.off), audit)
}

func (s *skewedStore) Withdraw(ctx context.Context, user oauth.UserRef, clientID string, at time.Time, audit *oauth.AuditRecord) error {
	return s.Store.Withdraw(ctx, user, clientID, at.Add(s.off), audit)
}

func (s *skewedStore) RevokeTokensOfClient(ctx context.Context, clientID string, at time.Time, audit *oauth.AuditRecord) error {
	return s.Store.RevokeTokensOfClient(ctx, clientID, at.Add(s.off), audit)
}

// byTime has the methods that revoke by comparing the times of two nodes.
var byTime = map[string]func(ctx context.Context, s *testkit.Server, c *testkit.Client, session string) error{
	"RevokeUser": func(ctx context.Context, s *testkit.Server, _ *testkit.Client, _ string) error {
		return s.RevokeUser(ctx, testkit.Ref("alice"))
	},
	"RevokeUserAtClient": func(ctx context.Context, s *testkit.Server, c *testkit.Client, _ string) error {
		return s.RevokeUserAtClient(ctx, testkit.Ref("alice"), c.ID)
	},
	"RevokeTokensOfClient": func(ctx context.Context, s *testkit.Server, c *testkit.Client, _ string) error {
		return s.RevokeTokensOfClient(ctx, c.ID)
	},
	"PasswordChanged": func(ctx context.Context, s *testkit.Server, _ *testkit.Client, _ string) error {
		return s.PasswordChanged(ctx, testkit.Ref("alice"), "")
	},
	"EndSession": func(ctx context.Context, s *testkit.Server, _ *testkit.Client, session string) error {
		return s.EndSession(ctx, testkit.Ref("alice"), session)
	},
	"Withdraw": func(ctx context.Context, s *testkit.Server, c *testkit.Client, _ string) error {
		return s.Withdraw(ctx, testkit.Ref("alice"), c.ID)
	},
}

// A revocation ends all existing tokens of the user, even if the clock of the revoking node
// is behind. Tokens of the next sign-in are live, also after a purge.
func TestRevoking_FR_12_ClocksOfNodes(t *testing.T) {
	for name, revoke := range byTime {
		for _, off := range []time.Duration{-59 * time.Second, -500 * time.Millisecond, 0, 500 * time.Millisecond} {
			t.Run(fmt.Sprintf("%s by a node that is %v ahead", name, off), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := testkit.NewServer(t, func(c *passport.Config) {
						c.Store = &skewedStore{Store: new(memstore.Store), off: off}
						c.FamiliesEndWithSession = true
						c.AccessTokenTTL = 1000 * time.Hour
					})
					c := s.Web()
					before := s.Browser().SignIn("alice")
					tok := s.Redeem(c, before.Authorize(c).Allow().Code())
					pending := before.Authorize(c, "prompt", "consent").Allow().Code()
					testkit.Check(t, revoke(t.Context(), s, c, before.Session()))
					s.WantAdmits(tok.Access, false, "issued before "+name)
					s.Exchange(c, c.CodeForm(pending)...).WantJSONError(400, "invalid_grant")

					time.Sleep(time.Second)
					again := s.Redeem(c, s.Browser().SignIn("alice").Authorize(c, "prompt", "consent").Allow().Code())
					for range 3 {
						s.WantAdmits(tok.Access, false, "issued before "+name)
						s.WantAdmits(again.Access, true, "issued after "+name)
						time.Sleep(2 * time.Hour)
						_, err := s.Purge(t.Context(), oauth.EndedBefore(time.Now()))
						testkit.Check(t, err)
					}
				})
			})
		}
	}
}
