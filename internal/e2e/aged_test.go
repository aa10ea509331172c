package e2e_test

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the database of a server that the tests start
)

// age lets the users of a server have signed in earlier.
func (s *server) age(t *testing.T, by time.Duration) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.dir, "storage", "passport.sqlite")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), `UPDATE passport_sessions SET authenticated_at = authenticated_at - ?`, by.Microseconds()); err != nil {
		t.Fatalf("age the sessions: %v", err)
	}
}
