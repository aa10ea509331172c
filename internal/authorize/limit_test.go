package authorize_test

import (
	"testing"

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
		if r.Reason == "too many at one client" && r.ClientID == web.ID {
			revoked++
		}
	}
	if revoked != 2 {
		t.Errorf("%d events tell of connections that ended, want 2", revoked)
	}
}
