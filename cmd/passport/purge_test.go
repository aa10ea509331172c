package main_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
)

// aged stores access tokens that have ended in every way. Their names say how: "revoked
// 200h" was revoked 200 hours ago, long before it expires, and "expired 100h" has expired.
// A user's tokens end with their family.
func aged(t *testing.T, store *sqlstore.Store) {
	t.Helper()
	now := time.Now()
	client := &oauth.Client{ID: "export", Name: "Export", AuthMethod: oauth.AuthSecret, CreatedAt: now, Version: 1}
	if err := store.CreateClient(t.Context(), client, nil); err != nil {
		t.Fatal(err)
	}
	ada := oauth.UserRef{Provider: "users", ID: "42"}
	for _, hours := range []int{3, 100, 200} {
		ended := now.Add(-time.Duration(hours) * time.Hour)
		for _, of := range []string{"client's", "user's"} {
			for _, how := range []string{"revoked", "expired"} {
				token := &oauth.AccessToken{
					ID: fmt.Sprintf("%s %s %dh", of, how, hours), Client: client, IssuedAt: ended.Add(-time.Hour), ExpiresAt: now.Add(1000 * time.Hour),
				}
				if how == "expired" {
					token.ExpiresAt = ended
				}
				i := &oauth.Issuance{Time: token.IssuedAt, AccessToken: token}
				if of == "user's" {
					token.Family = &oauth.Family{ID: token.ID, User: ada, ClientID: client.ID, CreatedAt: token.IssuedAt, ExpiresAt: token.ExpiresAt}
					i.NewFamily = token.Family
				}
				if err := store.Issue(t.Context(), i); err != nil {
					t.Fatal(err)
				}
				if how == "expired" {
					continue
				}
				if err := store.RevokeToken(t.Context(), token.ID, ended, nil); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	live := &oauth.AccessToken{ID: "live", Client: client, IssuedAt: now, ExpiresAt: now.Add(time.Hour)}
	if err := store.Issue(t.Context(), &oauth.Issuance{Time: now, AccessToken: live}); err != nil {
		t.Fatal(err)
	}
}

var purged = regexp.MustCompile(`^Deleted [1-9]\d* rows\.\n$`)

// Each option of `passport purge` alone, and all together, as in the documentation of
// Laravel Passport.
func TestPurge_Options(t *testing.T) {
	tests := []struct {
		args string
		gone []string // how what is gone had ended
	}{
		{"", []string{"revoked 3h", "revoked 100h", "revoked 200h", "expired 200h"}},
		{"--hours 6", []string{"revoked 3h", "revoked 100h", "revoked 200h", "expired 100h", "expired 200h"}},
		{"--revoked", []string{"revoked 3h", "revoked 100h", "revoked 200h"}},
		{"--expired", []string{"expired 200h"}},
		{"--expired --hours 6", []string{"expired 100h", "expired 200h"}},
		{"--revoked --hours 6", []string{"revoked 3h", "revoked 100h", "revoked 200h"}},
		{"--revoked --expired", []string{"revoked 3h", "revoked 100h", "revoked 200h", "expired 200h"}},
		{"--revoked --expired --hours 0", []string{"revoked 3h", "revoked 100h", "revoked 200h", "expired 3h", "expired 100h", "expired 200h"}},
	}
	for _, test := range tests {
		t.Run("passport purge "+test.args, func(t *testing.T) {
			t.Chdir(t.TempDir())
			db := openDatabase(t, "passport.sqlite")
			store := sqlstore.New(db, sqlstore.SQLite)
			if err := store.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			aged(t, store)
			before := texts(t, db, `SELECT id FROM oauth_access_tokens ORDER BY id`)
			if len(before) != 13 {
				t.Fatalf("the test begins with %d tokens, want 13", len(before))
			}
			printed := command(t, "", append([]string{"purge", "--database-url", "sqlite:passport.sqlite"}, strings.Fields(test.args)...)...)
			if !purged.MatchString(printed) {
				t.Errorf("it printed %q, want the number of deleted rows", printed)
			}
			var want []string
			for _, id := range before {
				_, how, _ := strings.Cut(id, " ")
				if how == "" || !strings.Contains(strings.Join(test.gone, ","), how) {
					want = append(want, id)
				}
			}
			if got := texts(t, db, `SELECT id FROM oauth_access_tokens ORDER BY id`); strings.Join(got, ", ") != strings.Join(want, ", ") {
				t.Errorf("the remaining tokens are\n%s\nwant\n%s", strings.Join(got, ", "), strings.Join(want, ", "))
			}
			if again := command(t, "", append([]string{"purge", "--database-url", "sqlite:passport.sqlite"}, strings.Fields(test.args)...)...); !strings.HasPrefix(again, "Deleted 0 rows.") {
				t.Errorf("the second run printed %q, want nothing left to delete", again)
			}
		})
	}
}
