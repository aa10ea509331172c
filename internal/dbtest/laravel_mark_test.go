package dbtest_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/laravelimport"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// wantMarked calls MarkConsumed twice: the second call has nothing left to do.
func wantMarked(t *testing.T, c laravelimport.Config, want laravelimport.Marked) {
	t.Helper()
	for n, want := range []laravelimport.Marked{want, {}} {
		got, err := laravelimport.MarkConsumed(t.Context(), c, c.Source.DB, func(int) {})
		if err != nil || got != want {
			t.Errorf("MarkConsumed(), call %d = %+v, %v, want %+v", n+1, got, err, want)
		}
	}
}

// MarkConsumed finds the rows of an installation with UUIDs, and of one with a prefix. With
// a client, its access tokens end: Laravel's middleware for machines would accept them.
func TestLaravelImport_MarksConsumedWithOtherIDs(t *testing.T) {
	for _, d := range dbtest.Dialects {
		t.Run(d.Name, func(t *testing.T) {
			dbtest.Need(t, d)
			t.Parallel()
			t.Run("UUIDs", func(t *testing.T) {
				store := target(t, sqldb.SQLite)
				key, err := laravelimport.ParseAppKey(testkit.LaravelAppKey)
				must(t, err)
				c := laravelimport.Config{Source: openLaravel13(t, d), Target: store, Keys: laravelimport.Keys{App: []laravelimport.AppKey{key}}}
				_, err = laravelimport.Run(t.Context(), c)
				must(t, err)
				must(t, store.RevokeClient(t.Context(), uuidClient, time.Now(), nil))
				wantMarked(t, c, laravelimport.Marked{Clients: 1, AccessTokens: 2})
			})
			t.Run("a prefix", func(t *testing.T) {
				store := target(t, sqldb.SQLite)
				c := fromLaravel(t, d, "app_", store)
				_, err := laravelimport.Run(t.Context(), c)
				must(t, err)
				must(t, store.RevokeClient(t.Context(), "10", madeAt, nil))
				wantMarked(t, c, laravelimport.Marked{Clients: 1})
			})
		})
	}
}

// A refresh token whose access token Laravel had purged begins its family when it is used
// here. It stays used after a purge of that family: its row in Laravel is revoked.
func TestLaravelImport_MarksConsumedAfterAPurge(t *testing.T) {
	i := newImported(t, sqldb.SQLite, sqldb.SQLite)
	id := i.refreshID("access_row_missing")
	d := oauth.ImportedDigest(oauth.SpendRefreshToken, id)
	kept, err := i.store.ImportedRefreshToken(t.Context(), d)
	must(t, err)
	f := newFamily(oauth.ImportedFamilyID(id))
	f.ClientID, f.CreatedAt, f.ExpiresAt = "4", i.at, i.at.Add(24*time.Hour)
	must(t, i.store.BeginImported(t.Context(), d, f, []string{}, i.at))
	must(t, i.store.RevokeFamily(t.Context(), f.ID, i.at, nil))
	must(t, i.store.SetImportNote(t.Context(), oauth.ImportSwitched, i.at.Format(time.RFC3339Nano)))
	_, err = i.store.Purge(t.Context(), oauth.EndedBefore(i.at.Add(48*time.Hour)), 1000)
	must(t, err)
	if _, err := i.store.RefreshToken(t.Context(), d); !errors.Is(err, oauth.ErrNotFound) || !kept.ExpiresAt.After(i.at) {
		t.Fatalf("RefreshToken() after a purge = %v, want ErrNotFound, before the token ends at %v", err, kept.ExpiresAt)
	}
	got, err := laravelimport.MarkConsumed(t.Context(), i.config, i.laravel, func(int) {})
	if err != nil || got.RefreshTokens != 1 {
		t.Errorf("MarkConsumed() = %+v, %v, want the refresh token that was used here", got, err)
	}
}

// A database user that may not change Laravel's tables is told which permission is missing.
func TestLaravelImport_MarkConsumedNeedsPermission(t *testing.T) {
	i := newImported(t, sqldb.SQLite, sqldb.SQLite)
	must(t, i.store.RevokeClient(t.Context(), "10", i.at, nil))
	i.laravel.SetMaxOpenConns(1)
	i.sql("PRAGMA query_only = 1")
	_, err := laravelimport.MarkConsumed(t.Context(), i.config, i.laravel, func(int) {})
	if err == nil || !strings.Contains(err.Error(), "permission to UPDATE the table oauth_clients") {
		t.Errorf("MarkConsumed() with a user that can only read = %v, want an error that names the permission and the table", err)
	}
}

// MarkConsumed writes to no other application than the imported one: with numeric IDs, that
// has clients of the same IDs.
func TestLaravelImport_LP_3_MarkConsumedRefusesAnotherApplication(t *testing.T) {
	i := newImported(t, sqldb.SQLite, sqldb.SQLite)
	must(t, i.store.RevokeClient(t.Context(), "10", i.at, nil))
	key, err := laravelimport.ParseAppKey("base64:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
	must(t, err)
	for _, test := range []struct {
		what, want string
		keys       []laravelimport.AppKey
	}{
		{"the key of another application", "the application key is wrong", []laravelimport.AppKey{key}},
		{"no key", "the application key is missing", nil},
	} {
		other := fromLaravel(t, sqldb.SQLite, "", i.store)
		other.Keys.App = test.keys
		got, err := laravelimport.MarkConsumed(t.Context(), other, other.Source.DB, func(int) {})
		if err == nil || !strings.Contains(err.Error(), test.want) || got != (laravelimport.Marked{}) {
			t.Errorf("MarkConsumed() with %s = %+v, %v, want that it revokes nothing, and %q", test.what, got, err, test.want)
		}
	}
}
