package main_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
)

// changeDatabase runs a statement in the default database.
func changeDatabase(t *testing.T, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join("storage", "passport.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(statement)
	if closed := db.Close(); err != nil || closed != nil {
		t.Fatal(err, closed)
	}
}

// A table or column is missing although the migrations were applied.
func TestMigrate_MissingTablesAndColumns(t *testing.T) {
	for _, statement := range []string{
		"DROP TABLE oauth_access_tokens", "ALTER TABLE oauth_families RENAME COLUMN revoked_at TO hidden",
		"DROP TABLE passport_sign_in_attempts", "ALTER TABLE passport_users DROP COLUMN name",
	} {
		t.Run(statement, func(t *testing.T) {
			t.Chdir(t.TempDir())
			command(t, "", "migrate")
			changeDatabase(t, statement)
			for _, args := range [][]string{{"migrate"}, {"serve", "--listen", "127.0.0.1:0"}} {
				status, said := tried(t, nil, args...)
				if status != 1 || !strings.Contains(said, "is missing") || !strings.Contains(said, "restore it from a backup") {
					t.Errorf("%s: %v ended with %d and printed\n%s\nwant 1, what is missing and what to do", statement, args, status, said)
				}
				if strings.Contains(said, "up to date") || strings.Contains(said, "Store:") {
					t.Errorf("%s: %v printed\n%s\nwant neither that the tables are up to date nor the field Store", statement, args, said)
				}
			}
		})
	}
}

// Already the first response of /readyz is "not ready". The log says why.
func TestServe_LogsTheFirstFailureOfAProbe(t *testing.T) {
	t.Chdir(t.TempDir())
	s := start(t, nil, "serve")
	changeDatabase(t, "ALTER TABLE oauth_families RENAME TO hidden")
	failures := func() int { return strings.Count(s.log.String(), `level=ERROR msg=`) }
	for range 3 {
		if status, said := probe(t, s, "/readyz"); status != 503 {
			t.Fatalf("/readyz = %d %s, want 503", status, said)
		}
	}
	if n := failures(); n != 1 || !strings.Contains(s.log.String(), "is missing") {
		t.Errorf("after three probes the log says %d times that the server is not ready, want once and why:\n%s", n, s.log)
	}
	changeDatabase(t, "ALTER TABLE hidden RENAME TO oauth_families")
	_, _ = probe(t, s, "/readyz")
	changeDatabase(t, "ALTER TABLE oauth_families RENAME TO hidden")
	_, _ = probe(t, s, "/readyz")
	if n := failures(); n != 2 {
		t.Errorf("after a second failure the log says %d times that the server is not ready, want 2:\n%s", n, s.log)
	}
}
