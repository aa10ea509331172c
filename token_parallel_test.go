package passport_test

import (
	"fmt"
	"maps"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// All that is public, by a hundred goroutines at once over one server. It proves
// something under -race; without it, that nobody gets what is another's.
func TestNeverRepeat_F15_F3_OneServerForAll(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithAudit, testkit.WithGrants(testkit.Voucher{}))
	for i := range 100 {
		id := fmt.Sprintf("user%02d", i)
		maps.Copy(s.Users.ByID, testkit.NewAccounts(id).ByID)
	}
	web, spa, kiosk := s.Web(), s.Spa(), s.Kiosk("refresh_token")
	g, scoped := s.Guard(), s.GuardAny(guard.AnyScope("read", "write"))
	var next atomic.Int32
	testkit.Parallel(100, func() error {
		i := next.Add(1) - 1
		id := fmt.Sprintf("user%02d", i)
		c := web
		if i%2 == 0 {
			c = spa
		}
		b := s.Browser().SignIn(id)
		code := b.Authorize(c).Allow().Code()
		tok := s.Redeem(c, code)
		for range 2 {
			tok = s.Refresh(c, tok.Refresh).Tokens()
			if got := s.Call(g, "Authorization", "Bearer "+tok.Access).Told(); got.User != id {
				t.Errorf("the token of %s was told to be %s's", id, got.User)
			}
		}
		s.Call(scoped, "Authorization", "Bearer "+s.MachineToken(s.Machine(), "scope", "read")).Told()
		s.Exchange(kiosk, "grant_type", testkit.VoucherType, "voucher", fmt.Sprintf("%s-%d", id, i)).Tokens()
		switch i % 5 {
		case 0:
			s.Exchange(c, c.CodeForm(code)...).WantJSONError(400, "invalid_grant") // a replay
		case 1:
			testkit.Check(t, s.RevokeUser(t.Context(), testkit.Ref(id)))
		case 2:
			testkit.Check(t, s.Withdraw(t.Context(), testkit.Ref(id), c.ID))
		case 3:
			testkit.Check(t, s.EndSession(t.Context(), testkit.Ref(id), b.Session()))
		case 4:
			for token, err := range s.Tokens(t.Context(), testkit.Ref(id)) {
				testkit.Check(t, err)
				testkit.Check(t, s.RevokeToken(t.Context(), token.ID))
			}
		}
		if ends := i%5 != 3; s.Admits(tok.Access) == ends {
			t.Errorf("case %d: the token of %s is admitted = %v", i%5, id, !ends)
		}
		s.Metadata()
		s.Published()
		s.ScopesFor("read")
		for range s.Clients(t.Context()) {
			break
		}
		if _, err := s.Purge(t.Context(), oauth.EndedBefore(time.Now().Add(-time.Hour))); err != nil {
			t.Error(err)
		}
		return nil
	})
	s.WantBlameless()
}

// A revocation and a refresh at once: whichever comes first, nothing lives on.
func TestNeverRepeat_D4_RT_08_RevocationAgainstRefresh(t *testing.T) {
	for name, end := range map[string]func(*testkit.Server, *testkit.Client) error{
		"user": func(s *testkit.Server, _ *testkit.Client) error {
			return s.RevokeUser(s.T.Context(), testkit.Ref("alice"))
		},
		"consent": func(s *testkit.Server, c *testkit.Client) error {
			return s.Withdraw(s.T.Context(), testkit.Ref("alice"), c.ID)
		},
		"client": func(s *testkit.Server, c *testkit.Client) error { return s.RevokeClient(s.T.Context(), c.ID) },
	} {
		for range 20 {
			s := testkit.NewServer(t)
			c := s.Web()
			tok := s.GrantTokens(c)
			var turn atomic.Int32
			answers := testkit.Parallel(8, func() *testkit.Response {
				if turn.Add(1) == 4 {
					testkit.Check(t, end(s, c))
					return nil
				}
				return s.Refresh(c, tok.Refresh)
			})
			for _, a := range answers {
				if a != nil && a.Status == http.StatusOK {
					s.WantAdmits(a.Tokens().Access, false, name+": refreshed while it was revoked")
					if late := s.Refresh(c, a.Tokens().Refresh); late.Status == http.StatusOK {
						t.Errorf("%s: what was refreshed while it was revoked can be refreshed again", name)
					}
				}
			}
		}
	}
}

// D4: revoking any one token of a consent ends all of it.
func TestNeverRepeat_D4_RevokingOneEndsAll(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	tok := s.GrantTokens(c)
	next := s.Refresh(c, tok.Refresh).Tokens()
	other := s.GrantTokens(s.Web())
	testkit.Check(t, s.RevokeToken(t.Context(), testkit.ClaimsOf(t, tok.Access)["jti"].(string)))
	s.WantAdmits(tok.Access, false, "revoked")
	s.WantAdmits(next.Access, false, "refreshed from what was revoked")
	s.Refresh(c, next.Refresh).WantJSONError(400, "invalid_grant")
	s.WantAdmits(other.Access, true, "of another consent")
	if err := s.RevokeToken(t.Context(), "nobody's"); err == nil || !testkit.IsNotFound(err) {
		t.Errorf("RevokeToken of none = %v, want oauth.ErrNotFound", err)
	}
	if err := s.RevokeUser(t.Context(), oauth.UserRef{}); err == nil {
		t.Error("RevokeUser without a user = nil, want an error: it must never mean all of them")
	}
	if err := s.RevokeUserAtClient(t.Context(), testkit.Ref("alice"), ""); err == nil {
		t.Error("RevokeUserAtClient without a client = nil, want an error")
	}
}
