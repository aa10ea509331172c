package upkeep_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// run does the server's background work for the duration d.
func run(s *testkit.Server, d time.Duration) {
	s.T.Helper()
	ctx, stop := context.WithTimeout(s.T.Context(), d)
	defer stop()
	if err := s.Run(ctx); err != nil {
		s.T.Errorf("Run() = %v when its context ends, want nil", err)
	}
}

// wantLive fails the test unless exactly the families of the newest tokens are live.
func wantLive(s *testkit.Server, tokens []string, newest int, what string) {
	s.T.Helper()
	for i, token := range tokens {
		want := i >= len(tokens)-newest
		if live := s.Row(token).Family.RevokedAt.IsZero(); live != want {
			s.T.Errorf("%s: family %d of %d is live: %t, want %t", what, i+1, len(tokens), live, want)
		}
	}
}

// Run also ends the oldest families that began without a consent page.
func TestRun_Bounds_EndsTheOldestFamilies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, testkit.WithPasswords, testkit.WithAudit, func(c *passport.Config) {
			c.MaxFamiliesPerClient, c.Grants = 3, []oauth.Grant{testkit.Voucher{}}
		})
		web, legacy, kiosk, few := s.Web(), s.Legacy(), s.Kiosk("refresh_token"), s.Legacy()
		b := s.Browser().SignIn("alice")
		began := map[string][]string{}
		begins := func(what string, tokens *testkit.Tokens) { began[what] = append(began[what], tokens.Access) }
		begins("remembered consents", s.Redeem(web, b.Authorize(web).Allow().Code()))
		for i := range 5 {
			time.Sleep(time.Second)
			if i > 0 {
				begins("remembered consents", s.Redeem(web, b.Authorize(web, "prompt", "none").Code()))
			}
			begins("the password grant", s.SignIn(legacy, "alice", testkit.PasswordOf("alice")).Tokens())
			begins("an application's grant", s.Exchange(kiosk, "grant_type", testkit.VoucherType, "voucher", fmt.Sprint("alice-", i)).Tokens())
			begins("personal access tokens", &testkit.Tokens{Access: s.Personal("read").AccessToken})
		}
		for range 3 {
			begins("no more than the limit", s.SignIn(few, "alice", testkit.PasswordOf("alice")).Tokens())
		}
		for what, tokens := range began {
			if what == "personal access tokens" {
				continue // opaque, and checked below
			}
			wantLive(s, tokens, len(tokens), what+", before Run")
		}
		run(s, 2*time.Hour)
		for what, want := range map[string]int{
			"remembered consents": 3, "the password grant": 3, "an application's grant": 3, "no more than the limit": 3,
		} {
			wantLive(s, began[what], want, what)
		}
		for _, token := range began["personal access tokens"] {
			s.WantAdmits(token, true, "a personal access token")
		}
		s.WantAudit("tokens.revoked", 3)
		for _, e := range testkit.EventsOf[passport.Revoked](s) {
			if e.Reason != "too many at one client" || e.User != testkit.Ref("alice") || e.ClientID == few.ID || e.Families == 0 {
				t.Errorf("an event is %+v, want alice, one of the three clients above the limit, and the number of families", e)
			}
		}
		if n := len(testkit.EventsOf[passport.Revoked](s)); n != 3 {
			t.Errorf("%d events, want 1 for each user and client, also after a second run", n)
		}
	})
}

// After a restart, a run finds the families that began shortly before the previous
// run ended. A negative setting ends no families.
func TestRun_Bounds_AcrossRestarts(t *testing.T) {
	for limit, want := range map[int]int{2: 2, -1: 5} {
		synctest.Test(t, func(t *testing.T) {
			s := testkit.NewServer(t, testkit.WithPasswords, func(c *passport.Config) { c.MaxFamiliesPerClient = limit })
			c := s.Legacy()
			run(s, time.Hour+time.Minute)
			var began []string
			for range 5 {
				time.Sleep(time.Second)
				began = append(began, s.SignIn(c, "alice", testkit.PasswordOf("alice")).Tokens().Access)
			}
			run(s.Restart(), time.Hour+time.Minute)
			wantLive(s, began, want, fmt.Sprintf("with a limit of %d", limit))
		})
	}
}

// faulty is a store whose first AboveFamilyLimit fails.
type faulty struct {
	*memstore.Store
	calls int
}

func (f *faulty) AboveFamilyLimit(ctx context.Context, keep int, since, at time.Time) iter.Seq2[*oauth.FamilyLimit, error] {
	if f.calls++; f.calls > 1 {
		return f.Store.AboveFamilyLimit(ctx, keep, since, at)
	}
	return func(yield func(*oauth.FamilyLimit, error) bool) { yield(nil, errors.New("unreachable")) }
}

// Run logs a fault, and the next run finds the same families.
func TestRun_Bounds_AfterAFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &faulty{Store: new(memstore.Store)}
		s := testkit.NewServer(t, testkit.WithPasswords, func(c *passport.Config) { c.MaxFamiliesPerClient, c.Store = 1, store })
		c := s.Legacy()
		var began []string
		for range 3 {
			time.Sleep(time.Second)
			began = append(began, s.SignIn(c, "alice", testkit.PasswordOf("alice")).Tokens().Access)
		}
		run(s, 2*time.Hour)
		wantLive(s, began, 1, "after a fault and a run")
		s.WantLog("the oldest families above the limit were not ended", "unreachable", `"users":1`)
		if store.calls != 2 {
			t.Errorf("Run searched %d times in two hours, want once an hour", store.calls)
		}
	})
}
