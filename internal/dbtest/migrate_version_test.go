package dbtest_test

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
)

const (
	secondMigration  = "0002_clients_and_tokens.sql"
	thirdMigration   = "0003_hardening.sql"
	fourthMigration  = "0004_field.sql"
	fifthMigration   = "0005_pages.sql"
	sixthMigration   = "0006_devices.sql"
	seventhMigration = "0007_openid.sql"
	eighthMigration  = "0008_laravel.sql"
)

// halves returns the statements of a migration, up and down.
func halves(t *testing.T, d sqldb.Dialect, name string) (up, down []string) {
	t.Helper()
	content, err := fs.ReadFile(sqlstore.Migrations(d), name)
	must(t, err)
	first, second, _ := strings.Cut(string(content), "-- +goose Down")
	split := func(half string) (statements []string) {
		for statement := range strings.SplitSeq(half, ";\n") {
			if strings.TrimSpace(statement) != "" {
				statements = append(statements, statement)
			}
		}
		return statements
	}
	return split(first), split(second)
}

// firstVersion creates the tables of the first version only.
func firstVersion(t *testing.T, db *sql.DB, d sqldb.Dialect) {
	t.Helper()
	const name = "0001_oauth.sql"
	content, err := fs.ReadFile(sqlstore.Migrations(d), name)
	must(t, err)
	must(t, sqldb.New(db, d).Migrate(t.Context(), "oauth", fstest.MapFS{name: {Data: content}}, []string{"oauth_clients"}))
}

// writtenByFirst stores the rows of a node with the first version: a family with a
// spent first refresh token, and two access tokens of the client itself. All IDs end
// with the suffix.
func writtenByFirst(t *testing.T, db *sql.DB, suffix string) {
	t.Helper()
	day := 24 * time.Hour
	at := func(d time.Duration) int64 { return now.Add(d).UnixMicro() }
	digest := func(what string) oauth.Digest { return oauth.DigestOf(what + suffix) }
	access := func(id, family string, expires time.Duration) string {
		return fmt.Sprintf(`INSERT INTO oauth_access_tokens (id, family_id, client_id, name, scopes, audience, issued_at, expires_at)
VALUES ('%s%s', %s, 'client%s', '', 'read', 'https://a.example', %d, %d)`, id, suffix, family, suffix, at(0), at(expires))
	}
	refresh := func(name, token, spentAt, successor string) string {
		return fmt.Sprintf(`INSERT INTO oauth_refresh_tokens (digest, access_token_id, family_id, scopes, expires_at, spent_at, successor)
VALUES ('%s', '%s%s', 'family%s', 'read write', %d, %s, %s)`, digest(name), token, suffix, suffix, at(30*day), spentAt, successor)
	}
	family := fmt.Sprintf("'family%s'", suffix)
	for _, q := range []string{
		fmt.Sprintf(`INSERT INTO oauth_clients (id, name, owner_provider, owner_id, auth_method, provider, redirect_uris, grant_types, scopes,
ends_with_session, attributes, created_at, version)
VALUES ('client%s', 'Old', 'users', 'alice', 'client_secret_basic', '', 'https://a.example/cb', 'authorization_code', NULL, 0, '{"a":"b"}', %d, 3)`, suffix, at(0)),
		fmt.Sprintf(`INSERT INTO oauth_client_secrets (client_id, digest, created_at) VALUES ('client%s', '%s', %d)`, suffix, digest("secret"), at(0)),
		fmt.Sprintf(`INSERT INTO oauth_families (id, provider, user_id, client_id, session, personal, ends_with_session, created_at, expires_at)
VALUES ('family%s', 'users', 'user%s', 'client%s', '', 0, 0, %d, %d)`, suffix, suffix, suffix, at(0), at(365*day)),
		fmt.Sprintf(`INSERT INTO oauth_auth_codes (digest, family_id, scopes, redirect_uri, code_challenge, expires_at, spent_at)
VALUES ('%s', 'family%s', 'read', '', '', %d, %d)`, digest("code"), suffix, at(time.Minute), at(0)),
		access("first", family, time.Hour), access("second", family, time.Hour),
		refresh("first", "first", fmt.Sprint(at(time.Hour)), fmt.Sprintf("'%s'", digest("second"))),
		refresh("second", "second", "NULL", "NULL"),
		access("own", "NULL", time.Hour), access("lasting", "NULL", 365*day),
		fmt.Sprintf(`INSERT INTO oauth_consents (provider, user_id, client_id, scope, granted_at) VALUES ('users', 'user%s', 'client%s', 'read', %d)`, suffix, suffix, at(0)),
	} {
		mustExec(t, db, q)
	}
}

// checkWritten reads the rows of [writtenByFirst] with this version.
func checkWritten(t *testing.T, s *sqlstore.Store, suffix string) {
	t.Helper()
	ctx := t.Context()
	c, err := s.Client(ctx, "client"+suffix)
	if err != nil || c.Name != "Old" || c.Key != "" || c.AccessTokenTTL != 0 || c.RefreshTokenTTL != 0 || c.FamilyTTL != 0 || c.Audience != "" ||
		!c.UpdatedAt.IsZero() || c.Attributes["a"] != "b" || len(c.Secrets) != 1 || c.Version != 3 {
		t.Errorf("Client() of the older version = %+v, %v, want it unchanged, with empty new fields", c, err)
	}
	code, err := s.Code(ctx, oauth.DigestOf("code"+suffix))
	if err != nil || code.SpentAt.IsZero() || code.Attributes != nil {
		t.Errorf("Code() of the older version = %+v, %v, want it spent", code, err)
	}
	r, err := s.RefreshToken(ctx, oauth.DigestOf("first"+suffix))
	if err != nil || r.SpentAt.IsZero() || r.Successor == nil || r.Attributes != nil || !r.Family.Live(now) {
		t.Errorf("RefreshToken() of the older version = %+v, %v, want it spent, with its successor", r, err)
	}
	for _, id := range []string{"first", "second", "own", "lasting"} {
		token, err := s.AccessToken(ctx, id+suffix)
		if err != nil || !token.Live(now) || token.Digest != "" || token.Attributes != nil || (token.Family == nil) != (id == "own" || id == "lasting") {
			t.Errorf("AccessToken(%q) of the older version = %+v, %v, want it live", id, token, err)
		}
	}
	scopes, _, err := s.Consented(ctx, oauth.UserRef{Provider: "users", ID: "user" + suffix}, c)
	if err != nil || len(scopes) != 0 {
		t.Errorf("Consented() of the older version, for a client with an owner = %q, %v, want none", scopes, err)
	}
}

// This version reads, refreshes and purges rows of the older version, including those
// that its nodes store while they still run.
func TestMigrate_FromTheFirstVersion(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		db := dbtest.Open(t, d)
		firstVersion(t, db, d)
		writtenByFirst(t, db, " 1")
		s := sqlstore.New(db, d)
		if err := s.Check(t.Context()); err == nil || !strings.Contains(err.Error(), secondMigration) {
			t.Errorf("Check() of the older version = %v, want an error that names %s", err, secondMigration)
		}
		must(t, s.Migrate(t.Context()))
		must(t, s.Check(t.Context()))
		writtenByFirst(t, db, " 2")
		for _, suffix := range []string{" 1", " 2"} {
			checkWritten(t, s, suffix)
		}
		numbered := newClient("")
		must(t, s.CreateClient(t.Context(), numbered, nil))
		if numbered.ID != "1" {
			t.Errorf("first number after the migration = %q, want 1", numbered.ID)
		}
		purgeWritten(t, db, s)
	})
}

func purgeWritten(t *testing.T, db *sql.DB, s *sqlstore.Store) {
	t.Helper()
	ctx := t.Context()
	purge := func(days int) {
		t.Helper()
		for n := 1; n > 0; {
			var err error
			n, err = s.Purge(ctx, oauth.EndedBefore(now.Add(time.Duration(days)*24*time.Hour)), 1000)
			must(t, err)
		}
	}
	check := func(when string, want map[string]bool) {
		t.Helper()
		for _, suffix := range []string{" 1", " 2"} {
			for id, want := range want {
				_, err := s.AccessToken(ctx, id+suffix)
				if (err == nil) != want || err != nil && !errors.Is(err, oauth.ErrNotFound) {
					t.Errorf("AccessToken(%q) %s = %v, want it stored: %v", id+suffix, when, err, want)
				}
			}
		}
	}
	purge(7)
	check("after a week", map[string]bool{"first": false, "second": true, "own": false, "lasting": true})
	for _, suffix := range []string{" 1", " 2"} {
		r, err := s.RefreshToken(ctx, oauth.DigestOf("first"+suffix))
		if err != nil || r.SpentAt.IsZero() {
			t.Errorf("RefreshToken() of a spent token after a purge = %+v, %v, want it spent", r, err)
		}
		c, err := s.Client(ctx, "client"+suffix)
		must(t, err)
		next := newIssuance(c, r.Family, "third"+suffix, oauth.Spend{Purpose: oauth.SpendRefreshToken, ID: string(oauth.DigestOf("second" + suffix))})
		next.AccessToken.ExpiresAt, next.RefreshToken.ExpiresAt = now.Add(365*24*time.Hour), now.Add(365*24*time.Hour)
		if err := s.Issue(ctx, next); err != nil {
			t.Errorf("Issue() that spends a refresh token of the older version = %v, want nil", err)
		}
	}
	purge(30)
	check("after a month", map[string]bool{"second": false, "third": true, "lasting": true})
	purge(366)
	for _, table := range purgeRows {
		if n := count(t, db, table); n != 0 {
			t.Errorf("%d rows left in %s after everything has ended, want none", n, table)
		}
	}
}

// MySQL keeps the statements of a migration that failed, wherever that was. The next
// run continues from there, and keeps the counter of client numbers.
func TestMigrate_SecondVersionHalfWay(t *testing.T) {
	up, _ := halves(t, sqldb.MySQL, secondMigration)
	for _, k := range []int{0, len(up) / 3, 2 * len(up) / 3, len(up)} {
		t.Run(fmt.Sprintf("mysql, %d statements done", k), func(t *testing.T) {
			db := dbtest.Open(t, sqldb.MySQL)
			firstVersion(t, db, sqldb.MySQL)
			writtenByFirst(t, db, "")
			mustExec(t, db, `INSERT INTO passport_migrations (set_name, name, begun_at) VALUES ('oauth', '`+secondMigration+`', 1)`)
			for _, statement := range up[:k] {
				mustExec(t, db, statement)
			}
			if k == len(up) { // all statements ran, but that was not recorded
				mustExec(t, db, `UPDATE oauth_counters SET value = 41`)
			}
			s := sqlstore.New(db, sqldb.MySQL)
			for range 2 {
				must(t, s.Migrate(t.Context()))
			}
			must(t, s.Check(t.Context()))
			if n := count(t, db, "oauth_counters"); n != 1 {
				t.Errorf("%d counters, want 1", n)
			}
			c, want := newClient(""), map[bool]string{false: "1", true: "42"}[k == len(up)]
			must(t, s.CreateClient(t.Context(), c, nil))
			if c.ID != want {
				t.Errorf("next number = %q, want %s", c.ID, want)
			}
			checkWritten(t, s, "")
		})
	}
	for _, d := range []sqldb.Dialect{sqldb.SQLite, sqldb.Postgres} {
		t.Run(d.Name, func(t *testing.T) {
			db := dbtest.Open(t, d)
			firstVersion(t, db, d)
			writtenByFirst(t, db, "")
			mustExec(t, db, `CREATE INDEX oauth_refresh_tokens_of ON oauth_refresh_tokens (spent_at)`) // conflicts with the last statement but one
			s := sqlstore.New(db, d)
			if err := s.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), secondMigration) {
				t.Fatalf("Migrate() with a conflicting index = %v, want an error that names the file", err)
			}
			if tables(t, db, d)["oauth_counters"] {
				t.Error("a failed migration left a table behind")
			}
			mustExec(t, db, `DROP INDEX oauth_refresh_tokens_of`)
			must(t, s.Migrate(t.Context()))
			checkWritten(t, s, "")
		})
	}
}

// The down migrations keep the rows, without the new columns, and can be applied again.
func TestMigrate_DownWithRows(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		db := dbtest.Open(t, d)
		firstVersion(t, db, d)
		before := schema(t, db, d)
		s := migrated(t, db, d)
		writtenByFirst(t, db, " 1")
		c, f := populated(t, s)
		for _, verb := range verbs(t, s, c, f, &oauth.AuditRecord{Time: now})[:23] {
			must(t, verb.call())
		}
		tokens := count(t, db, "oauth_access_tokens")
		for _, name := range []string{eighthMigration, seventhMigration, sixthMigration, fifthMigration, fourthMigration, thirdMigration, secondMigration} {
			_, down := halves(t, d, name)
			for _, statement := range down {
				mustExec(t, db, statement)
			}
			mustExec(t, db, `DELETE FROM passport_migrations WHERE name = '`+name+`'`)
		}
		if after := schema(t, db, d); after != before {
			t.Errorf("schema after the down migrations:\n%s\nwant that of the first version:\n%s", after, before)
		}
		writtenByFirst(t, db, " 2")
		must(t, s.Migrate(t.Context()))
		must(t, s.Check(t.Context()))
		for _, suffix := range []string{" 1", " 2"} {
			checkWritten(t, s, suffix)
		}
		if got := count(t, db, "oauth_access_tokens"); got != tokens+4 {
			t.Errorf("%d access tokens after down and up, want %d", got, tokens+4)
		}
		_, err := s.OpaqueToken(t.Context(), oauth.DigestOf("opaque"))
		if !errors.Is(err, oauth.ErrNotFound) {
			t.Errorf("OpaqueToken() after down and up = %v, want ErrNotFound because its digest was dropped", err)
		}
	})
}

// schema returns the columns and indexes of the tables, ordered by name.
func schema(t *testing.T, db *sql.DB, d sqldb.Dialect) string {
	t.Helper()
	return strings.Join(column(t, db, map[string]string{
		"sqlite": `SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.name LIKE 'oauth%' AND m.type = 'table'
UNION SELECT 'index ' || name FROM sqlite_master WHERE type = 'index' AND name LIKE 'oauth%' ORDER BY 1`,
		"postgres": `SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name LIKE 'oauth%'
UNION SELECT 'index ' || indexname FROM pg_indexes WHERE schemaname = current_schema() ORDER BY 1`,
		"mysql": `SELECT CONCAT(table_name, '.', column_name) FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name LIKE 'oauth%'
UNION SELECT CONCAT('index ', table_name, ' ', index_name) FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name LIKE 'oauth%' ORDER BY 1`,
	}[d.Name]), "\n")
}
