package dbtest_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/dburl"
	"github.com/go-passport/passport/internal/sqldb"
)

// laravel12 is the folder of a real installation of Laravel Passport 12, with a manifest
// of its tokens and how Laravel responds to each of them.
const laravel12 = "testdata/laravel12"

// laravelTables are the tables that Laravel creates, per database. The types are those of
// its migrations.
var laravelTables = map[string][]string{
	"users": {"id AUTO", "name STRING NOT NULL", "email STRING NOT NULL", "email_verified_at TIME", "password STRING NOT NULL", "remember_token STRING", "created_at TIME", "updated_at TIME"},

	"oauth_clients": {"id AUTO", "user_id NUMBER", "name STRING NOT NULL", "secret STRING", "provider STRING", "redirect TEXT NOT NULL", "personal_access_client BOOL NOT NULL",
		"password_client BOOL NOT NULL", "revoked BOOL NOT NULL", "created_at TIME", "updated_at TIME"},
	"oauth_access_tokens": {"id ID NOT NULL PRIMARY KEY", "user_id NUMBER", "client_id NUMBER NOT NULL", "name STRING", "scopes TEXT", "revoked BOOL NOT NULL",
		"created_at TIME", "updated_at TIME", "expires_at DATETIME"},
	"oauth_refresh_tokens":          {"id ID NOT NULL PRIMARY KEY", "access_token_id ID NOT NULL", "revoked BOOL NOT NULL", "expires_at DATETIME"},
	"oauth_auth_codes":              {"id ID NOT NULL PRIMARY KEY", "user_id NUMBER NOT NULL", "client_id NUMBER NOT NULL", "scopes TEXT", "revoked BOOL NOT NULL", "expires_at DATETIME"},
	"oauth_personal_access_clients": {"id AUTO", "client_id NUMBER NOT NULL", "created_at TIME", "updated_at TIME"},
}

// laravel13Tables are the tables of version 13, with UUIDs.
var laravel13Tables = map[string][]string{
	"users": {"id UUID NOT NULL PRIMARY KEY", "name STRING NOT NULL", "email STRING NOT NULL", "email_verified_at TIME", "password STRING NOT NULL", "two_factor_secret TEXT", "created_at TIME", "updated_at TIME"},

	"oauth_clients": {"id UUID NOT NULL PRIMARY KEY", "owner_type STRING", "owner_id UUID", "name STRING NOT NULL", "secret STRING", "provider STRING", "redirect_uris TEXT NOT NULL",
		"grant_types TEXT NOT NULL", "revoked BOOL NOT NULL", "created_at TIME", "updated_at TIME"},
	"oauth_access_tokens": {"id CHAR80 NOT NULL PRIMARY KEY", "user_id UUID", "client_id UUID NOT NULL", "name STRING", "scopes TEXT", "revoked BOOL NOT NULL",
		"created_at TIME", "updated_at TIME", "expires_at DATETIME"},
	"oauth_refresh_tokens": {"id CHAR80 NOT NULL PRIMARY KEY", "access_token_id CHAR80 NOT NULL", "revoked BOOL NOT NULL", "expires_at DATETIME"},
	"oauth_auth_codes":     {"id CHAR80 NOT NULL PRIMARY KEY", "user_id UUID NOT NULL", "client_id UUID NOT NULL", "scopes TEXT", "revoked BOOL NOT NULL", "expires_at DATETIME"},
}

// laravelTypes are the column types of Laravel's schema builder.
var laravelTypes = map[string]map[string]string{
	"sqlite": {
		"AUTO": "integer primary key autoincrement not null", "STRING": "varchar", "ID": "varchar", "CHAR80": "varchar", "CHAR36": "varchar", "OWNER": "varchar",
		"UUID": "varchar", "JSON": "text", "INSTANT": "datetime", "EXPIRY": "datetime", "TEXT": "text", "NUMBER": "integer", "BOOL": "tinyint(1)", "TIME": "datetime", "DATETIME": "datetime",
	},
	"postgres": {
		"AUTO": "bigserial primary key", "STRING": "varchar(255)", "ID": "varchar(100)", "CHAR80": "char(80)", "CHAR36": "char(36)", "OWNER": "varchar(36)",
		"UUID": "uuid", "JSON": "jsonb", "INSTANT": "timestamptz", "EXPIRY": "timestamptz", "TEXT": "text", "NUMBER": "bigint", "BOOL": "boolean",
		"TIME": "timestamp(0) without time zone", "DATETIME": "timestamp(0) without time zone",
	},
	"mysql": {
		"AUTO": "bigint unsigned auto_increment primary key", "STRING": "varchar(255)", "ID": "varchar(100)", "CHAR80": "char(80)", "CHAR36": "char(36)", "OWNER": "varchar(36)",
		"UUID": "char(36)", "JSON": "text", "INSTANT": "timestamp NULL", "EXPIRY": "datetime", "TEXT": "text", "NUMBER": "bigint unsigned",
		"BOOL": "tinyint(1)", "TIME": "timestamp NULL", "DATETIME": "datetime",
	},
}

var columnType = regexp.MustCompile(`\b[A-Z]+[0-9]*\b`)

// createLaravel creates the tables of Laravel with a prefix.
func createLaravel(t testing.TB, db *sql.DB, d sqldb.Dialect, prefix string, tables map[string][]string) {
	t.Helper()
	types := laravelTypes[d.Name]
	for name, columns := range tables {
		var list []string
		for _, c := range columns {
			list = append(list, columnType.ReplaceAllStringFunc(c, func(word string) string {
				if is, ok := types[word]; ok {
					return is
				}
				return word
			}))
		}
		run(t, db, "CREATE TABLE "+prefix+name+" ("+strings.Join(list, ", ")+")")
	}
	run(t, db, "CREATE INDEX "+prefix+"oauth_refresh_tokens_access_token_id_index ON "+prefix+"oauth_refresh_tokens (access_token_id)")
}

func run(t testing.TB, db *sql.DB, q string, args ...any) {
	t.Helper()
	if _, err := db.Exec(q, args...); err != nil {
		t.Fatalf("%s: %v", q, err)
	}
}

// insertLaravel inserts a row. A bool is written as the database has it.
func insertLaravel(t testing.TB, db *sql.DB, d sqldb.Dialect, table string, row map[string]any) {
	t.Helper()
	var columns, marks []string
	var values []any
	for column, v := range row {
		columns, values = append(columns, column), append(values, v)
		mark := "?"
		if d.Name == sqldb.Postgres.Name {
			mark = fmt.Sprintf("$%d", len(values))
		}
		marks = append(marks, mark)
	}
	run(t, db, "INSERT INTO "+table+" ("+strings.Join(columns, ", ")+") VALUES ("+strings.Join(marks, ", ")+")", values...)
}

// openLaravel returns a copy of the installation in testdata, in a new database. params are
// added to its URL: "key=value".
func openLaravel(t testing.TB, d sqldb.Dialect, prefix string, params ...string) (db *sql.DB, url string) {
	t.Helper()
	url = dbtest.URL(t, d, params...)
	db = dbtest.OpenURL(t, url)
	createLaravel(t, db, d, prefix, laravelTables)
	script, err := os.ReadFile(filepath.Join(laravel12, "passport.sql"))
	if err != nil {
		t.Fatal(err)
	}
	original := openFile(t, filepath.Join(t.TempDir(), "laravel.sqlite"))
	if _, err := original.Exec(string(script)); err != nil {
		t.Fatalf("load the installation: %v", err)
	}
	for table, columns := range laravelTables {
		copyTable(t, original, db, d, table, prefix, columns)
	}
	return db, url
}

func openFile(t testing.TB, path string) *sql.DB {
	t.Helper()
	driver, dsn, _, err := dburl.Parse("sqlite:" + path)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func copyTable(t testing.TB, from, to *sql.DB, d sqldb.Dialect, table, prefix string, columns []string) {
	t.Helper()
	var names []string
	for _, c := range columns {
		name, kind, _ := strings.Cut(c, " ")
		if strings.HasPrefix(kind, "TIME") || strings.HasPrefix(kind, "DATETIME") {
			name = "CAST(" + name + " AS TEXT) AS " + name
		}
		names = append(names, name)
	}
	rows, err := from.Query("SELECT " + strings.Join(names, ", ") + " FROM " + table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		row := map[string]any{}
		for i, c := range columns {
			name, kind, _ := strings.Cut(c, " ")
			if n, ok := values[i].(int64); ok && strings.HasPrefix(kind, "BOOL") {
				values[i] = n == 1
			}
			row[name] = values[i]
		}
		insertLaravel(t, to, d, prefix+table, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

// manifest is what the installation in testdata has issued.
type manifest struct {
	Config struct {
		AppKey string `json:"APP_KEY"`
	} `json:"config"`
	AccessTokens map[string]struct {
		Token  string `json:"token"`
		Claims struct {
			JTI string `json:"jti"`
		} `json:"claims"`
	} `json:"access_tokens"`
	RefreshTokens map[string]struct {
		Token     string         `json:"token"`
		Plaintext map[string]any `json:"plaintext"`
	} `json:"refresh_tokens"`
	Cookies map[string]map[string]any `json:"cookies"`
}

func readManifest(t testing.TB) (m manifest) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(laravel12, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	return m
}
