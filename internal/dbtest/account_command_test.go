package dbtest_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/console"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// command runs a command of the binary on a database. It returns the exit status and
// all output.
func command(t *testing.T, databaseURL, stdin string, args ...string) (status int, output string) {
	t.Helper()
	var out bytes.Buffer
	cmd := console.New(console.Options{Env: []string{
		"PASSPORT_DATABASE_URL=" + databaseURL, "PASSPORT_ISSUER=" + oauthIssuer, "PASSPORT_LOG_LEVEL=debug",
	}})
	cmd.SetIn(strings.NewReader(stdin))
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(args)
	status = console.Run(t.Context(), cmd)
	return status, out.String()
}

// `user set-password` ends all sessions, and the tokens of apps, on every database.
// Personal access tokens stay.
func TestUserSetPassword_PG_04_EndsSessionsAndTokens(t *testing.T) {
	t.Chdir(t.TempDir())
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		databaseURL := dbtest.URL(t, d)
		db := dbtest.OpenURL(t, databaseURL)
		s := newSite(t, db, d, oauthIssuer)
		auth := newOAuthServer(t, migrated(t, db, d), func(c *passport.Config) { c.EnablePasswordGrant, c.Users = true, s.Accounts })
		ada, here, there := s.ada(), s.visitor("192.0.2.1"), s.visitor("192.0.2.2")
		app := auth.register(passport.Registration{Name: "app", GrantTypes: []string{"password", "refresh_token"}})
		auth.register(passport.Registration{Name: "personal", GrantTypes: []string{"personal_access"}})
		here.signIn("ada@example.com", adasPassword)
		there.signIn("ada@example.com", adasPassword)
		here.mustBe(ada)
		there.mustBe(ada)
		tok := auth.ok(auth.post(app, "grant_type", "password", "username", "ada@example.com", "password", adasPassword))
		personal, err := auth.CreatePersonalToken(t.Context(), passport.PersonalToken{User: oauth.UserRef{Provider: passport.DefaultProvider, ID: ada.ID}, Name: "script"})
		must(t, err)

		status, output := command(t, databaseURL, "canary-of-a-password\n", "user", "set-password", "ADA@example.com", "--password-stdin")
		if status != 0 || strings.Contains(output, "canary") || !strings.Contains(output, "All sessions have ended") {
			t.Fatalf("user set-password = %d %q, want 0 and no password", status, output)
		}
		here.mustBeSignedOut("the password was set")
		there.mustBeSignedOut("the password was set")
		if auth.admits(tok.Access) {
			t.Error("the guard admits an app's token from before the password was set")
		}
		if r := auth.post(app, "grant_type", "refresh_token", "refresh_token", tok.Refresh); r.Error != "invalid_grant" {
			t.Errorf("refresh after the password was set: %d %s, want invalid_grant", r.status, r.body)
		}
		if !auth.admits(personal.AccessToken) {
			t.Error("the guard refuses a personal access token after the password was set, want it admitted")
		}
		if w := here.signIn("ada@example.com", adasPassword); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("sign-in with the old password: status %d, want 422", w.Code)
		}
		here.signIn("ada@example.com", "canary-of-a-password")
		here.mustBe(ada)
	})
}
