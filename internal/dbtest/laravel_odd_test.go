package dbtest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/laravelimport"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// Rows that can't be stored here are left out and counted: they don't stop an import
// after it has begun to write. The dry run counts the same.
func TestLaravelImport_LP_1_OddRows(t *testing.T) {
	for _, to := range dbtest.Dialects {
		t.Run(to.Name, func(t *testing.T) {
			dbtest.Need(t, to)
			t.Parallel()
			store := target(t, to)
			config := fromLaravel(t, sqldb.SQLite, "", store)
			db := config.Source.DB
			token := func(n int, user, client, scopes string) {
				run(t, db, "INSERT INTO oauth_access_tokens (id, user_id, client_id, name, scopes, revoked, created_at, updated_at, expires_at) VALUES (?, ?, ?, ?, ?, 0, '2026-11-22 10:00:00', NULL, '2027-11-22 10:00:00')",
					fmt.Sprintf("odd-%d", n), user, client, strings.Repeat("😀", 255), scopes)
				run(t, db, "INSERT INTO oauth_refresh_tokens (id, access_token_id, revoked, expires_at) VALUES (?, ?, 0, NULL)", fmt.Sprintf("r-odd-%d", n), fmt.Sprintf("odd-%d", n))
			}
			token(1, strings.Repeat("u", 300), "4", "[]")
			token(2, "1", "4", `["not admin","a\u0000b","`+strings.Repeat("s", 300)+`","check-status"]`)
			token(3, "1", "4", `{"1":"check-status","3":"place-orders"}`)
			token(4, "1", "4", `[["admin"],null]`)
			run(t, db, "INSERT INTO oauth_refresh_tokens (id, access_token_id, revoked, expires_at) VALUES ('r-long', ?, 0, NULL)", strings.Repeat("z", 300))
			run(t, db, "INSERT INTO oauth_auth_codes (id, user_id, client_id, scopes, revoked, expires_at) VALUES ('c-long', ?, 4, '[]', 0, NULL)", strings.Repeat("u", 300))
			run(t, db, "UPDATE oauth_clients SET name = ?, redirect = 'https://a.example/cb,http://b.example/cb' WHERE id = 6", "Shop\x1b[2J\nPay here")

			config.DryRun = true
			dry, err := laravelimport.Run(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			config.DryRun = false
			report, err := laravelimport.Run(t.Context(), config)
			if err != nil {
				t.Fatalf("Run() = %v, but the dry run found no fault", err)
			}
			if !slices.Equal(dry.LeftOut, report.LeftOut) {
				t.Errorf("the dry run left out %v, the import %v", dry.LeftOut, report.LeftOut)
			}
			for _, what := range []string{"access tokens", "refresh tokens", "authorization codes", "scopes of tokens"} {
				if !slices.ContainsFunc(report.LeftOut, func(l laravelimport.LeftOut) bool {
					return l.What == what && strings.Contains(l.Why, "stored") || l.What == "scopes of tokens"
				}) {
					t.Errorf("the report does not count the odd %s: %v", what, report.LeftOut)
				}
			}
			for _, note := range report.Notes {
				if strings.ContainsAny(note, "\n\x1b") {
					t.Errorf("the note %q has control characters: a client's name can imitate the report", note)
				}
			}
			checkOddScopes(t, store)
		})
	}
}

func checkOddScopes(t *testing.T, store oauth.Store) {
	t.Helper()
	for id, want := range map[string][]string{"odd-2": {"check-status"}, "odd-3": {"check-status", "place-orders"}, "odd-4": {}} {
		got, err := store.AccessToken(t.Context(), id)
		if err != nil || !slices.Equal(got.Scopes, want) {
			t.Errorf("scopes of %s = %v, %v, want %v: no text may become another scope", id, got, err, want)
		}
	}
}
