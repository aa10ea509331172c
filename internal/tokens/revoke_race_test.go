package tokens_test

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// After a concurrent revocation and refresh, no token is live, in either order.
func TestNeverRepeat_D4_RT_08_RevocationAgainstRefresh(t *testing.T) {
	for name, end := range map[string]func(*testkit.Server, *testkit.Client) error{
		"user": func(s *testkit.Server, _ *testkit.Client) error {
			return s.RevokeUser(s.T.Context(), testkit.Ref("alice"))
		},
		"consent": func(s *testkit.Server, c *testkit.Client) error {
			return s.Withdraw(s.T.Context(), testkit.Ref("alice"), c.ID)
		},
		"tokens of the client (FR-55)": func(s *testkit.Server, c *testkit.Client) error {
			return s.RevokeTokensOfClient(s.T.Context(), c.ID)
		},
		"client": func(s *testkit.Server, c *testkit.Client) error { return s.RevokeClient(s.T.Context(), c.ID) },
	} {
		for range 20 {
			s := testkit.NewServer(t)
			c := s.Web()
			tok := s.GrantTokens(c)
			var turn atomic.Int32
			responses := testkit.Parallel(8, func() *testkit.Response {
				if turn.Add(1) == 4 {
					testkit.Check(t, end(s, c))
					return nil
				}
				return s.Refresh(c, tok.Refresh)
			})
			for _, a := range responses {
				if a != nil && a.Status == http.StatusOK {
					s.WantAdmits(a.Tokens().Access, false, name+": refreshed during the revocation")
					if late := s.Refresh(c, a.Tokens().Refresh); late.Status == http.StatusOK {
						t.Errorf("%s: a token that was refreshed during the revocation can be refreshed again", name)
					}
				}
			}
		}
	}
}

// D4: revoking any token of a consent ends all of its tokens.
func TestNeverRepeat_D4_RevokingOneEndsAll(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	tok := s.GrantTokens(c)
	next := s.Refresh(c, tok.Refresh).Tokens()
	other := s.GrantTokens(s.Web())
	testkit.Check(t, s.RevokeToken(t.Context(), testkit.ClaimsOf(t, tok.Access)["jti"].(string)))
	s.WantAdmits(tok.Access, false, "revoked")
	s.WantAdmits(next.Access, false, "refreshed from a revoked token")
	s.Refresh(c, next.Refresh).WantJSONError(400, "invalid_grant")
	s.WantAdmits(other.Access, true, "of another consent")
	if err := s.RevokeToken(t.Context(), "unknown"); err == nil || !testkit.IsNotFound(err) {
		t.Errorf("RevokeToken() of an unknown token = %v, want oauth.ErrNotFound", err)
	}
	if err := s.RevokeUser(t.Context(), oauth.UserRef{}); err == nil {
		t.Error("RevokeUser() without a user = nil, want an error, because it must not revoke all users")
	}
	if err := s.RevokeUserAtClient(t.Context(), testkit.Ref("alice"), ""); err == nil {
		t.Error("RevokeUserAtClient() without a client = nil, want an error")
	}
}
