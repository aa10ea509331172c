package dbtest_test

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/sqlstore"
)

// Each file that runs outside a transaction can run again from its start. No other file
// builds an index on a table of an earlier file or rewrites that table.
func TestMigrate_PostgresFilesBlockNoWrites(t *testing.T) {
	frozen := map[string]bool{secondMigration: true, thirdMigration: true}
	repeatable := regexp.MustCompile(`^(CREATE (UNIQUE )?INDEX (CONCURRENTLY )?IF NOT EXISTS|DROP INDEX (CONCURRENTLY )?IF EXISTS|CREATE TABLE IF NOT EXISTS|DROP TABLE IF EXISTS|ALTER TABLE \w+ (ADD COLUMN IF NOT EXISTS|DROP COLUMN IF EXISTS)) (\w+)`)
	comments := regexp.MustCompile(`(?m)^--.*\n`)
	for set, files := range map[string]fs.FS{"oauth": sqlstore.Migrations(sqldb.Postgres), "account": account.Migrations(sqldb.Postgres)} {
		names, err := fs.Glob(files, "*.sql")
		must(t, err)
		for _, name := range names[1:] {
			if frozen[name] {
				continue
			}
			content, err := fs.ReadFile(files, name)
			must(t, err)
			text := string(content)
			if strings.Contains(text, " STORED") {
				t.Errorf("%s, %s adds a stored column, which rewrites the table", set, name)
			}
			if !strings.Contains(text, "INDEX") {
				continue
			}
			if !strings.HasPrefix(text, "-- +goose NO TRANSACTION\n") {
				t.Errorf("%s, %s creates indexes: begin it with -- +goose NO TRANSACTION", set, name)
			}
			last := ""
			for statement := range strings.SplitSeq(text, ";\n") {
				statement = strings.TrimSpace(comments.ReplaceAllString(statement+"\n", ""))
				found := repeatable.FindStringSubmatch(statement)
				if statement != "" && found == nil {
					t.Errorf("%s, %s: a second run fails at\n%s", set, name, statement)
				}
				index, makes := strings.CutPrefix(statement, "CREATE INDEX CONCURRENTLY IF NOT EXISTS ")
				if makes && last != "DROP INDEX CONCURRENTLY IF EXISTS "+strings.Fields(index)[0] {
					t.Errorf("%s, %s: a second run keeps a broken index of\n%s", set, name, statement)
				}
				_, on, _ := strings.Cut(statement, " ON ")
				if strings.HasPrefix(statement, "CREATE") && on != "" && !makes && !strings.Contains(text, "CREATE TABLE IF NOT EXISTS "+strings.Fields(on)[0]+" ") {
					t.Errorf("%s, %s: this blocks writes, use CONCURRENTLY\n%s", set, name, statement)
				}
				last = statement
			}
		}
	}
}

// Tools such as goose run a failed file again.
func TestMigrate_FileRunsTwice(t *testing.T) {
	_, db := beforeBuilds(t)
	accounts := fstest.MapFS{}
	content, err := fs.ReadFile(account.Migrations(sqldb.Postgres), "0001_accounts.sql")
	must(t, err)
	accounts["0001_accounts.sql"] = &fstest.MapFile{Data: content}
	must(t, sqldb.New(db, sqldb.Postgres).Migrate(t.Context(), "account", accounts, nil))
	up, down := halves(t, sqldb.Postgres, fourthMigration)
	for _, name := range []string{"0002_field.sql", "0003_pages.sql", "0004_imports.sql"} {
		content, err = fs.ReadFile(account.Migrations(sqldb.Postgres), name)
		must(t, err)
		ofAccounts, downAccounts, _ := strings.Cut(string(content), "-- +goose Down")
		up = append(up, strings.Split(strings.TrimSpace(ofAccounts), ";\n")...)
		down = append(strings.Split(strings.TrimSpace(downAccounts), ";\n"), down...)
	}
	for range 2 {
		for _, half := range [][]string{up, up, down, down} {
			for _, statement := range half {
				mustExec(t, db, statement)
			}
		}
	}
	var found builds
	a, err := account.New(account.Config{DB: db, Dialect: sqldb.Postgres, Issuer: "https://auth.example"})
	must(t, err)
	must(t, a.Migrate(found.trace(t.Context())))
	if got := strings.Join(found.taken(), " "); got != "passport_sessions_seen_at passport_users_password_cost passport_sessions_listed" {
		t.Errorf("Migrate() of accounts of the older version builds %q, want all three indexes", got)
	}
}

// Files inside and outside a transaction run in the order of their names.
func TestMigrate_FilesInsideAndOutsideTransactions(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		raw := dbtest.Open(t, d)
		db := sqldb.New(raw, d)
		concurrently := ""
		if d == sqldb.Postgres {
			concurrently = "CONCURRENTLY IF NOT EXISTS "
		}
		outside := func(statements string) *fstest.MapFile {
			return &fstest.MapFile{Data: append([]byte("-- +goose NO TRANSACTION\n"), file(statements).Data...)}
		}
		files := fstest.MapFS{"0001_a.sql": file("CREATE TABLE first (a INTEGER NOT NULL);")}
		must(t, db.Migrate(t.Context(), "test", files, nil))
		files["0002_b.sql"] = file("ALTER TABLE first ADD COLUMN b INTEGER;")
		files["0003_c.sql"] = outside("CREATE INDEX " + concurrently + "first_b ON first (b);\nINSERT INTO first (a) VALUES (1);")
		files["0004_d.sql"] = file("ALTER TABLE first ADD COLUMN d INTEGER;")
		files["0005_e.sql"] = outside("CREATE INDEX " + concurrently + "first_d ON first (d);")
		files["0006_f.sql"] = file("NOT SQL;")
		if err := db.Migrate(t.Context(), "test", files, nil); err == nil || !strings.Contains(err.Error(), "0006_f.sql") {
			t.Fatalf("Migrate() = %v, want an error that names the broken file", err)
		}
		files["0006_f.sql"] = file("ALTER TABLE first ADD COLUMN f INTEGER;")
		must(t, db.Migrate(t.Context(), "test", files, nil))
		must(t, db.Migrated(t.Context(), "test", files))
		if n := count(t, raw, "first WHERE b IS NULL AND d IS NULL AND f IS NULL"); d == sqldb.Postgres && n != 1 {
			t.Errorf("the third file stored %d rows, want 1", n)
		}
	})
}
