package dbtest_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/laravelimport"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
)

// eachWay runs a test with every kind of database as the source, and with the same and
// another kind as the target.
func eachWay(t *testing.T, run func(t *testing.T, from, to sqldb.Dialect)) {
	for n, from := range dbtest.Dialects {
		for _, to := range []sqldb.Dialect{from, dbtest.Dialects[(n+1)%len(dbtest.Dialects)]} {
			t.Run(from.Name+" to "+to.Name, func(t *testing.T) {
				dbtest.Need(t, from)
				dbtest.Need(t, to)
				t.Parallel()
				run(t, from, to)
			})
		}
	}
}

// target returns an empty store with its tables.
func target(t testing.TB, d sqldb.Dialect) *sqlstore.Store {
	t.Helper()
	s := sqlstore.New(dbtest.Open(t, d), d)
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// imported is a copy of the installation in testdata and what was imported from it.
type imported struct {
	*testing.T
	laravel *sql.DB
	store   *sqlstore.Store
	config  laravelimport.Config
	at      time.Time
	m       manifest
}

func newImported(t *testing.T, from, to sqldb.Dialect) *imported {
	t.Helper()
	i := &imported{T: t, store: target(t, to), at: madeAt, m: readManifest(t)}
	i.config = fromLaravel(t, from, "", i.store)
	i.laravel = i.config.Source.DB
	i.config.Now = func() time.Time { return i.at }
	i.run()
	return i
}

// run imports, a minute later than the last time.
func (i *imported) run() *laravelimport.Report {
	i.Helper()
	i.at = i.at.Add(time.Minute)
	report, err := laravelimport.Run(i.Context(), i.config)
	if err != nil {
		i.Fatal(err)
	}
	return report
}

func (i *imported) jti(name string) string { return i.m.AccessTokens[name].Claims.JTI }

func (i *imported) refreshID(name string) string {
	return i.m.RefreshTokens[name].Plaintext["refresh_token_id"].(string)
}

// live reports whether guards would admit an access token.
func (i *imported) live(id string) bool {
	i.Helper()
	got, err := i.store.AccessToken(i.Context(), id)
	if errors.Is(err, oauth.ErrNotFound) {
		return false
	}
	if err != nil {
		i.Fatal(err)
	}
	return got.Live(i.at)
}

// refreshes reports whether a refresh token could be used.
func (i *imported) refreshes(name string) bool {
	i.Helper()
	d := oauth.ImportedDigest(oauth.SpendRefreshToken, i.refreshID(name))
	got, err := i.store.RefreshToken(i.Context(), d)
	if err == nil {
		return got.SpentAt.IsZero() && got.Family.Live(i.at) && i.at.Before(got.ExpiresAt)
	}
	if !errors.Is(err, oauth.ErrNotFound) {
		i.Fatal(err)
	}
	unowned, err := i.store.ImportedRefreshToken(i.Context(), d)
	return err == nil && unowned.RevokedAt.IsZero() && i.at.Before(unowned.ExpiresAt)
}

func (i *imported) consented(userID, clientID string) []string {
	i.Helper()
	c, err := i.store.Client(i.Context(), clientID)
	if err != nil {
		i.Fatal(err)
	}
	granted, _, err := i.store.Consented(i.Context(), oauth.UserRef{Provider: "users", ID: userID}, c)
	if err != nil {
		i.Fatal(err)
	}
	return granted
}

// sql changes the tables of Laravel.
func (i *imported) sql(q string) {
	i.Helper()
	run(i, i.laravel, q)
}

func TestLaravelImport_Imports(t *testing.T) {
	eachWay(t, func(t *testing.T, from, to sqldb.Dialect) {
		i := newImported(t, from, to)
		for name, want := range map[string]bool{
			"code_full": true, "password_star": true, "cc_both": true, "personal": true, "rotated_new": true, "implicit": true,
			"expired": false, "personal_revoked": false, "rotated_old": false, "client_deleted": false, "client_revoked_by_hand": false,
		} {
			if got := i.live(i.jti(name)); got != want {
				t.Errorf("access token %s is live = %v, want %v", name, got, want)
			}
		}
		for name, want := range map[string]bool{
			"rotated_new": true, "access_revoked_refresh_live": true, "access_row_missing": true, "expired": false, "rotated_old": false, "refresh_row_missing": false,
		} {
			if got := i.refreshes(name); got != want {
				t.Errorf("refresh token %s can be used = %v, want %v", name, got, want)
			}
		}
		if got := i.consented("1", "4"); len(got) != 2 {
			t.Errorf("user 1 has consented to %v at client 4, want both scopes", got)
		}
		if got := i.consented("1", "2"); len(got) > 0 {
			t.Errorf("user 1 has consented to %v at the password client, want nothing", got)
		}
		c := &oauth.Client{Name: "New", AuthMethod: oauth.AuthNone, CreatedAt: i.at}
		if err := i.store.CreateClient(t.Context(), c, nil); err != nil || c.ID != "14" {
			t.Errorf("CreateClient() after the import = %q, %v, want the number 14", c.ID, err)
		}
	})
}

// A repeated import adds what is new, and ends what Laravel has revoked, even if Laravel
// has deleted the rows since then.
func TestLaravelImport_Repeats(t *testing.T) {
	eachWay(t, func(t *testing.T, from, to sqldb.Dialect) {
		i := newImported(t, from, to)
		if report := i.run(); report.Ended != 0 {
			t.Errorf("Run() without a change ended %d records, want none", report.Ended)
		}
		if !i.live(i.jti("code_full")) || !i.refreshes("rotated_new") {
			t.Fatal("an import without a change ended tokens")
		}
		// Revoked, and purged.
		i.sql("DELETE FROM oauth_access_tokens WHERE id = '" + i.jti("password_star") + "'")
		i.sql("DELETE FROM oauth_refresh_tokens WHERE access_token_id = '" + i.jti("password_star") + "'")
		i.sql("DELETE FROM oauth_refresh_tokens WHERE id = '" + i.refreshID("access_row_missing") + "'")
		// Only the access token is purged: its refresh token is alive.
		i.sql("DELETE FROM oauth_access_tokens WHERE id = '" + i.jti("rotated_new") + "'")
		// Only the refresh token is deleted: its access token is alive.
		i.sql("DELETE FROM oauth_refresh_tokens WHERE id = '" + i.refreshID("code_check") + "'")
		// The user disconnects an app.
		i.sql("UPDATE oauth_access_tokens SET revoked = TRUE WHERE id = '" + i.jti("pkce_public") + "'")
		i.sql("UPDATE oauth_refresh_tokens SET revoked = TRUE WHERE access_token_id = '" + i.jti("pkce_public") + "'")
		i.sql("UPDATE oauth_access_tokens SET revoked = TRUE WHERE id = '" + i.jti("cc_star") + "'")
		i.sql("DELETE FROM oauth_clients WHERE id = 10")
		i.sql("UPDATE oauth_clients SET name = 'Renamed' WHERE id = 6")
		i.sql("INSERT INTO oauth_access_tokens (id, user_id, client_id, scopes, revoked, created_at, expires_at) VALUES ('00new', 2, 4, '[\"check-status\"]', FALSE, '2026-11-23 09:01:30', '2056-01-01 00:00:00')")

		report := i.run()
		if report.Ended < 4 {
			t.Errorf("Run() ended %d records, want at least 4", report.Ended)
		}
		for id, want := range map[string]bool{
			i.jti("password_star"): false, i.jti("rotated_new"): false, i.jti("pkce_public"): false, i.jti("cc_star"): false, "00new": true, i.jti("code_full"): true, i.jti("personal"): true, i.jti("code_check"): true,
		} {
			if got := i.live(id); got != want {
				t.Errorf("access token %.10s is live = %v, want %v", id, got, want)
			}
		}
		if !i.refreshes("rotated_new") {
			t.Error("a refresh token ended with its purged access token")
		}
		if i.refreshes("code_check") {
			t.Error("a refresh token that Laravel has deleted can be used, beside its live access token")
		}
		if i.refreshes("access_row_missing") {
			t.Error("a refresh token that Laravel has deleted can be used")
		}
		if got := i.consented("2", "5"); len(got) > 0 {
			t.Errorf("user 2 has consented to %v at the app that they disconnected, want nothing", got)
		}
		deleted, err := i.store.Client(t.Context(), "10")
		if err != nil || deleted.RevokedAt.IsZero() {
			t.Errorf("the client that Laravel has deleted = %+v, %v, want it revoked", deleted, err)
		}
		renamed, err := i.store.Client(t.Context(), "6")
		if err != nil || renamed.Name != "Renamed" {
			t.Errorf("the renamed client = %+v, %v", renamed, err)
		}
	})
}

// What was revoked here stays revoked.
func TestLaravelImport_KeepsWhatEndedHere(t *testing.T) {
	i := newImported(t, sqldb.SQLite, sqldb.SQLite)
	if err := i.store.RevokeToken(t.Context(), i.jti("code_full"), i.at, nil); err != nil {
		t.Fatal(err)
	}
	i.run()
	if i.live(i.jti("code_full")) {
		t.Error("an import revived a token that was revoked here")
	}
}

// A wrong URL, such as that of an empty database, must not end every token.
func TestLaravelImport_LP_1_AnotherSource(t *testing.T) {
	i := newImported(t, sqldb.SQLite, sqldb.SQLite)
	i.at = i.at.Add(time.Minute)
	right := i.config.Source
	i.config.Source = fromLaravel(t, sqldb.SQLite, "", i.store).Source
	run(t, i.config.Source.DB, "DELETE FROM oauth_clients")
	run(t, i.config.Source.DB, "DELETE FROM oauth_access_tokens")
	if _, err := laravelImport(t, i); err == nil || !strings.Contains(err.Error(), "none of the 10 clients") {
		t.Errorf("Run() from the database of another application = %v, want a refusal", err)
	}
	if !i.live(i.jti("rotated_new")) {
		t.Error("Run() from the database of another application ended a token")
	}
	i.config.Source = right
	if _, err := laravelImport(t, i); err != nil {
		t.Errorf("Run() from the right database afterwards = %v", err)
	}
}

// ordered is a target that notes whether the rows of an earlier import are compared while
// indexes may be missing.
type ordered struct {
	*sqlstore.Store
	writing, compared, early bool
}

func (o *ordered) DuringImport(ctx context.Context, phase func(string), write func(saveBatch) error) error {
	o.writing = true
	defer func() { o.writing = false }()
	return o.Store.DuringImport(ctx, phase, write)
}

func (o *ordered) EndUnseen(ctx context.Context, at time.Time) (int, error) {
	o.compared, o.early = true, o.early || o.writing
	return o.Store.EndUnseen(ctx, at)
}

// The import after a crash creates the dropped indexes before it looks up each token:
// without them that reads a whole table for each page.
func TestLaravelImport_LP_1_ComparesWithIndexes(t *testing.T) {
	i := newImported(t, sqldb.SQLite, sqldb.SQLite)
	o := &ordered{Store: i.store}
	i.config.Target, i.at = o, i.at.Add(time.Minute)
	if _, err := laravelImport(t, i); err != nil || !o.compared || o.early {
		t.Errorf("Run() = %v, compared with Laravel: %v, before the indexes were back: %v", err, o.compared, o.early)
	}
}

// MarkConsumed revokes in Laravel's tables what has ended here, and nothing else.
func TestLaravelImport_MarksConsumed(t *testing.T) {
	for _, d := range dbtest.Dialects {
		t.Run(d.Name, func(t *testing.T) {
			dbtest.Need(t, d)
			t.Parallel()
			i := newImported(t, d, sqldb.SQLite)
			if err := i.store.RevokeToken(t.Context(), i.jti("rotated_new"), i.at, nil); err != nil {
				t.Fatal(err)
			}
			if err := i.store.RevokeClient(t.Context(), "10", i.at, nil); err != nil {
				t.Fatal(err)
			}
			i.sql("UPDATE oauth_access_tokens SET expires_at = NULL WHERE id = '" + i.jti("rotated_new") + "'") // then the token has its only expiry
			i.sql("UPDATE oauth_refresh_tokens SET expires_at = NULL WHERE id = '" + i.refreshID("rotated_new") + "'")
			for n, want := range []laravelimport.Marked{{AccessTokens: 1, RefreshTokens: 1, Clients: 1}, {}} {
				got, err := laravelimport.MarkConsumed(t.Context(), i.config, i.laravel, func(int) {})
				if err != nil || got != want {
					t.Errorf("MarkConsumed(), call %d = %+v, %v, want %+v", n+1, got, err, want)
				}
			}
			for q, want := range map[string]int{
				"SELECT COUNT(*) FROM oauth_access_tokens WHERE id = '" + i.jti("rotated_new") + "' AND revoked = TRUE": 1,
				"SELECT COUNT(*) FROM oauth_clients WHERE id = 10 AND revoked = TRUE":                                   1,
				"SELECT COUNT(*) FROM oauth_clients WHERE revoked = TRUE":                                               4,
			} {
				var got int
				if err := i.laravel.QueryRow(q).Scan(&got); err != nil || got != want {
					t.Errorf("%s = %d, %v, want %d", q, got, err, want)
				}
			}
		})
	}
}

// laravelImport imports once more.
func laravelImport(t *testing.T, i *imported) (*laravelimport.Report, error) {
	t.Helper()
	return laravelimport.Run(t.Context(), i.config)
}

// After an interrupt, the state of the import says that it has not finished.
func TestLaravelImport_Interrupted(t *testing.T) {
	store := target(t, sqldb.SQLite)
	config := fromLaravel(t, sqldb.SQLite, "", store)
	if _, err := laravelimport.Last(t.Context(), store); !errors.Is(err, oauth.ErrNotFound) {
		t.Errorf("Last() before an import = %v, want ErrNotFound", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	config.Progress = func(int) { cancel() }
	if _, err := laravelimport.Run(ctx, config); !errors.Is(err, context.Canceled) {
		t.Fatalf("Run() with a canceled context = %v", err)
	}
	if _, err := laravelimport.Last(t.Context(), store); !errors.Is(err, laravelimport.ErrUnfinished) {
		t.Errorf("Last() after an interrupt = %v, want ErrUnfinished", err)
	}
	config.Progress = nil
	if _, err := laravelimport.Run(t.Context(), config); err != nil {
		t.Errorf("Run() after an interrupt = %v, want that it continues", err)
	}
	if _, err := laravelimport.Last(t.Context(), store); err != nil {
		t.Errorf("Last() = %v, want the report", err)
	}
}
