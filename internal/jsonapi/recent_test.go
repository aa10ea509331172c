package jsonapi_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
)

// A browser that was left open creates no token, if the server requires a recent
// authentication. Lists, clients and the end of a token need none.
func TestPersonalTokensAPI_PA_7_RecentAuthentication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, func(c *passport.Config) { c.RequireRecentAuthentication = true })
		b := s.Browser().SignIn("alice")
		fields := map[string]any{"name": "CI", "scopes": []string{"read"}}
		made := b.Ask("POST", "/oauth/personal-access-tokens", fields)
		if made.Status != 200 {
			t.Fatalf("within ten minutes: %d %s, want a token", made.Status, made.Body)
		}
		time.Sleep(passport.RecentAuthentication + time.Second)
		late := b.Ask("POST", "/oauth/personal-access-tokens", fields)
		if late.Status != 423 || late.JSON()["message"] != "Password confirmation required." {
			t.Errorf("after ten minutes: %d %s, want 423", late.Status, late.Body)
		}
		if got := b.Ask("GET", "/oauth/personal-access-tokens").List(); len(got) != 1 {
			t.Errorf("the list has %d tokens, want the first one only", len(got))
		}
		id := made.JSON()["token"].(map[string]any)["id"].(string)
		if a := b.Ask("DELETE", "/oauth/personal-access-tokens/"+id); a.Status != 204 {
			t.Errorf("DELETE after ten minutes = %d, want 204", a.Status)
		}
		b.Create("App", "https://example.com/cb")
		b.SignIn("alice")
		if a := b.Ask("POST", "/oauth/personal-access-tokens", fields); a.Status != 200 {
			t.Errorf("after a new sign-in: %d %s, want a token", a.Status, a.Body)
		}
	})
}
