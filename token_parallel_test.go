package passport_test

import (
	"fmt"
	"maps"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/oauth"
)

// All that is public, by a hundred goroutines at once over one server. It proves
// something under -race; without it, that nobody gets what is another's.
func TestNeverRepeat_F15_F3_OneServerForAll(t *testing.T) {
	s := newServer(t, withAudit, withGrants(voucher{}))
	for i := range 100 {
		id := fmt.Sprintf("user%02d", i)
		maps.Copy(s.users.byID, newAccounts(id).byID)
	}
	web, spa, kiosk := s.web(), s.spa(), s.kiosk("refresh_token")
	g, scoped := s.Guard(), s.GuardAny(guard.AnyScope("read", "write"))
	var next atomic.Int32
	parallel(100, func() error {
		i := next.Add(1) - 1
		id := fmt.Sprintf("user%02d", i)
		c := web
		if i%2 == 0 {
			c = spa
		}
		b := s.browser().signIn(id)
		code := b.authorize(c).allow().code()
		tok := s.redeem(c, code)
		for range 2 {
			tok = s.refresh(c, tok.Refresh).tokens()
			if got := s.call(g, "Authorization", "Bearer "+tok.Access).told(); got.User != id {
				t.Errorf("the token of %s was told to be %s's", id, got.User)
			}
		}
		s.call(scoped, "Authorization", "Bearer "+s.machineToken(s.machine(), "scope", "read")).told()
		s.exchange(kiosk, "grant_type", voucherType, "voucher", fmt.Sprintf("%s-%d", id, i)).tokens()
		switch i % 5 {
		case 0:
			s.exchange(c, c.codeForm(code)...).wantJSONError(400, "invalid_grant") // a replay
		case 1:
			check(t, s.RevokeUser(t.Context(), ref(id)))
		case 2:
			check(t, s.Withdraw(t.Context(), ref(id), c.ID))
		case 3:
			check(t, s.EndSession(t.Context(), ref(id), b.session()))
		case 4:
			for token, err := range s.Tokens(t.Context(), ref(id)) {
				check(t, err)
				check(t, s.RevokeToken(t.Context(), token.ID))
			}
		}
		if ends := i%5 != 3; s.admits(tok.Access) == ends {
			t.Errorf("case %d: the token of %s is admitted = %v", i%5, id, !ends)
		}
		s.metadata()
		s.published()
		s.ScopesFor("read")
		for range s.Clients(t.Context()) {
			break
		}
		if _, err := s.Purge(t.Context(), oauth.EndedBefore(time.Now().Add(-time.Hour))); err != nil {
			t.Error(err)
		}
		return nil
	})
	s.wantBlameless()
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// A revocation and a refresh at once: whichever comes first, nothing lives on.
func TestNeverRepeat_D4_RT_08_RevocationAgainstRefresh(t *testing.T) {
	for name, end := range map[string]func(*server, *client) error{
		"user":    func(s *server, _ *client) error { return s.RevokeUser(s.t.Context(), ref("alice")) },
		"consent": func(s *server, c *client) error { return s.Withdraw(s.t.Context(), ref("alice"), c.ID) },
		"client":  func(s *server, c *client) error { return s.RevokeClient(s.t.Context(), c.ID) },
	} {
		for range 20 {
			s := newServer(t)
			c := s.web()
			tok := s.grantTokens(c)
			var turn atomic.Int32
			answers := parallel(8, func() *answer {
				if turn.Add(1) == 4 {
					check(t, end(s, c))
					return nil
				}
				return s.refresh(c, tok.Refresh)
			})
			for _, a := range answers {
				if a != nil && a.status == http.StatusOK {
					s.wantAdmits(a.tokens().Access, false, name+": refreshed while it was revoked")
					if late := s.refresh(c, a.tokens().Refresh); late.status == http.StatusOK {
						t.Errorf("%s: what was refreshed while it was revoked can be refreshed again", name)
					}
				}
			}
		}
	}
}

// D4: revoking any one token of a consent ends all of it.
func TestNeverRepeat_D4_RevokingOneEndsAll(t *testing.T) {
	s := newServer(t)
	c := s.web()
	tok := s.grantTokens(c)
	next := s.refresh(c, tok.Refresh).tokens()
	other := s.grantTokens(s.web())
	check(t, s.RevokeToken(t.Context(), claimsOf(t, tok.Access)["jti"].(string)))
	s.wantAdmits(tok.Access, false, "revoked")
	s.wantAdmits(next.Access, false, "refreshed from what was revoked")
	s.refresh(c, next.Refresh).wantJSONError(400, "invalid_grant")
	s.wantAdmits(other.Access, true, "of another consent")
	if err := s.RevokeToken(t.Context(), "nobody's"); err == nil || !isNotFound(err) {
		t.Errorf("RevokeToken of none = %v, want oauth.ErrNotFound", err)
	}
	if err := s.RevokeUser(t.Context(), oauth.UserRef{}); err == nil {
		t.Error("RevokeUser without a user = nil, want an error: it must never mean all of them")
	}
	if err := s.RevokeUserAtClient(t.Context(), ref("alice"), ""); err == nil {
		t.Error("RevokeUserAtClient without a client = nil, want an error")
	}
}
