package dbtest_test

import (
	"database/sql"
	"errors"
	"slices"
	"testing"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
)

// indexes returns the names of the indexes of the store's tables.
func indexes(t *testing.T, db *sql.DB, d sqldb.Dialect) []string {
	t.Helper()
	return column(t, db, map[string]string{
		"sqlite":   `SELECT name FROM sqlite_master WHERE type = 'index' ORDER BY name`,
		"postgres": `SELECT indexname FROM pg_indexes WHERE schemaname = current_schema() ORDER BY indexname`,
		"mysql":    `SELECT DISTINCT index_name FROM information_schema.statistics WHERE table_schema = DATABASE() ORDER BY index_name`,
	}[d.Name])
}

// An import drops indexes only while it fills an empty database. They come back after a
// failure, and after a crash with the next import.
func TestImport_CreatesItsIndexesAgain(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		t.Parallel()
		db := dbtest.Open(t, d)
		s := migrated(t, db, d)
		all := indexes(t, db, d)
		failed := errors.New("failed")
		var during int
		count := func(result error) func(saveBatch) error {
			return func(saveBatch) error {
				during = len(indexes(t, db, d))
				return result
			}
		}
		if err := s.DuringImport(t.Context(), noPhase, count(failed)); !errors.Is(err, failed) {
			t.Errorf("DuringImport() = %v, want the error of the import", err)
		}
		if drops := d.Name != sqldb.MySQL.Name; drops != (during < len(all)) {
			t.Errorf("%d of %d indexes exist during the import into an empty %s database", during, len(all), d.Name)
		}
		if got := indexes(t, db, d); !slices.Equal(got, all) {
			t.Errorf("the indexes after a failed import are %v, want %v", got, all)
		}
		func() {
			defer func() { _ = recover() }() // as if the program was killed
			_ = s.DuringImport(t.Context(), noPhase, func(saveBatch) error { panic("killed") })
		}()
		if err := s.DuringImport(t.Context(), noPhase, count(nil)); err != nil {
			t.Fatal(err)
		}
		if got := indexes(t, db, d); !slices.Equal(got, all) {
			t.Errorf("the indexes after the import that follows a crash are %v, want %v", got, all)
		}
		keepAToken(t, s)
		if err := s.DuringImport(t.Context(), noPhase, count(nil)); err != nil || during != len(all) {
			t.Errorf("DuringImport() with tokens = %v with %d indexes, want all %d", err, during, len(all))
		}
	})
}

func keepAToken(t *testing.T, s *sqlstore.Store) {
	t.Helper()
	f := &oauth.Family{ID: oauth.ImportedFamilyID("a"), User: alice, ClientID: "c", CreatedAt: now, ExpiresAt: now}
	must(t, s.Import(t.Context(), &oauth.ImportBatch{Families: []*oauth.Family{f}}))
}
