package lastused_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/passporttest"
)

const api = "https://api.example.com"

// running runs the server's background work until the caller calls stop.
func running(s *testkit.Server) (stop func()) {
	s.T.Helper()
	ctx, cancel := context.WithCancel(s.T.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	synctest.Wait()
	return func() {
		cancel()
		if err := <-done; err != nil {
			s.T.Errorf("Run() = %v when its context ends, want nil", err)
		}
	}
}

// call sends a request with a token to an API behind a guard.
func call(s *testkit.Server, protect func(http.Handler) http.Handler, token string) *testkit.Response {
	r := testkit.NewGet(api + "/orders")
	r.RemoteAddr = "192.0.2.7:1234"
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("User-Agent", "curl/8.5.0")
	return s.CallWith(protect, r)
}

// used returns the last use of alice's only app.
func used(s *testkit.Server) *oauth.ConnectedApp {
	s.T.Helper()
	apps, err := s.ConnectedApps(s.T.Context(), testkit.Ref("alice"))
	if err != nil || len(apps) != 1 {
		s.T.Fatalf("ConnectedApps() = %d apps, %v, want 1", len(apps), err)
	}
	return apps[0]
}

// wantUsed compares the last use of alice's only app.
func wantUsed(s *testkit.Server, what string, at time.Time, address, agent string) {
	s.T.Helper()
	if a := used(s); !a.LastUsedAt.Equal(at) || a.LastUsedAddress != address || a.LastUsedAgent != agent {
		s.T.Errorf("%s: the last use is %s from %q by %q, want %s from %q by %q", what, a.LastUsedAt, a.LastUsedAddress, a.LastUsedAgent, at, address, agent)
	}
}

func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// What counts as a use: a request that a guard admits, a refresh, and an API's
// introspection. A refused request doesn't count.
func TestRun_PA_2_WhatCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, func(c *passport.Config) { c.Resources = []string{api} })
		c, other := s.Web(), s.API(testkit.Issuer)
		tok := s.GrantTokens(c, "scope", "read")
		stop := running(s)
		flushed := func() { time.Sleep(time.Minute + 10*time.Second) }

		call(s, s.Guard(guard.Scopes("write")), tok.Access).WantJSONError(403, "insufficient_scope")
		call(s, s.GuardClient(), tok.Access).WantJSONError(403, "insufficient_scope")
		s.Do(s.FormRequest(c, "/oauth/introspect", "token", tok.Access)).WantStatus(200) // a client about its own token
		s.Do(s.FormRequest(other, "/oauth/introspect", "token", tok.Refresh)).WantStatus(200)
		flushed()
		wantUsed(s, "after refused requests", time.Time{}, "", "")

		at := now()
		call(s, s.Guard(), tok.Access).Told()
		wantUsed(s, "before it is written", time.Time{}, "", "")
		flushed()
		wantUsed(s, "after a guarded request", at, "192.0.2.7", "curl/8.5.0")

		at = now()
		s.Do(s.FormRequest(other, "/oauth/introspect", "token", tok.Access)).WantStatus(200)
		flushed()
		wantUsed(s, "after the introspection of an API", at, "", "")

		at = now()
		r := s.FormRequest(c, "/oauth/token", "grant_type", "refresh_token", "refresh_token", tok.Refresh)
		r.Header.Set("User-Agent", "python-requests/2.32.5")
		s.Do(r).WantStatus(200)
		flushed()
		wantUsed(s, "after a refresh", at, used(s).LastUsedAddress, "python-requests/2.32.5")
		if used(s).LastUsedAddress == "" {
			t.Error("after a refresh the address is not known")
		}

		at = now() // Run writes once more when it ends
		call(s, s.Guard(), tok.Access).Told()
		stop()
		wantUsed(s, "after Run has ended", at, "192.0.2.7", "curl/8.5.0")
		time.Sleep(time.Hour / 2)
		call(s, s.Guard(), tok.Access).Told()
		running(s)()
		wantUsed(s, "after a use without Run", at, "192.0.2.7", "curl/8.5.0")
		s.WantBlameless()
	})
}

// Requests without a stored token aren't noted: those of a test, and those of the
// application's own pages.
func TestRun_PA_2_TokensThatAreNotStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		tok := s.GrantTokens(s.Web())
		stop := running(s)
		row := s.Row(tok.Access)
		s.CallWith(s.Guard(), passporttest.ActingAs(testkit.NewGet(api+"/orders"), &oauth.User{ID: row.Family.User.ID})).Told()
		stop()
		wantUsed(s, "after a request of a test", time.Time{}, "", "")
	})
}

// A personal access token shows its own use, and LastUsedTimeOnly hides from where.
func TestRun_PA_4_PersonalTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		token := s.Personal("read")
		use := func(s *testkit.Server) time.Time {
			stop := running(s)
			defer stop()
			call(s, s.Guard(), token.AccessToken).Told()
			return now()
		}
		want := func(s *testkit.Server, what string, at time.Time, address, agent string) {
			t.Helper()
			stored, err := s.Store.PersonalTokens(t.Context(), testkit.Ref("alice"))
			if err != nil || len(stored) != 1 || !stored[0].LastUsedAt.Equal(at) || stored[0].LastUsedAddress != address || stored[0].LastUsedAgent != agent {
				t.Errorf("%s: PersonalTokens() = %+v, %v, want a use at %s from %q by %q", what, stored, err, at, address, agent)
			}
		}
		at := use(s)
		want(s, "after a use", at, "192.0.2.7", "curl/8.5.0")
		private := s.Restart(func(c *passport.Config) { c.LastUsedTimeOnly = true })
		time.Sleep(time.Minute)
		at = use(private)
		want(private, "with LastUsedTimeOnly", at, "", "")
	})
}

// LastUsedTimeOnly hides what was stored before.
func TestConfig_PA_2_LastUsedTimeOnlyHidesOldAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		tok := s.GrantTokens(s.Web())
		stop := running(s)
		at := now()
		call(s, s.Guard(), tok.Access).Told()
		stop()
		wantUsed(s, "by default", at, "192.0.2.7", "curl/8.5.0")
		wantUsed(s.Restart(func(c *passport.Config) { c.LastUsedTimeOnly = true }), "with LastUsedTimeOnly", at, "", "")
	})
}

// powerless hides the optional powers of a store.
type powerless struct{ oauth.Store }

// Without the store's power nothing is noted.
func TestRun_PA_2_StoreWithoutThePower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, func(c *passport.Config) { c.Store = powerless{new(memstore.Store)} })
		tok := s.GrantTokens(s.Web())
		stop := running(s)
		call(s, s.Guard(), tok.Access).Told()
		stop()
		wantUsed(s, "with a store that keeps no uses", time.Time{}, "", "")
	})
}

// stuck is a store that does not respond.
type stuck struct{ *memstore.Store }

func (stuck) SaveUses(ctx context.Context, _ []oauth.Use) error {
	<-ctx.Done()
	return ctx.Err()
}

// A store that does not respond delays the end of Run by five seconds. What was lost is
// in the log.
func TestRun_PA_2_EndsWithoutTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, func(c *passport.Config) { c.Store = stuck{new(memstore.Store)} })
		tok := s.GrantTokens(s.Web())
		stop := running(s)
		call(s, s.Guard(), tok.Access).Told()
		began := time.Now()
		stop()
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("Run returned %v after its context ended, want 5 s", took)
		}
		s.WantLog("the last uses of tokens were not written, and are lost")
	})
}
