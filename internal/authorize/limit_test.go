package authorize_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
)

// A user who allows a client again and again, in other browsers for example, is
// never refused: the oldest connections end.
func TestConsent_Bounds_OldestFamiliesEnd(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) { c.MaxFamiliesPerClient = 3 })
	web, other := s.Web(), s.Register(passport.Registration{Name: "Other"})
	elsewhere, personal := s.GrantTokens(other), s.Personal("read")
	var granted []string
	for range 5 {
		granted = append(granted, s.GrantTokens(web, "prompt", "consent").Access)
	}
	for i, access := range granted {
		s.WantAdmits(access, i >= 2, "one of five connections, of which three stay")
	}
	s.WantAdmits(elsewhere.Access, true, "of another client")
	s.WantAdmits(personal.AccessToken, true, "a personal access token")
	revoked := 0
	for _, r := range testkit.EventsOf[passport.Revoked](s) {
		if r.Reason == "too many at one client" && r.ClientID == web.ID && r.Families == 1 {
			revoked++
		}
	}
	if revoked != 2 {
		t.Errorf("%d events tell of one connection that ended, want 2: %+v", revoked, testkit.EventsOf[passport.Revoked](s))
	}
}

// A page that asks for codes and never redeems them takes no place of a connection.
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
			t.Errorf("events %+v, want none: no connection ended", events)
		}
	})
}
