package dbtest_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
)

// saveBatch is what an import stores its batches with.
type saveBatch = func(context.Context, *oauth.ImportBatch) error

func noPhase(string) {}

// stages returns the tables in which an import has put rows aside.
func stages(t *testing.T, db *sql.DB, d sqldb.Dialect) []string {
	t.Helper()
	return column(t, db, map[string]string{
		"sqlite":   `SELECT name FROM sqlite_temp_master WHERE name LIKE 'oauth_staged_%'`,
		"postgres": `SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(current_schema()) AND relname LIKE 'oauth_staged_%'`,
		"mysql":    `SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name LIKE 'oauth_staged_%'`,
	}[d.Name])
}

// stagedBatch has a family with a refresh token, and a consent that other batches repeat.
func stagedBatch(name string) *oauth.ImportBatch {
	f := newFamily(oauth.ImportedFamilyID(name))
	return &oauth.ImportBatch{
		Families:      []*oauth.Family{f},
		AccessTokens:  []*oauth.AccessToken{{ID: name, Client: &oauth.Client{ID: "c"}, Family: f, Scopes: []string{}, IssuedAt: now, ExpiresAt: now.Add(time.Hour)}},
		RefreshTokens: []*oauth.RefreshToken{{Digest: oauth.ImportedDigest(oauth.SpendRefreshToken, name), AccessTokenID: name, Family: f, Scopes: []string{"a"}, ExpiresAt: now.Add(time.Hour)}},
		Consents:      []oauth.ImportedConsent{{User: f.User, ClientID: "c", Scopes: []string{"a", "b"}, GrantedAt: now}},
	}
}

// An import into an empty database puts rows with random keys aside, and stores all of
// them at its end, each once: also after an import that failed or was killed, and if it
// is repeated. Nothing is left aside.
func TestImport_StoresWhatItPutAside(t *testing.T) {
	failed := errors.New("failed")
	before := map[string]func(*testing.T, *sqlstore.Store, func(saveBatch) error){
		"the first import": func(*testing.T, *sqlstore.Store, func(saveBatch) error) {},
		"after a failure": func(t *testing.T, s *sqlstore.Store, write func(saveBatch) error) {
			err := s.DuringImport(t.Context(), noPhase, func(save saveBatch) error { return errors.Join(write(save), failed) })
			if !errors.Is(err, failed) {
				t.Errorf("DuringImport() = %v, want the error of the import", err)
			}
		},
		"after a crash": func(t *testing.T, s *sqlstore.Store, write func(saveBatch) error) {
			defer func() { _ = recover() }() // as if the program was killed
			_ = s.DuringImport(t.Context(), noPhase, func(save saveBatch) error { _ = write(save); panic("killed") })
		},
		"after a crash of a repeated import": func(t *testing.T, s *sqlstore.Store, write func(saveBatch) error) {
			must(t, s.DuringImport(t.Context(), noPhase, write))
			defer func() { _ = recover() }()
			_ = s.DuringImport(t.Context(), noPhase, func(save saveBatch) error { _ = write(save); panic("killed") })
		},
	}
	names := strings.Fields("k b x a z m")
	for when, prepare := range before {
		t.Run(when, func(t *testing.T) {
			everyStore(t, func(t *testing.T, d sqldb.Dialect) {
				t.Parallel()
				db := dbtest.Open(t, d)
				s := migrated(t, db, d)
				write := func(save saveBatch) error {
					for _, name := range names {
						if err := save(t.Context(), stagedBatch(name)); err != nil {
							return err
						}
					}
					return nil
				}
				prepare(t, s, write)
				for again := range 2 {
					var phases []string
					if err := s.DuringImport(t.Context(), func(what string) { phases = append(phases, what) }, write); err != nil {
						t.Fatalf("import %d = %v", again+1, err)
					}
					if sorts := strings.Join(phases, ", ") == "sorting what was read, creating indexes"; again == 1 && len(phases) > 0 || when == "the first import" && again == 0 && sorts != (d.Name != sqldb.MySQL.Name) {
						t.Errorf("import %d into %s has the phases %q, want those of the work that it does", again+1, d.Name, phases)
					}
					wantStored(t, s, db, names)
					if left := stages(t, db, d); len(left) > 0 {
						t.Errorf("import %d leaves the tables %v", again+1, left)
					}
				}
			})
		})
	}
}

// wantStored checks that the batches were stored.
func wantStored(t *testing.T, s *sqlstore.Store, db *sql.DB, names []string) {
	t.Helper()
	status, err := s.ImportStatus(t.Context(), now)
	if err != nil || status.AccessTokens != len(names) || status.RefreshTokens != len(names) {
		t.Errorf("ImportStatus() = %+v, %v, want %d access tokens and as many refresh tokens", status, err, len(names))
	}
	for _, name := range names {
		r, err := s.RefreshToken(t.Context(), oauth.ImportedDigest(oauth.SpendRefreshToken, name))
		if err != nil || r.AccessTokenID != name || !r.Family.Live(now) || len(r.Scopes) != 1 || !r.SpentAt.IsZero() {
			t.Errorf("the refresh token of %s = %+v, %v, want it as it was imported", name, r, err)
		}
	}
	if scopes := column(t, db, `SELECT scope FROM oauth_consents ORDER BY scope`); strings.Join(scopes, " ") != "a b" {
		t.Errorf("the consents have the scopes %v, want a and b, each once", scopes)
	}
}

// A PostgreSQL server that was killed empties its unlogged tables. An import does not
// succeed without their rows.
func TestImport_NoticesRowsThatTheDatabaseLost(t *testing.T) {
	for _, d := range []sqldb.Dialect{sqldb.SQLite, sqldb.Postgres} {
		t.Run(d.Name, func(t *testing.T) {
			dbtest.Need(t, d)
			db := dbtest.Open(t, d)
			s := migrated(t, db, d)
			err := s.DuringImport(t.Context(), noPhase, func(save saveBatch) error {
				must(t, save(t.Context(), stagedBatch("a")))
				_, err := db.ExecContext(t.Context(), `DELETE FROM oauth_staged_refresh_tokens`)
				return err
			})
			if err == nil || !strings.Contains(err.Error(), "lost 1 of 1 rows") || !strings.Contains(err.Error(), "run the import again") {
				t.Errorf("DuringImport() = %v, want an error that says what was lost and what to do", err)
			}
			must(t, s.DuringImport(t.Context(), noPhase, func(save saveBatch) error { return save(t.Context(), stagedBatch("a")) }))
			if _, err := s.RefreshToken(t.Context(), oauth.ImportedDigest(oauth.SpendRefreshToken, "a")); err != nil {
				t.Errorf("the refresh token after another import: %v", err)
			}
		})
	}
}
