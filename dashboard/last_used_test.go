package dashboard_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/dashboard"
	"github.com/go-passport/passport/oauth"
)

// uses stores the last use of a family.
func (s *site) uses(family string, ago time.Duration, address, agent string) {
	s.T.Helper()
	store, ok := oauth.StoreAs[oauth.LastUsedStore](s.Config.Store)
	if !ok {
		s.T.Fatal("the store keeps no uses")
	}
	err := store.SaveUses(s.T.Context(), []oauth.Use{{FamilyID: family, At: time.Now().Add(-ago), Address: address, Agent: agent}})
	if err != nil {
		s.T.Fatal(err)
	}
}

// Both lists show the last use that is known. Without one they say nothing, not "never".
func TestLastUsed_PA_2_PA_4(t *testing.T) {
	const note = "an API that checks tokens by itself doesn’t report them"
	s := newSite(t, dashboard.Config{})
	v := s.visitor("alice")
	c := s.Register(named("Order Tracker"))
	connected := s.Row(v.connect(c, "read").Access)
	personal := s.Personal("read").Token
	for _, path := range []string{"/account", "/account/tokens", "/account/remove?client=" + c.ID} {
		page := v.get(path)
		shows(t, page, http.StatusOK)
		hides(t, page, "used", "never", "Never", note)
	}
	s.uses(connected.Family.ID, 3*time.Minute, "192.0.2.7", "curl/8.5.0")
	s.uses(personal.Family.ID, 50*time.Hour, "2001:db8::1", "")
	shows(t, v.get("/account"), http.StatusOK, "Last used 3 minutes ago from 192.0.2.7 by curl/8.5.0 .", note)
	shows(t, v.get("/account/remove?client="+c.ID), http.StatusOK, "Last used 3 minutes ago from 192.0.2.7 by curl/8.5.0 .")
	tokens := v.get("/account/tokens")
	shows(t, tokens, http.StatusOK, "Last used 2 days ago from 2001:db8::1.", note)
	hides(t, tokens, "192.0.2.7")
	shows(t, v.get("/account/tokens/revoke?token_id="+personal.ID), http.StatusOK, "Last used 2 days ago from 2001:db8::1.")

	s.uses(connected.Family.ID, 0, "<b>", "<script>x</script>\u202e")
	hostile := v.get("/account")
	shows(t, hostile, http.StatusOK, "Last used just now from <b> by <script>x</script>")
	if strings.Contains(hostile.Body, "<script>x") || strings.Contains(hostile.Body, "from <b>") || strings.Contains(hostile.Body, "\u202e") {
		t.Errorf("a text of a store is not escaped:\n%s", hostile.Body)
	}
	private := siteOf(t, s.Restart(func(c *passport.Config) { c.LastUsedTimeOnly = true }), dashboard.Config{})
	v = private.visitor("alice")
	shows(t, v.get("/account"), http.StatusOK, "Last used just now .")
	shows(t, v.get("/account/tokens"), http.StatusOK, "Last used 2 days ago .")
}
