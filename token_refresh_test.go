package passport_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// RFC 6749 §6: "the refresh token is bound to the client to which it was issued".
func TestToken_RT_01_BoundToTheClient(t *testing.T) {
	s := newServer(t)
	c, other := s.web(), s.web()
	tok := s.grantTokens(c)
	s.refresh(other, tok.Refresh).wantJSONError(400, "invalid_grant")
	s.refresh(s.spa(), tok.Refresh).wantJSONError(400, "invalid_grant")
	next := s.refresh(c, tok.Refresh).tokens()
	if next.Refresh == tok.Refresh || next.Access == tok.Access {
		t.Error("a refresh gave the same tokens again")
	}
}

// RFC 9700 §2.2.2: those of public clients rotate; here all do.
func TestToken_RT_02_Rotation(t *testing.T) {
	s := newServer(t)
	for name, c := range map[string]*client{"public": s.spa(), "native": s.native(), "confidential": s.web()} {
		seen := map[string]bool{}
		tok := s.grantTokens(c)
		for range 5 {
			if seen[tok.Refresh] {
				t.Errorf("%s: a refresh token came twice", name)
			}
			seen[tok.Refresh] = true
			tok = s.refresh(c, tok.Refresh).tokens()
		}
		s.wantAdmits(tok.Access, true, name)
	}
}

// RFC 9700 §4.14.2: a refresh token that comes again tells of a thief, and
// nobody knows which of the two it is.
func TestNeverRepeat_D9_RT_03_ReuseEndsTheFamily(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, tt := range map[string]struct {
			grace time.Duration
			wait  time.Duration
			steps int // how often the token was refreshed since
		}{
			"without a grace":                {-1, 0, 1},
			"after the grace":                {0, 10 * time.Second, 1},
			"weeks later":                    {0, 20 * 24 * time.Hour, 1},
			"within the grace, two steps on": {0, 0, 2},
			"five steps on":                  {0, 0, 5},
		} {
			s := newServer(t, withAudit, func(c *passport.Config) { c.RefreshTokenGrace = tt.grace })
			c := s.web()
			stolen := s.grantTokens(c)
			tok := stolen
			for range tt.steps {
				tok = s.refresh(c, tok.Refresh).tokens()
			}
			time.Sleep(tt.wait)
			s.refresh(c, stolen.Refresh).wantJSONError(400, "invalid_grant")
			s.refresh(c, tok.Refresh).wantJSONError(400, "invalid_grant")
			s.wantAdmits(tok.Access, false, name)
			s.wantAdmits(stolen.Access, false, name)
			if got := eventsOf[passport.Replayed](s); len(got) != 1 || got[0].What != oauth.SpendRefreshToken || got[0].Family.User != ref("alice") {
				t.Errorf("%s: events of the reuse = %+v, want one that names the user", name, got)
			}
			s.wantAudit("token.replayed", 1)
			s.wantBlameless()
		}
	})
}

// A request that is sent again because its answer was lost gets the same answer.
func TestToken_RT_04_TheSamePairWithinTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := watched(t)
		c := s.web()
		tok := s.grantTokens(c, "scope", "read write")
		first := s.refresh(c, tok.Refresh, "scope", "read").tokens()
		issued := store.count("Issue")
		for range 3 {
			time.Sleep(3 * time.Second)
			again := s.refresh(c, tok.Refresh, "scope", "read").tokens()
			if again.Refresh != first.Refresh {
				t.Error("a retry got another refresh token")
			}
			want, got := claimsOf(t, first.Access), claimsOf(t, again.Access)
			for _, name := range []string{"jti", "iat", "exp", "scope", "sub", "client_id", "aud", "iss", "auth_time"} {
				if got[name] != want[name] {
					t.Errorf("the retry's access token has %s %v, the first had %v", name, got[name], want[name])
				}
			}
			if again.Scope != first.Scope || again.Expires > first.Expires {
				t.Errorf("the retry was told scope %q and %d seconds, want %q and at most %d", again.Scope, again.Expires, first.Scope, first.Expires)
			}
			s.wantAdmits(again.Access, true, "of a retry")
		}
		if n := store.count("Issue") - issued; n != 0 {
			t.Errorf("%d retries wrote %d times, want nothing written", 3, n)
		}
		if n := len(eventsOf[passport.Replayed](s)); n != 0 {
			t.Errorf("retries within the grace raised %d alarms", n)
		}
		next := s.refresh(c, first.Refresh).tokens() // life goes on
		s.wantAdmits(next.Access, true, "of the refresh after the retries")
	})
}

// An access token that lives shorter than the grace is not handed out dead.
func TestToken_RT_04_RetryOfWhatHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, func(c *passport.Config) { c.AccessTokenTTL = 2 * time.Second })
		c := s.web()
		tok := s.grantTokens(c)
		next := s.refresh(c, tok.Refresh).tokens()
		time.Sleep(time.Second)
		s.refresh(c, tok.Refresh).tokens()
		time.Sleep(time.Second)
		s.refresh(c, tok.Refresh).wantJSONError(400, "invalid_grant")
		s.refresh(c, next.Refresh).tokens() // and nothing was revoked for it
	})
}

// Within the grace too, what is no retry of that request gets nothing; but it
// revokes nothing either, for the client may have asked for two things at once.
func TestToken_RT_04_ARetryThatDiffers(t *testing.T) {
	s := newServer(t, func(c *passport.Config) { c.Resources = []string{"https://api.example.com"} })
	c, other := s.web(), s.web()
	tok := s.grantTokens(c, "scope", "read write", "resource", "https://api.example.com")
	first := s.refresh(c, tok.Refresh, "scope", "read").tokens()
	s.refresh(c, tok.Refresh).wantJSONError(400, "invalid_grant")
	s.refresh(c, tok.Refresh, "scope", "write").wantJSONError(400, "invalid_grant")
	s.refresh(c, tok.Refresh, "scope", "read write").wantJSONError(400, "invalid_grant")
	s.refresh(c, tok.Refresh, "scope", "read", "resource", issuer).wantJSONError(400, "invalid_target")
	s.refresh(other, tok.Refresh, "scope", "read").wantJSONError(400, "invalid_grant")
	if again := s.refresh(c, tok.Refresh, "scope", "read", "resource", "https://api.example.com").tokens(); again.Refresh != first.Refresh {
		t.Error("a retry that names the only resource is not taken for the same request")
	}
	params := c.request("prompt", "consent")
	params["resource"] = []string{"https://api.example.com", issuer}
	both := s.redeem(c, s.browser().signIn("alice").get("/oauth/authorize?"+params.Encode()).allow().code())
	s.refresh(c, both.Refresh).tokens()
	s.refresh(c, both.Refresh, "resource", issuer).wantJSONError(400, "invalid_grant")
	s.refresh(c, both.Refresh).tokens()
	if n := len(eventsOf[passport.Replayed](s)); n != 0 {
		t.Errorf("retries that differ raised %d alarms", n)
	}
	s.refresh(c, first.Refresh).tokens()
}

// The grace is for the immediate predecessor, of a family that lives.
func TestNeverRepeat_D5_GraceOfTheDead(t *testing.T) {
	for name, end := range map[string]func(*server, *client) error{
		"revoked":  func(s *server, _ *client) error { return s.RevokeUser(s.t.Context(), ref("alice")) },
		"user":     func(s *server, _ *client) error { s.users.remove("alice"); return nil },
		"withdrew": func(s *server, c *client) error { return s.Withdraw(s.t.Context(), ref("alice"), c.ID) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			c := s.web()
			tok := s.grantTokens(c)
			next := s.refresh(c, tok.Refresh).tokens()
			if err := end(s, c); err != nil {
				t.Fatal(err)
			}
			s.refresh(c, tok.Refresh).wantJSONError(400, "invalid_grant")
			s.refresh(c, next.Refresh).wantJSONError(400, "invalid_grant")
		})
	}
	t.Run("older generation", func(t *testing.T) {
		s := newServer(t)
		c := s.web()
		first := s.grantTokens(c)
		second := s.refresh(c, first.Refresh).tokens()
		third := s.refresh(c, second.Refresh).tokens()
		s.refresh(c, second.Refresh).tokens() // the immediate one may come again
		s.refresh(c, first.Refresh).wantJSONError(400, "invalid_grant")
		s.wantAdmits(third.Access, false, "after the first of three generations came again")
	})
}

// 64 at once: with the grace all get the same pair, without it one gets a pair
// and the others tell of a theft.
func TestNeverRepeat_A1_RT_05_ParallelRefreshes(t *testing.T) {
	t.Run("grace", func(t *testing.T) {
		s := newServer(t)
		c := s.web()
		tok := s.grantTokens(c)
		refreshTokens := map[string]int{}
		for _, a := range parallel(64, func() *answer { return s.refresh(c, tok.Refresh) }) {
			got := a.tokens()
			refreshTokens[got.Refresh]++
			s.wantAdmits(got.Access, true, "of one of 64 refreshes")
		}
		if len(refreshTokens) != 1 {
			t.Errorf("64 refreshes of one token gave %d successors, want 1", len(refreshTokens))
		}
		if n := len(eventsOf[passport.RefreshTokenIssued](s)); n != 2 {
			t.Errorf("refresh tokens were issued %d times, want 2: the first and its successor", n)
		}
	})
	t.Run("no grace", func(t *testing.T) {
		s := newServer(t, func(c *passport.Config) { c.RefreshTokenGrace = -1 })
		c := s.web()
		tok := s.grantTokens(c)
		wantOneWinner(t, s, parallel(64, func() *answer { return s.refresh(c, tok.Refresh) }))
	})
}

func TestNeverRepeat_A1_CO_03_ParallelRedemptions(t *testing.T) {
	s := newServer(t)
	c := s.web()
	code := s.code(c)
	wantOneWinner(t, s, parallel(64, func() *answer { return s.exchange(c, c.codeForm(code)...) }))
}

// wantOneWinner fails unless one answer is tokens, and all others say
// invalid_grant; and the tokens are dead by now, for somebody sent a value that
// was spent.
func wantOneWinner(t *testing.T, s *server, answers []*answer) {
	t.Helper()
	won := 0
	for _, a := range answers {
		if a.status == http.StatusOK {
			won++
			s.wantAdmits(a.tokens().Access, false, "of the one who came first, once the others had come")
			continue
		}
		a.wantJSONError(400, "invalid_grant")
	}
	if won != 1 {
		t.Errorf("%d of %d requests with one value got tokens, want exactly one", won, len(answers))
	}
	if len(eventsOf[passport.Replayed](s)) == 0 {
		t.Error("nobody was told of the replay")
	}
	s.wantBlameless()
}

// parallel does something n times at once.
func parallel[T any](n int, f func() T) []T {
	results := make([]T, n)
	var start, done sync.WaitGroup
	start.Add(1)
	for i := range results {
		done.Go(func() {
			start.Wait()
			results[i] = f()
		})
	}
	start.Done()
	done.Wait()
	return results
}

// RFC 6749 §6: the scope "MUST NOT include any scope not originally granted", and
// the refresh token keeps what was.
func TestToken_RT_06_ScopeOfARefresh(t *testing.T) {
	s := newServer(t)
	c := s.web()
	tok := s.grantTokens(c, "scope", "read write")
	s.refresh(c, tok.Refresh, "scope", "read admin").wantJSONError(400, "invalid_scope")
	s.refresh(c, tok.Refresh, "scope", "admin").wantJSONError(400, "invalid_scope")
	narrow := s.refresh(c, tok.Refresh, "scope", "write").tokens()
	if got := s.call(s.Guard(), "Authorization", "Bearer "+narrow.Access).told().Scopes; strings.Join(got, " ") != "write" {
		t.Errorf("the narrowed token carries %v, want write alone", got)
	}
	whole := s.refresh(c, narrow.Refresh).tokens()
	if whole.Scope != "read write" {
		t.Errorf("after a narrowed refresh the next has scope %q, want all that was granted", whole.Scope)
	}
}

// No refresh moves the end of a family.
func TestToken_RT_07_AbsoluteExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, func(c *passport.Config) { c.FamilyTTL = 40 * 24 * time.Hour })
		c := s.web()
		tok := s.grantTokens(c)
		start := time.Now()
		for range 3 {
			time.Sleep(13 * 24 * time.Hour)
			tok = s.refresh(c, tok.Refresh).tokens()
		}
		time.Sleep(time.Until(start.Add(40*24*time.Hour - 10*time.Minute)))
		last := s.refresh(c, tok.Refresh).tokens()
		if stored, err := s.store.RefreshToken(t.Context(), oauth.DigestOf(last.Refresh)); err != nil || stored.ExpiresAt.After(stored.Family.ExpiresAt) {
			t.Errorf("the refresh token is stored until %v, %v; want it to end with its family", stored.ExpiresAt, err)
		}
		if last.Expires != 600 {
			t.Errorf("ten minutes before the family ends an access token is said to live %d seconds, want 600", last.Expires)
		}
		time.Sleep(10*time.Minute - time.Second)
		s.wantAdmits(last.Access, true, "a second before the family ends")
		time.Sleep(time.Second)
		s.wantAdmits(last.Access, false, "after the family has ended")
		s.refresh(c, last.Refresh).wantJSONError(400, "invalid_grant")
	})
}

// The family of a browser application ends after 30 days, that of others after
// a year.
func TestToken_BB_01_RT_07_FamilyOfABrowserApplication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		for c, want := range map[*client]int{s.spa(): 30, s.web(): 365, s.native(): 365} {
			tok := s.grantTokens(c)
			days := 0
			for ; days < 400; days += 5 {
				time.Sleep(5 * 24 * time.Hour)
				a := s.refresh(c, tok.Refresh)
				if a.status != http.StatusOK {
					break
				}
				tok = a.tokens()
			}
			if days+5 != want {
				t.Errorf("the family of a client with redirect URI %s ended within %d days, want %d", c.RedirectURIs[0], days+5, want)
			}
		}
	})
}

// What lies unused ends too.
func TestToken_RT_07_IdleTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		c := s.web()
		tok := s.grantTokens(c)
		time.Sleep(30*24*time.Hour - time.Second)
		tok = s.refresh(c, tok.Refresh).tokens()
		time.Sleep(30 * 24 * time.Hour)
		s.refresh(c, tok.Refresh).wantJSONError(400, "invalid_grant")
		if n := len(eventsOf[passport.Replayed](s)); n != 0 {
			t.Errorf("a refresh token that has expired raised %d alarms", n)
		}
	})
}
