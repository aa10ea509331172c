package authorize_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
)

// A user may allow a client again any number of times, for example in other browsers.
// The oldest connections end.
func TestConsent_Bounds_OldestFamiliesEnd(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) { c.MaxFamiliesPerClient = 3 })
	web, other := s.Web(), s.Register(passport.Registration{Name: "Other"})
	elsewhere, personal := s.GrantTokens(other), s.Personal("read")
	var granted []string
	for range 5 {
		granted = append(granted, s.GrantTokens(web, "prompt", "consent").Access)
	}
	for i, access := range granted {
		s.WantAdmits(access, i >= 2, "of five connections, three are kept")
	}
	s.WantAdmits(elsewhere.Access, true, "a token of another client")
	s.WantAdmits(personal.AccessToken, true, "a personal access token")
	revoked := 0
	for _, r := range testkit.EventsOf[passport.Revoked](s) {
		if r.Reason == "too many at one client" && r.ClientID == web.ID && r.Families == 1 {
			revoked++
		}
	}
	if revoked != 2 {
		t.Errorf("%d events about an ended connection, want 2: %+v", revoked, testkit.EventsOf[passport.Revoked](s))
	}
}

// Codes that are never redeemed don't count as connections.
func TestConsent_Bounds_AbandonedCodesEndNoFamily(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, func(c *passport.Config) { c.MaxFamiliesPerClient = 3 })
		web, b := s.Web(), s.Browser().SignIn("alice")
		phone := s.Redeem(web, b.Authorize(web).Allow().Code())
		for range 5 {
			time.Sleep(time.Second)
			if b.Authorize(web, "prompt", "none").Code() == "" {
				t.Fatal("a request with prompt=none got no code")
			}
		}
		time.Sleep(time.Hour) // all codes have expired
		s.Redeem(web, b.Authorize(web, "prompt", "consent").Allow().Code())
		if r := s.Refresh(web, phone.Refresh); r.Status != 200 {
			t.Errorf("refresh of the first of two connections = %d %s, want 200", r.Status, r.Body)
		}
		if events := testkit.EventsOf[passport.Revoked](s); len(events) != 0 {
			t.Errorf("events = %+v, want none, because no connection ended", events)
		}
	})
}
