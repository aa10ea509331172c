package dbtest_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
)

// `user apps` lists what the user sees, and `user remove-app` ends it, on every database.
func TestUserApps_PA_2_ListAndRemove(t *testing.T) {
	t.Chdir(t.TempDir())
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		databaseURL := dbtest.URL(t, d)
		db := dbtest.OpenURL(t, databaseURL)
		s := newSite(t, db, d, oauthIssuer)
		auth := newOAuthServer(t, migrated(t, db, d), func(c *passport.Config) { c.EnablePasswordGrant, c.Users = true, s.Accounts })
		ada := s.ada()
		run := func(want int, texts []string, args ...string) string {
			t.Helper()
			status, output := command(t, databaseURL, "", append([]string{"user"}, args...)...)
			for _, text := range texts {
				if status != want || !strings.Contains(output, text) {
					t.Errorf("user %q = %d %q, want %d and %q", args, status, output, want, text)
				}
			}
			return output
		}
		connect := func(name string) (oauthClient, string) {
			app := auth.register(passport.Registration{Name: name, GrantTypes: []string{"password", "refresh_token"}})
			return app, auth.ok(auth.post(app, "grant_type", "password", "username", "ada@example.com", "password", adasPassword, "scope", "read")).Access
		}
		run(0, []string{"No app can use the account Ada@example.com."}, "apps", "ada@example.com")
		tracker, tracked := connect("Order Tracker")
		_, other := connect("Other App")
		_, third := connect("Third App")

		run(0, []string{"NAME", "Order Tracker", "Other App", tracker.id}, "apps", "ada@example.com")
		var listed []struct {
			ClientID  string `json:"client_id"`
			Name      string
			Scopes    []string
			Since     string
			ExpiresAt string `json:"expires_at"`
		}
		if err := json.Unmarshal([]byte(run(0, []string{"[", "]"}, "apps", "ada@example.com", "--json")), &listed); err != nil || len(listed) != 3 {
			t.Fatalf("user apps --json has %+v, %v, want three apps", listed, err)
		}
		for _, a := range listed {
			if a.ClientID == "" || a.Name == "" || a.Since == "" || a.ExpiresAt == "" {
				t.Errorf("user apps --json has %+v, want every field", a)
			}
		}
		store := sqlstore.New(db, d)
		live, err := store.Connections(t.Context(), oauth.UserRef{Provider: passport.DefaultProvider, ID: ada.ID}, time.Now())
		must(t, err)
		must(t, store.SaveUses(t.Context(), []oauth.Use{{FamilyID: live[0].Family.ID, At: now, Address: "192.0.2.7", Agent: "curl/8.5.0"}}))
		run(0, []string{"LAST USED", now.Format("2006-01-02 15:04")}, "apps", "ada@example.com")
		run(0, []string{`"last_used_at":"` + now.Format(time.RFC3339) + `"`, `"last_used_address":"192.0.2.7"`, `"last_used_agent":"curl/8.5.0"`}, "apps", "ada@example.com", "--json")

		run(0, []string{`Removed the app "Order Tracker"`}, "remove-app", "ada@example.com", tracker.id)
		if auth.admits(tracked) || !auth.admits(other) {
			t.Error("the removed app still has access, or another app lost it")
		}
		run(1, []string{"no app with the client ID", "see `passport user apps"}, "remove-app", "ada@example.com", tracker.id)
		run(2, []string{"ID of the client is missing"}, "remove-app", "ada@example.com")
		run(2, []string{"unexpected argument"}, "remove-app", "ada@example.com", tracker.id, "--all")
		run(1, []string{"no account has the email address"}, "apps", "bob@example.com")
		run(0, []string{"Removed 2 apps of Ada@example.com."}, "remove-app", "ada@example.com", "--all")
		run(0, []string{"Removed 0 apps"}, "remove-app", "ada@example.com", "--all")
		if auth.admits(other) || auth.admits(third) {
			t.Error("a removed app still has access")
		}
	})
}
