package tokens_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// RFC 6749 §6: "the refresh token is bound to the client to which it was issued".
func TestToken_RT_01_BoundToTheClient(t *testing.T) {
	s := testkit.NewServer(t)
	c, other := s.Web(), s.Web()
	tok := s.GrantTokens(c)
	s.Refresh(other, tok.Refresh).WantJSONError(400, "invalid_grant")
	s.Refresh(s.Spa(), tok.Refresh).WantJSONError(400, "invalid_grant")
	next := s.Refresh(c, tok.Refresh).Tokens()
	if next.Refresh == tok.Refresh || next.Access == tok.Access {
		t.Error("a refresh returned the same tokens")
	}
}

// RFC 9700 §2.2.2 requires rotation for public clients. This server rotates all refresh
// tokens.
func TestToken_RT_02_Rotation(t *testing.T) {
	s := testkit.NewServer(t)
	for name, c := range map[string]*testkit.Client{"public": s.Spa(), "native": s.Native(), "confidential": s.Web()} {
		seen := map[string]bool{}
		tok := s.GrantTokens(c)
		for range 5 {
			if seen[tok.Refresh] {
				t.Errorf("%s: a refresh token was issued twice", name)
			}
			seen[tok.Refresh] = true
			tok = s.Refresh(c, tok.Refresh).Tokens()
		}
		s.WantAdmits(tok.Access, true, name)
	}
}

// RFC 9700 §4.14.2: a replayed refresh token indicates a theft. The server cannot tell the
// attacker from the client, so it ends the family.
func TestNeverRepeat_D9_RT_03_ReuseEndsTheFamily(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, tt := range map[string]struct {
			grace time.Duration
			wait  time.Duration
			steps int // number of refreshes since then
		}{
			"without a grace":                {-1, 0, 1},
			"after the grace":                {0, 10 * time.Second, 1},
			"weeks later":                    {0, 20 * 24 * time.Hour, 1},
			"within the grace, two steps on": {0, 0, 2},
			"five steps on":                  {0, 0, 5},
		} {
			s := testkit.NewServer(t, testkit.WithAudit, func(c *passport.Config) { c.RefreshTokenGrace = tt.grace })
			c := s.Web()
			stolen := s.GrantTokens(c)
			tok := stolen
			for range tt.steps {
				tok = s.Refresh(c, tok.Refresh).Tokens()
			}
			time.Sleep(tt.wait)
			s.Refresh(c, stolen.Refresh).WantJSONError(400, "invalid_grant")
			s.Refresh(c, tok.Refresh).WantJSONError(400, "invalid_grant")
			s.WantAdmits(tok.Access, false, name)
			s.WantAdmits(stolen.Access, false, name)
			if got := testkit.EventsOf[passport.Replayed](s); len(got) != 1 || got[0].What != oauth.SpendRefreshToken || got[0].Family.User != testkit.Ref("alice") {
				t.Errorf("%s: Replayed events = %+v, want one with the user", name, got)
			}
			s.WantAudit("token.replayed", 1)
			s.WantBlameless()
		}
	})
}

// A retry after a lost response gets the same response.
func TestToken_RT_04_TheSamePairWithinTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := testkit.Watched(t)
		c := s.Web()
		tok := s.GrantTokens(c, "scope", "read write")
		first := s.Refresh(c, tok.Refresh, "scope", "read").Tokens()
		issued := store.Count("Issue")
		for range 3 {
			time.Sleep(3 * time.Second)
			again := s.Refresh(c, tok.Refresh, "scope", "read").Tokens()
			if again.Refresh != first.Refresh {
				t.Error("a retry returned a different refresh token")
			}
			want, got := testkit.ClaimsOf(t, first.Access), testkit.ClaimsOf(t, again.Access)
			for _, name := range []string{"jti", "iat", "exp", "scope", "sub", "client_id", "aud", "iss", "auth_time"} {
				if got[name] != want[name] {
					t.Errorf("%s of the retry's access token = %v, want %v", name, got[name], want[name])
				}
			}
			if again.Scope != first.Scope || again.Expires > first.Expires {
				t.Errorf("retry: scope = %q, expires_in = %d, want %q and at most %d", again.Scope, again.Expires, first.Scope, first.Expires)
			}
			s.WantAdmits(again.Access, true, "of a retry")
		}
		if n := store.Count("Issue") - issued; n != 0 {
			t.Errorf("%d retries wrote %d times, want no write", 3, n)
		}
		if n := len(testkit.EventsOf[passport.Replayed](s)); n != 0 {
			t.Errorf("%d Replayed events for retries within the grace period, want none", n)
		}
		next := s.Refresh(c, first.Refresh).Tokens() // the successor still works
		s.WantAdmits(next.Access, true, "of the refresh after the retries")
	})
}

// A retry does not return an expired access token.
func TestToken_RT_04_RetryWithAnExpiredToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, func(c *passport.Config) { c.AccessTokenTTL = 2 * time.Second })
		c := s.Web()
		tok := s.GrantTokens(c)
		next := s.Refresh(c, tok.Refresh).Tokens()
		time.Sleep(time.Second)
		s.Refresh(c, tok.Refresh).Tokens()
		time.Sleep(time.Second)
		s.Refresh(c, tok.Refresh).WantJSONError(400, "invalid_grant")
		s.Refresh(c, next.Refresh).Tokens() // nothing was revoked
	})
}

// Within the grace period, a different request with the same token gets an error. It revokes
// nothing, because the client may have sent two requests at the same time.
func TestToken_RT_04_DifferentRequest(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) { c.Resources = []string{"https://api.example.com"} })
	c, other := s.Web(), s.Web()
	tok := s.GrantTokens(c, "scope", "read write", "resource", "https://api.example.com")
	first := s.Refresh(c, tok.Refresh, "scope", "read").Tokens()
	s.Refresh(c, tok.Refresh).WantJSONError(400, "invalid_grant")
	s.Refresh(c, tok.Refresh, "scope", "write").WantJSONError(400, "invalid_grant")
	s.Refresh(c, tok.Refresh, "scope", "read write").WantJSONError(400, "invalid_grant")
	s.Refresh(c, tok.Refresh, "scope", "read", "resource", testkit.Issuer).WantJSONError(400, "invalid_target")
	s.Refresh(other, tok.Refresh, "scope", "read").WantJSONError(400, "invalid_grant")
	if again := s.Refresh(c, tok.Refresh, "scope", "read", "resource", "https://api.example.com").Tokens(); again.Refresh != first.Refresh {
		t.Error("a retry that names the only resource is not treated as the same request")
	}
	params := c.Request("prompt", "consent")
	params["resource"] = []string{"https://api.example.com", testkit.Issuer}
	both := s.Redeem(c, s.Browser().SignIn("alice").Get("/oauth/authorize?"+params.Encode()).Allow().Code())
	s.Refresh(c, both.Refresh).Tokens()
	s.Refresh(c, both.Refresh, "resource", testkit.Issuer).WantJSONError(400, "invalid_grant")
	s.Refresh(c, both.Refresh).Tokens()
	if n := len(testkit.EventsOf[passport.Replayed](s)); n != 0 {
		t.Errorf("%d Replayed events for different requests, want none", n)
	}
	s.Refresh(c, first.Refresh).Tokens()
}

// The grace period applies only to the previous refresh token of a live family.
func TestNeverRepeat_D5_GracePeriodOfEndedFamilies(t *testing.T) {
	for name, end := range map[string]func(*testkit.Server, *testkit.Client) error{
		"revoked": func(s *testkit.Server, _ *testkit.Client) error {
			return s.RevokeUser(s.T.Context(), testkit.Ref("alice"))
		},
		"user": func(s *testkit.Server, _ *testkit.Client) error { s.Users.Remove("alice"); return nil },
		"withdrew": func(s *testkit.Server, c *testkit.Client) error {
			return s.Withdraw(s.T.Context(), testkit.Ref("alice"), c.ID)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := testkit.NewServer(t)
			c := s.Web()
			tok := s.GrantTokens(c)
			next := s.Refresh(c, tok.Refresh).Tokens()
			if err := end(s, c); err != nil {
				t.Fatal(err)
			}
			s.Refresh(c, tok.Refresh).WantJSONError(400, "invalid_grant")
			s.Refresh(c, next.Refresh).WantJSONError(400, "invalid_grant")
		})
	}
	t.Run("older generation", func(t *testing.T) {
		s := testkit.NewServer(t)
		c := s.Web()
		first := s.GrantTokens(c)
		second := s.Refresh(c, first.Refresh).Tokens()
		third := s.Refresh(c, second.Refresh).Tokens()
		s.Refresh(c, second.Refresh).Tokens() // the previous one may be retried
		s.Refresh(c, first.Refresh).WantJSONError(400, "invalid_grant")
		s.WantAdmits(third.Access, false, "after a replay of the first of three generations")
	})
}

// Of 64 concurrent refreshes, all get the same pair within the grace period. Without it,
// one gets a pair and the others are replays.
func TestNeverRepeat_A1_RT_05_ParallelRefreshes(t *testing.T) {
	t.Run("grace", func(t *testing.T) {
		s := testkit.NewServer(t)
		c := s.Web()
		tok := s.GrantTokens(c)
		refreshTokens := map[string]int{}
		for _, a := range testkit.Parallel(64, func() *testkit.Response { return s.Refresh(c, tok.Refresh) }) {
			got := a.Tokens()
			refreshTokens[got.Refresh]++
			s.WantAdmits(got.Access, true, "of one of 64 refreshes")
		}
		if len(refreshTokens) != 1 {
			t.Errorf("64 refreshes of one token returned %d successors, want 1", len(refreshTokens))
		}
		if n := len(testkit.EventsOf[passport.RefreshTokenIssued](s)); n != 2 {
			t.Errorf("%d RefreshTokenIssued events, want 2: the first token and its successor", n)
		}
	})
	t.Run("no grace", func(t *testing.T) {
		s := testkit.NewServer(t, func(c *passport.Config) { c.RefreshTokenGrace = -1 })
		c := s.Web()
		tok := s.GrantTokens(c)
		wantOneWinner(t, s, testkit.Parallel(64, func() *testkit.Response { return s.Refresh(c, tok.Refresh) }))
	})
}

func TestNeverRepeat_A1_CO_03_ParallelRedemptions(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	code := s.Code(c)
	wantOneWinner(t, s, testkit.Parallel(64, func() *testkit.Response { return s.Exchange(c, c.CodeForm(code)...) }))
}

// wantOneWinner fails unless one response has tokens and all others are invalid_grant. The
// tokens must be revoked, because the other requests were replays.
func wantOneWinner(t *testing.T, s *testkit.Server, responses []*testkit.Response) {
	t.Helper()
	won := 0
	for _, a := range responses {
		if a.Status == http.StatusOK {
			won++
			s.WantAdmits(a.Tokens().Access, false, "of the first request, after the replays")
			continue
		}
		a.WantJSONError(400, "invalid_grant")
	}
	if won != 1 {
		t.Errorf("%d of %d requests with the same value got tokens, want 1", won, len(responses))
	}
	if len(testkit.EventsOf[passport.Replayed](s)) == 0 {
		t.Error("no Replayed event was published")
	}
	s.WantBlameless()
}

// RFC 6749 §6: the scope "MUST NOT include any scope not originally granted". The refresh
// token keeps the original scopes.
func TestToken_RT_06_ScopeOfARefresh(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	tok := s.GrantTokens(c, "scope", "read write")
	s.Refresh(c, tok.Refresh, "scope", "read admin").WantJSONError(400, "invalid_scope")
	s.Refresh(c, tok.Refresh, "scope", "admin").WantJSONError(400, "invalid_scope")
	narrow := s.Refresh(c, tok.Refresh, "scope", "write").Tokens()
	if got := s.Call(s.Guard(), "Authorization", "Bearer "+narrow.Access).Told().Scopes; strings.Join(got, " ") != "write" {
		t.Errorf("scopes of the narrowed token = %v, want only write", got)
	}
	whole := s.Refresh(c, narrow.Refresh).Tokens()
	if whole.Scope != "read write" {
		t.Errorf("scope after a narrowed refresh = %q, want read write", whole.Scope)
	}
}

// A refresh does not extend the family.
func TestToken_RT_07_AbsoluteExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, func(c *passport.Config) { c.FamilyTTL = 40 * 24 * time.Hour })
		c := s.Web()
		tok := s.GrantTokens(c)
		start := time.Now()
		for range 3 {
			time.Sleep(13 * 24 * time.Hour)
			tok = s.Refresh(c, tok.Refresh).Tokens()
		}
		time.Sleep(time.Until(start.Add(40*24*time.Hour - 10*time.Minute)))
		last := s.Refresh(c, tok.Refresh).Tokens()
		if stored, err := s.Store.RefreshToken(t.Context(), oauth.DigestOf(last.Refresh)); err != nil || stored.ExpiresAt.After(stored.Family.ExpiresAt) {
			t.Errorf("ExpiresAt of the refresh token = %v, %v, want at most the family's", stored.ExpiresAt, err)
		}
		if last.Expires != 600 {
			t.Errorf("expires_in ten minutes before the family ends = %d, want 600", last.Expires)
		}
		time.Sleep(10*time.Minute - time.Second)
		s.WantAdmits(last.Access, true, "a second before the family ends")
		time.Sleep(time.Second)
		s.WantAdmits(last.Access, false, "after the family has ended")
		s.Refresh(c, last.Refresh).WantJSONError(400, "invalid_grant")
	})
}

// The family of a browser application ends after 30 days, all others after a year.
func TestToken_BB_01_RT_07_FamilyOfABrowserApplication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		for c, want := range map[*testkit.Client]int{s.Spa(): 30, s.Web(): 365, s.Native(): 365} {
			tok := s.GrantTokens(c)
			days := 0
			for ; days < 400; days += 5 {
				time.Sleep(5 * 24 * time.Hour)
				a := s.Refresh(c, tok.Refresh)
				if a.Status != http.StatusOK {
					break
				}
				tok = a.Tokens()
			}
			if days+5 != want {
				t.Errorf("the family of a client with redirect URI %s ended within %d days, want %d", c.RedirectURIs[0], days+5, want)
			}
		}
	})
}

// An unused refresh token expires.
func TestToken_RT_07_IdleTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		c := s.Web()
		tok := s.GrantTokens(c)
		time.Sleep(30*24*time.Hour - time.Second)
		tok = s.Refresh(c, tok.Refresh).Tokens()
		time.Sleep(30 * 24 * time.Hour)
		s.Refresh(c, tok.Refresh).WantJSONError(400, "invalid_grant")
		if n := len(testkit.EventsOf[passport.Replayed](s)); n != 0 {
			t.Errorf("%d Replayed events for an expired refresh token, want none", n)
		}
	})
}
