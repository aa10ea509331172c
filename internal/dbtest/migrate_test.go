package dbtest_test

import (
	"database/sql"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/sqlstore"
)

func everyStore(t *testing.T, run func(t *testing.T, d sqldb.Dialect)) {
	t.Helper()
	for _, d := range dbtest.Dialects {
		t.Run(d.Name, func(t *testing.T) { run(t, d) })
	}
}

// Several nodes that start at the same time must all find the tables created.
func TestMigrate_FourNodesAtOnce(t *testing.T) {
	const nodes = 4
	for _, test := range []struct {
		name    string
		dialect sqldb.Dialect
		params  []string
	}{
		{"sqlite", sqldb.SQLite, nil},
		{"postgres", sqldb.Postgres, nil},
		{"postgres serializable", sqldb.Postgres, []string{"default_transaction_isolation=serializable"}},
		{"mysql", sqldb.MySQL, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			for range 3 {
				databaseURL := dbtest.URL(t, test.dialect, test.params...)
				errs := make(chan error, nodes)
				for range nodes {
					s := sqlstore.New(dbtest.OpenURL(t, databaseURL), test.dialect)
					go func() { errs <- s.Migrate(t.Context()) }()
				}
				for range nodes {
					if err := <-errs; err != nil {
						t.Errorf("Migrate() concurrent with three others = %v, want nil", err)
					}
				}
				s := sqlstore.New(dbtest.OpenURL(t, databaseURL), test.dialect)
				if err := s.Migrate(t.Context()); err != nil {
					t.Errorf("second Migrate() = %v, want nil", err)
				}
				if err := s.Check(t.Context()); err != nil {
					t.Errorf("Check() after Migrate() = %v, want nil", err)
				}
			}
		})
	}
}

// Migrate does not change a database of Laravel Passport or of other software.
func TestMigrate_RefusesTablesOfOthers(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		db := dbtest.Open(t, d)
		db.SetMaxOpenConns(1)
		mustExec(t, db, `CREATE TABLE oauth_clients (id INTEGER NOT NULL, secret VARCHAR(100))`)
		mustExec(t, db, `INSERT INTO oauth_clients (id, secret) VALUES (1, 'theirs')`)
		err := sqlstore.New(db, d).Migrate(t.Context())
		if err == nil || !strings.Contains(err.Error(), "oauth_clients") || !strings.Contains(err.Error(), "rename") {
			t.Errorf("Migrate() = %v, want an error with the table and the fix", err)
		}
		if got := tables(t, db, d); len(got) > 2 || !got["oauth_clients"] {
			t.Errorf("tables afterwards = %v, want them unchanged", got)
		}
		mustExec(t, db, `DROP TABLE oauth_clients`)
		if err := sqlstore.New(db, d).Migrate(t.Context()); err != nil {
			t.Errorf("Migrate() after the table was dropped = %v, want nil", err)
		}
	})
}

func file(statements string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte("-- +goose Up\n" + statements + "\n-- +goose Down\nDROP TABLE first;\n")}
}

// A file that fails half-way is rolled back. On MySQL the next run continues it.
func TestMigrate_FailsHalfWay(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		raw := dbtest.Open(t, d)
		db := sqldb.New(raw, d)
		const good = "CREATE TABLE first (a INTEGER NOT NULL); -- a comment\n-- another one; with a semicolon\nCREATE INDEX first_a\n  ON first (a);\n"
		broken := fstest.MapFS{"0001_first.sql": file(good + "CREATE TABLE second (a NO_SUCH_TYPE(1, 2, 3) NOT;\n")}
		err := db.Migrate(t.Context(), "test", broken, []string{"first", "second"})
		if err == nil || !strings.Contains(err.Error(), "0001_first.sql") {
			t.Fatalf("Migrate() of a broken file = %v, want an error that names it", err)
		}
		if d != sqldb.MySQL && tables(t, raw, d)["first"] {
			t.Error("a failed file left a table behind")
		}
		if err := db.Migrated(t.Context(), "test", broken); err == nil {
			t.Error("Migrated() of a failed file = nil, want an error")
		}
		fixed := fstest.MapFS{"0001_first.sql": file(good + "CREATE TABLE second (a INTEGER NOT NULL);\nINSERT INTO second (a) VALUES (1);")}
		for range 2 {
			if err := db.Migrate(t.Context(), "test", fixed, []string{"first", "second"}); err != nil {
				t.Fatalf("Migrate() of the fixed file = %v", err)
			}
		}
		if err := db.Migrated(t.Context(), "test", fixed); err != nil {
			t.Errorf("Migrated() of the fixed file = %v, want nil", err)
		}
		var n int
		if err := raw.QueryRow(`SELECT COUNT(*) FROM second`).Scan(&n); err != nil || n != 1 {
			t.Errorf("the table has %d rows, %v, want 1 because its file ran once", n, err)
		}
	})
}

// Sets are independent, and a later version adds files.
func TestMigrate_SetsAndVersions(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		raw := dbtest.Open(t, d)
		raw.SetMaxOpenConns(1)
		db := sqldb.New(raw, d)
		one := fstest.MapFS{"0001_a.sql": file("CREATE TABLE first (a INTEGER NOT NULL);")}
		two := fstest.MapFS{"0001_a.sql": one["0001_a.sql"], "0002_b.sql": file("-- +goose StatementBegin\nCREATE TABLE second (a\nINTEGER NOT NULL);\n-- +goose StatementEnd")}
		other := fstest.MapFS{"0001_a.sql": file("CREATE TABLE third (a INTEGER NOT NULL);")}
		for _, step := range []struct {
			set   string
			files fs.FS
			table string
		}{{"one", one, "first"}, {"other", other, "third"}, {"one", two, "second"}} {
			if err := db.Migrated(t.Context(), step.set, step.files); err == nil || !strings.Contains(err.Error(), "passport migrate") {
				t.Errorf("Migrated() before %s = %v, want an error with the command to run", step.table, err)
			}
			if err := db.Migrate(t.Context(), step.set, step.files, []string{step.table}); err != nil {
				t.Fatalf("Migrate() for %s = %v", step.table, err)
			}
			if !tables(t, raw, d)[step.table] {
				t.Errorf("table %s does not exist after Migrate()", step.table)
			}
		}
	})
}

// An application may apply our files with its own migration tool.
func TestMigrate_ByAnotherTool(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		db := dbtest.Open(t, d)
		s := sqlstore.New(db, d)
		for _, up := range []bool{true, false} {
			files, err := fs.Glob(sqlstore.Migrations(d), "*.sql")
			if err != nil || len(files) < 2 {
				t.Fatalf("Migrations() has %v, %v, want at least 2 files", files, err)
			}
			if !up {
				slices.Reverse(files)
			}
			for _, path := range files {
				content, err := fs.ReadFile(sqlstore.Migrations(d), path)
				half, down, _ := strings.Cut(string(content), "-- +goose Down")
				if !up {
					half = down
				}
				for statement := range strings.SplitSeq(half, ";\n") {
					if strings.TrimSpace(statement) != "" && err == nil {
						_, err = db.Exec(statement)
					}
				}
				if err != nil {
					t.Fatalf("%s, up %v: %v", path, up, err)
				}
			}
			if err := s.Check(t.Context()); (err == nil) != up {
				t.Errorf("Check() after the migrations, up = %v: %v, want nil only after up", up, err)
			}
		}
		if left := tables(t, db, d); len(left) > 0 {
			t.Errorf("tables after the down migrations = %v, want none", left)
		}
	})
}

func mustExec(t testing.TB, db *sql.DB, q string, args ...any) {
	t.Helper()
	if _, err := db.Exec(q, args...); err != nil {
		t.Fatalf("%s: %v", q, err)
	}
}

// tables returns the names of the database's tables.
func tables(t testing.TB, db *sql.DB, d sqldb.Dialect) map[string]bool {
	t.Helper()
	q := map[string]string{
		"sqlite":   `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`,
		"postgres": `SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()`,
		"mysql":    `SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()`,
	}[d.Name]
	rows, err := db.Query(q)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	found := map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		found[name] = true
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}
