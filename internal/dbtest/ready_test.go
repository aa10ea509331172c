package dbtest_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/sqlstore"
)

// columnsOf returns the columns of our tables, as table.column.
func columnsOf(t *testing.T, db *sql.DB, d sqldb.Dialect) (columns []string) {
	t.Helper()
	all := column(t, db, map[string]string{
		"sqlite":   `SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'`,
		"postgres": `SELECT c.table_name || '.' || c.column_name FROM information_schema.columns c WHERE c.table_schema = current_schema()`,
		"mysql":    `SELECT CONCAT(c.table_name, '.', c.column_name) FROM information_schema.columns c WHERE c.table_schema = DATABASE()`,
	}[d.Name])
	for _, c := range all {
		if strings.HasPrefix(c, "oauth_") || strings.HasPrefix(c, "passport_") && !strings.HasPrefix(c, "passport_migrations.") {
			columns = append(columns, c)
		}
	}
	if len(columns) < 60 {
		t.Fatalf("found %d columns, want at least 60: %q", len(columns), columns)
	}
	return columns
}

// If any table or column is missing, neither the server nor the accounts are ready.
// They are ready again after it is restored.
func TestReady_FR_43_EveryTableAndColumn(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		db := dbtest.Open(t, d)
		server := newOAuthServer(t, migrated(t, db, d))
		accounts, err := account.New(account.Config{DB: db, Dialect: d, Issuer: "https://auth.example.com"})
		must(t, err)
		must(t, accounts.Migrate(t.Context()))
		probes := map[string]func(context.Context) error{"oauth_": server.Ready, "passport_": accounts.Ready}
		lost := func(what, name, remove, restore string) {
			t.Helper()
			prefix, _, _ := strings.Cut(name, "_")
			ready := probes[prefix+"_"]
			must(t, ready(t.Context()))
			mustExec(t, db, remove)
			err := ready(t.Context())
			mustExec(t, db, restore)
			if err == nil || !strings.Contains(err.Error(), "restore it from a backup") {
				t.Errorf("Ready() without the %s %s = %v, want an error with the fix", what, name, err)
			}
		}
		done := map[string]bool{}
		for n, c := range columnsOf(t, db, d) {
			if d == sqldb.MySQL && n%10 > 0 { // each takes 0.2 s; see TestReady_FR_43_Cost
				continue
			}
			table, name, _ := strings.Cut(c, ".")
			rename := "ALTER TABLE " + table + " RENAME COLUMN %s TO %s"
			lost("column", c, fmt.Sprintf(rename, name, "lost"), fmt.Sprintf(rename, "lost", name))
			if !done[table] {
				done[table] = true
				lost("table", table, "ALTER TABLE "+table+" RENAME TO lost", "ALTER TABLE lost RENAME TO "+table)
			}
		}
		for prefix, ready := range probes {
			if err := ready(t.Context()); err != nil {
				t.Errorf("Ready() with all tables %s restored = %v, want nil", prefix, err)
			}
		}
		mustExec(t, db, "DROP TABLE oauth_access_tokens")
		if err := server.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "oauth_access_tokens") {
			t.Errorf("Ready() after DROP TABLE oauth_access_tokens = %v, want an error that names it", err)
		}
	})
}

// A node of a new version isn't ready before the database is migrated.
func TestReady_FR_43_AMigrationIsMissing(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		db := dbtest.Open(t, d)
		firstVersion(t, db, d)
		if err := sqlstore.New(db, d).Check(t.Context()); err == nil || !strings.Contains(err.Error(), `lacks the migration `+secondMigration) ||
			!strings.Contains(err.Error(), `"passport migrate"`) {
			t.Errorf("Check() of the first version = %v, want an error with %s and the fix", err, secondMigration)
		}
	})
}

// A probe costs a few statements, reads none of our rows, and writes nothing.
func TestReady_FR_43_Cost(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		db, counter := dbtest.Count(t, dbtest.URL(t, d))
		server := newOAuthServer(t, migrated(t, db, d))
		must(t, server.Ready(t.Context()))
		counter.Take()
		must(t, server.Ready(t.Context()))
		took := counter.Take()
		if took.Statements > 7 || took.Transactions > 0 {
			t.Errorf("Ready() takes %d statements and %d transactions, want at most 7 and none: %q", took.Statements, took.Transactions, took.Texts)
		}
		all := strings.Join(took.Texts, "\n")
		for _, c := range columnsOf(t, db, d) {
			if strings.HasPrefix(c, "oauth_") && !strings.Contains(all, c) {
				t.Errorf("Ready() does not check the column %s", c)
			}
		}
		for _, text := range took.Texts {
			if !strings.HasPrefix(text, "SELECT ") && (!strings.HasPrefix(text, "PRAGMA ") || strings.Contains(text, "=")) && !strings.HasPrefix(text, "SHOW ") {
				t.Errorf("Ready() runs %q, want only reads", text)
			}
		}
	})
}
