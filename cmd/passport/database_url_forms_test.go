package main_test

import (
	"fmt"
	"strings"
	"testing"
)

// canary is part of each password below. No output may have it.
const canary = "zvkqjw"

// brokenURLs have the canary in each place where drivers and people put a secret.
var brokenURLs = []string{
	// The password before the @.
	"postgres://u:zvkqjw@127.0.0.1:1/db", "postgres://u:zvkqjw@127.0.0.1:bad/db", "postgres://u:zvkqjw@[::1/db", "postgres://u:zvkqjw@", "postgres:u:zvkqjw@h/db",
	"postgres:/u:zvkqjw@h/db", "postgres:///u:zvkqjw@h/db", "postgres//u:zvkqjw@h/db", "postgres ://u:zvkqjw@h/db", "postgres:\\\\u:zvkqjw@h\\db",
	"mysql://u:zvkqjw@127.0.0.1:1/db", "mysql://u:zvkqjw@tcp(127.0.0.1:1)/db", "mysql:u:zvkqjw@tcp(127.0.0.1:1)/db", "u:zvkqjw@tcp(127.0.0.1:1)/db?tls=true", "mariadb://u:zvkqjw@/db",
	"mysql://u:zvkqjw@127.0.0.1:1/db?allowAllFiles=maybe", "mysql://u:zvkqjw@unix(/none)/db", "jdbc:postgresql://h/db?user=u&password=zvkqjw", "jdbc:mysql://u:zvkqjw@h/db",
	"pgsql://u:zvkqjw@h/db", "postgresql+psycopg2://u:zvkqjw@h/db", "mysql2://u:zvkqjw@h/db", "sqlserver://u:zvkqjw@h?database=db", "mongodb://u:zvkqjw@h/db",
	// In the query.
	"postgres://127.0.0.1:1/db?user=u&password=zvkqjw", "postgres://127.0.0.1:1/db?PASSWORD=zvkqjw&sslmode=bogus", "postgres://127.0.0.1:1/db?pass%77ord=zvkqjw&sslmode=bogus",
	"postgres://127.0.0.1:1/db?sslpassword=zvkqjw&sslmode=require", "postgres://127.0.0.1:1/db?sslmode=verify-full&sslcert=/none&sslkey=/none&sslpassword=zvkqjw",
	"postgres://127.0.0.1:1/db?sslinline=true&sslcert=zvkqjw&sslkey=zvkqjw", "postgres://127.0.0.1:1/db?sslkey=-----BEGIN%20PRIVATE%20KEY-----zvkqjw&sslcert=/none",
	"postgres://127.0.0.1:1/db?options=-c%20app.password%3Dzvkqjw&sslmode=bogus", "postgres://127.0.0.1:1/db?sslmode=zvkqjw&password=zvkqjw", "postgres://127.0.0.1:1/db?password=zv%kqjw",
	"mysql://u@127.0.0.1:1/db?password=zvkqjw", "mysql://u@127.0.0.1:1/db?sslkey=zvkqjw&pwd=zvkqjw", "mysql://u@127.0.0.1:1/db?passwd=zvkqjw", "mysql://u@127.0.0.1:1/db?tls=zvkqjw&secret=zvkqjw",
	// Key and value.
	"host=127.0.0.1 port=1 user=u password=zvkqjw dbname=db", "host=127.0.0.1 password='zvkqjw", "Server=h;Database=db;Uid=u;Pwd=zvkqjw;", "password=zvkqjw",
	// SQLite.
	"sqlite:none.sqlite?_key=zvkqjw", "sqlite:u:zvkqjw@h/none", "file:none.sqlite?_auth_pass=zvkqjw", "sqlite://u:zvkqjw@h/none.sqlite?mode=ro",
	// Around the value.
	`"postgres://u:zvkqjw@127.0.0.1:1/db"`, `'postgres://u:zvkqjw@127.0.0.1:1/db`, "postgres://u:zvkqjw@127.0.0.1:1/db\n", "\uFEFFpostgres://u:zvkqjw@127.0.0.1:1/db", "DATABASE_URL=postgres://u:zvkqjw@127.0.0.1:1/db",
	"export PASSPORT_DATABASE_URL=postgres://u:zvkqjw@h/db", "psql postgres://u:zvkqjw@h/db", "${DB:-postgres://u:zvkqjw@h/db}", "<postgres://u:zvkqjw@h/db>",
}

// No command shows part of a password, for any broken URL.
func TestDatabaseURL_FR_45_EveryCommand(t *testing.T) {
	commands := append([][]string{{"serve", "--listen", "127.0.0.1:0"}, {"install"}, {"migrate"}, {"migrate", "--print"}, {"keys"}, {"version"}}, users...)
	for i, u := range brokenURLs {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Chdir(t.TempDir())
			for j, args := range commands {
				if j > 3 && (i+j)%5 != 0 { // the first ones with each URL, each of the others with some
					continue
				}
				env := []string{"PASSPORT_DATABASE_URL=" + u, "PASSPORT_LOG_LEVEL=debug"}
				printed, _ := databaseCommand(t, env, args...)
				wantHidden(t, strings.Join(args, " ")+" with "+u, printed, canary)
			}
			for _, args := range [][]string{{"user", "list"}, {"migrate"}} {
				printed, _ := databaseCommand(t, nil, append(args, "--database-url", u)...)
				wantHidden(t, strings.Join(args, " ")+" by flag with "+u, printed, canary)
			}
		})
	}
}

// A URL in a wrong place of the file or the environment.
func TestDatabaseURL_FR_45_OtherPlaces(t *testing.T) {
	t.Chdir(t.TempDir())
	const u = "postgres://u:zvkqjw@127.0.0.1:1/db"
	for _, file := range []string{
		"database_url = " + u, "database_url: " + u, u, "\"" + u + "\" = 1", "'" + u + "' = 1", "[\"" + u + "\"]\nx = 1", "[[\"" + u + "\"]]", "database_url = [\"" + u + "\"]",
		"database_url = '" + u, "database_url = \"" + u + "\\q\"", "database.\"" + u + "\" = 1", "log_level = \"" + u + "\"", "[database]\nurl = \"" + u + "\"", "database_url = \"" + u + "\"\ndatabase_url = \"" + u + "\"",
		"\"" + u + "\" = 1\n\"" + u + "\" = 2", "access_token_ttl_by_grant = [\"" + u + "=1h\"]", "client_ids = \"" + u + "\"", "path = \"" + u + "\"", "views = \"" + u + "\"", "audience = \"" + u + "\"",
		"resources = [\"" + u + "\"]", "cookie_name = \"" + u + "\"", "personal_token_prefix = \"" + u + "\"", "default_scopes = [\"" + u + "\"]", "trusted_proxies = [\"" + u + "\"]", "[[scopes]]\nid = \"" + u + "\"\ndescription = \"x\"",
	} {
		write(t, "passport.toml", file)
		for _, args := range [][]string{{"user", "list"}, {"serve", "--listen", "127.0.0.1:0"}} {
			printed, _ := databaseCommand(t, []string{"PASSPORT_LOG_LEVEL=debug"}, args...)
			wantHidden(t, strings.Join(args, " ")+" with the file "+file, printed, canary)
		}
	}
	write(t, "passport.toml", "")
	for _, variable := range []string{
		"PASSPORT_DATABASE_URL: " + u, "PASSPORT_DATABASE_URL " + u + "?a=b", "PASSPORT_DATABASE_URL:" + u + "?sslmode=disable", "PASSPORT_DB_URL=" + u, "PASSPORT_" + u + "=1", "PASSPORT_DATABASE_URL\n" + u + "=1",
	} {
		for _, args := range [][]string{{"user", "list"}, {"serve", "--listen", "127.0.0.1:0", "--config", "none.toml"}} {
			printed, _ := databaseCommand(t, []string{variable, "PASSPORT_ISSUER="}, args...)
			wantHidden(t, strings.Join(args, " ")+" with the variable "+variable, printed, canary)
			if !strings.Contains(printed, "warning: PASSPORT_D") && !strings.Contains(printed, "warning: PASSPORT_") {
				t.Errorf("%v with the variable %s: no warning\n%s", args, variable, printed)
			}
		}
	}
}
