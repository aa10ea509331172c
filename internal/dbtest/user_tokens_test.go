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

// `user tokens` lists what the user sees, and `user revoke-token` ends it, on every
// database.
func TestUserTokens_PA_4_ListAndRevoke(t *testing.T) {
	t.Chdir(t.TempDir())
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		databaseURL := dbtest.URL(t, d)
		db := dbtest.OpenURL(t, databaseURL)
		s := newSite(t, db, d, oauthIssuer)
		auth := newOAuthServer(t, migrated(t, db, d), func(c *passport.Config) { c.Users = s.Accounts })
		ref := passport.UserRef{Provider: passport.DefaultProvider, ID: s.ada().ID}
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
		run(0, []string{"The account Ada@example.com has no personal access tokens."}, "tokens", "ada@example.com")
		first, err := auth.CreateToken(t.Context(), ref, "Backup", "read")
		must(t, err)
		second, err := auth.CreateToken(t.Context(), ref, "CI job")
		must(t, err)
		list := run(0, []string{"NAME", "Backup", "CI job", "read", first.Token.ID}, "tokens", "ada@example.com")
		if strings.Index(list, "CI job") > strings.Index(list, "Backup") || strings.Contains(list, first.AccessToken) {
			t.Errorf("user tokens prints %q, want the newest token first and no secret", list)
		}
		var listed []struct {
			ID        string
			Name      string
			Scopes    []string
			CreatedAt string `json:"created_at"`
			ExpiresAt string `json:"expires_at"`
		}
		if err := json.Unmarshal([]byte(run(0, []string{"["}, "tokens", "ada@example.com", "--json")), &listed); err != nil || len(listed) != 2 ||
			listed[1].ID != first.Token.ID || listed[1].Name != "Backup" || len(listed[1].Scopes) != 1 || listed[1].CreatedAt == "" || listed[1].ExpiresAt == "" {
			t.Errorf("user tokens --json has %+v, %v, want two tokens", listed, err)
		}
		must(t, sqlstore.New(db, d).SaveUses(t.Context(), []oauth.Use{{FamilyID: first.Token.Family.ID, At: now, Address: "192.0.2.7"}}))
		run(0, []string{"LAST USED", now.Format("2006-01-02 15:04")}, "tokens", "ada@example.com")
		run(0, []string{`"last_used_at":"` + now.Format(time.RFC3339) + `","last_used_address":"192.0.2.7"`}, "tokens", "ada@example.com", "--json")

		run(0, []string{`Revoked the token "Backup"`}, "revoke-token", "ada@example.com", first.Token.ID)
		if auth.admits(first.AccessToken) || !auth.admits(second.AccessToken) {
			t.Error("the revoked token still works, or another does not")
		}
		run(1, []string{"has no personal access token with the ID", "see `passport user tokens"}, "revoke-token", "ada@example.com", first.Token.ID)
		run(2, []string{"ID of the token is missing"}, "revoke-token", "ada@example.com")
	})
}
