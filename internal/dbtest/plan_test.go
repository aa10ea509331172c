package dbtest_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
)

// Each statement finds its rows by an index, including those of a purge. Large tables
// must not make it slow, or make it lock more rows than it changes.
func TestStore_EveryStatementUsesAnIndex(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		db, counter := dbtest.Count(t, dbtest.URL(t, d))
		s := migrated(t, db, d)
		counter.Take()
		c, f := populated(t, s)
		for _, verb := range verbs(t, s, c, f, nil) {
			must(t, verb.call())
		}
		oddRows(t, s, c)
		for _, hours := range []int{0, 2, 20, 200} {
			_, err := s.Purge(t.Context(), oauth.EndedBefore(now.Add(time.Duration(hours)*time.Hour)), 1000)
			must(t, err)
		}
		texts := counter.Take().Texts
		if d == sqldb.MySQL {
			fillMySQL(t, db)
		}
		seen := map[string]bool{}
		for _, text := range texts {
			if seen[text] || strings.HasPrefix(text, "INSERT INTO") && !strings.Contains(text, "SELECT") {
				continue
			}
			seen[text] = true
			steps := plan(t, db, d, text)
			for _, step := range steps {
				if wholeTable(step, steps) {
					t.Errorf("%s\nreads a whole table: %s", text, step)
				}
				if purgeFinds.MatchString(text) && sorts.MatchString(step) {
					t.Errorf("%s\nsorts all matching rows to return a page: %s", text, step)
				}
			}
		}
		if len(seen) < 50 {
			t.Errorf("checked %d statements, want at least 50", len(seen))
		}
	})
}

// The SELECTs of a purge that read a page, and the steps that they must not have.
var (
	purgeFinds = regexp.MustCompile(`<= \S+ ORDER BY [^()]+ LIMIT 100`)
	sorts      = regexp.MustCompile(`filesort|Sort|TEMP B-TREE`)
)

// oddRows stores rows that make a purge, and the numbering of clients, run their rare
// statements.
func oddRows(t *testing.T, s *sqlstore.Store, c *oauth.Client) {
	t.Helper()
	must(t, s.UseOnce(t.Context(), "a.b", "x", now))
	must(t, s.Issue(t.Context(), newIssuance(c, nil, "old", oauth.Spend{})))
	must(t, s.Issue(t.Context(), newIssuance(c, newFamily("never stored"), "orphan", oauth.Spend{})))
	kept := newFamily("kept")
	kept.User.ID, kept.ExpiresAt = "another user", now.Add(1000*time.Hour)
	i := newIssuance(c, kept, "kept", oauth.Spend{})
	i.NewFamily, i.RefreshToken.ExpiresAt = kept, now.Add(100*time.Hour)
	must(t, s.Issue(t.Context(), i))
	recent := newFamily("recent")
	recent.User.ID = "another user"
	must(t, s.IssueCode(t.Context(), newCodeIssuance(recent)))
	must(t, s.Issue(t.Context(), newIssuance(c, recent, "recent", spendCode(recent))))
	must(t, s.RevokeFamily(t.Context(), recent.ID, now, nil))

	for _, limit := range []int{100, 0} { // one is stored and then taken, one is above the limit
		for range 2 {
			_ = s.CreateDeviceCode(t.Context(), newDevice(fmt.Sprint("expired", limit)), limit)
		}
	}
	_, err := s.PollDeviceCode(t.Context(), "unknown", now)
	if !errors.Is(err, oauth.ErrNotFound) {
		t.Fatal(err)
	}

	owned := newClient("owned-0")
	owned.Owner = oauth.UserRef{Provider: "users", ID: "carol"}
	must(t, s.CreateClient(t.Context(), owned, nil))
	last := newFamily("of the owned")
	last.ClientID = owned.ID
	b := newCodeIssuance(last)
	b.Consents = []string{"read"}
	must(t, s.IssueCode(t.Context(), b))
	must(t, s.RevokeClient(t.Context(), owned.ID, now, nil))

	must(t, s.CreateClient(t.Context(), newClient("2"), nil)) // another client already has a number
	must(t, s.CreateClient(t.Context(), newClient(""), nil))
	if _, err := s.Client(t.Context(), "3"); err != nil {
		t.Fatalf("Client() with the number after a taken one = %v, want nil", err)
	}
	if _, err := s.ClientByKey(t.Context(), "missing"); !errors.Is(err, oauth.ErrNotFound) {
		t.Fatal(err)
	}
}

// wholeTable reports whether a step scans a whole table. SQLite also "scans" the result
// of a sub-select, which has at most a page of rows.
func wholeTable(step string, steps []string) bool {
	if alias, ok := strings.CutPrefix(step, "SCAN "); ok {
		found := slices.Contains(steps, "CO-ROUTINE "+alias) || slices.Contains(steps, "MATERIALIZE "+alias)
		return !found && !strings.Contains(step, "USING") && alias != "CONSTANT ROW"
	}
	return strings.Contains(step, "Seq Scan on oauth") || strings.Contains(step, "Seq Scan on passport") || strings.HasPrefix(step, "mysql: no index")
}

// plan returns the steps of a statement's query plan.
func plan(t *testing.T, db *sql.DB, d sqldb.Dialect, text string) []string {
	t.Helper()
	switch d {
	case sqldb.Postgres:
		return postgresPlan(t, db, text)
	case sqldb.MySQL:
		return mysqlPlan(t, db, text)
	}
	// SQLite needs a value for each placeholder.
	return lastColumn(explain(t, db, "EXPLAIN QUERY PLAN "+text, make([]any, strings.Count(text, "?"))...))
}

var placeholder = regexp.MustCompile(`\$\d+`)

// postgresPlan forbids sequential scans, because the tables are small here. It asks for
// a generic plan, because there are no values.
func postgresPlan(t *testing.T, db *sql.DB, text string) []string {
	t.Helper()
	conn, err := db.Conn(t.Context())
	must(t, err)
	defer conn.Close()
	for _, q := range []string{
		"SET enable_seqscan = off", "SET enable_bitmapscan = off", "SET plan_cache_mode = force_generic_plan", "PREPARE looked_at AS " + text,
	} {
		_, err := conn.ExecContext(t.Context(), q)
		must(t, err)
	}
	defer conn.ExecContext(t.Context(), "DEALLOCATE looked_at")
	execute := "EXPLAIN EXECUTE looked_at"
	if n := len(placeholder.FindAllString(text, -1)); n > 0 {
		execute += "(" + strings.TrimSuffix(strings.Repeat("NULL, ", n), ", ") + ")"
	}
	return lastColumn(explain(t, conn, execute))
}

// mysqlPlan inserts values: with NULL the plan would be that no row can match. A text
// of digits fits any column. The values count up, so that ranges are not empty.
func mysqlPlan(t *testing.T, db *sql.DB, text string) (steps []string) {
	t.Helper()
	parts := strings.Split(text, "?")
	for i := range parts[1:] {
		if strings.HasSuffix(parts[i], "OFFSET ") {
			parts[i] += "0"
			continue
		}
		parts[i] += fmt.Sprintf("'%d'", i+1)
	}
	for _, row := range explain(t, db, "EXPLAIN "+strings.Join(parts, "")) {
		kind, table := row["type"], row["table"]
		step := fmt.Sprintf("mysql: %s of %s by %s: %s rows, %s", kind, table, row["key"], row["rows"], row["Extra"])
		if (kind == "ALL" || kind == "index") && !strings.HasPrefix(table, "<") {
			step = "mysql: no index: " + step
		}
		steps = append(steps, step)
	}
	return steps
}

// fillMySQL fills the tables: MySQL scans a small table whatever its indexes.
func fillMySQL(t *testing.T, db *sql.DB) {
	t.Helper()
	for _, q := range []string{
		`INSERT INTO oauth_clients (id, name, owner_provider, owner_id, auth_method, provider, ends_with_session, created_at, version)
SELECT CONCAT('c', d), '', 'users', d, '', '', 0, 0, 0`,
		`INSERT INTO oauth_client_secrets (client_id, digest, created_at) SELECT CONCAT('c', d), 's', 0`,
		`INSERT INTO oauth_client_metadata (client_id, metadata) SELECT CONCAT('c', d), '{}'`,
		`INSERT INTO oauth_client_logos (client_id, digest, png) SELECT CONCAT('c', d), 's', ''`,
		`INSERT INTO oauth_device_codes (digest, user_digest, client_id, label, address, agent, created_at, expires_at, poll_interval, decided_at, provider, user_id, family_id)
SELECT d, d, d, '', '', '', d, d, 5, CASE WHEN d < 2000 THEN d END, CASE WHEN d < 2000 THEN 'users' END, CASE WHEN d < 2000 THEN d END, CASE WHEN d < 2000 THEN d END`,
		`INSERT INTO oauth_last_used (family_id, used_at) SELECT d, d`,
		`INSERT INTO oauth_imported_refresh_tokens (digest, access_token_id, created_at, expires_at) SELECT d, d, d, d`,
		`INSERT INTO oauth_imported_clients (client_id, secret, imported_at) SELECT d, '', d`,
		`INSERT INTO oauth_logout_status (client_id, last_at, last_result, failures) SELECT d, d, '', 0`,
		`INSERT INTO oauth_client_sessions (provider, user_id, session, client_id, sid, created_at, expires_at) SELECT 'users', d, d, 'c1', d, d, d`,
		`INSERT INTO oauth_logout_notices (id, client_id, provider, user_id, sid, created_at, next_at, expires_at, tries) SELECT d, 'c1', 'users', d, '', d, d, d, 0`,
		`INSERT INTO oauth_families (id, provider, user_id, client_id, session, personal, ends_with_session, created_at, expires_at, revoked_at)
SELECT d, 'users', d, 'c', '', 0, 0, d, d + 10000, CASE WHEN d < 2000 THEN d + 5000 END`,
		`INSERT INTO oauth_access_tokens (id, digest, family_id, client_id, name, issued_at, expires_at, keep_until)
SELECT d, d, d, 'c', '', d, d, CASE WHEN d < 2000 THEN d + 5000 END`,
		`INSERT INTO oauth_refresh_tokens (digest, access_token_id, family_id, expires_at, spent_at) SELECT d, d, d, d, CASE WHEN d > 2000 THEN d END`,
		`INSERT INTO oauth_auth_codes (digest, family_id, redirect_uri, code_challenge, expires_at, spent_at)
SELECT d, d, '', '', d, CASE WHEN d > 2000 THEN d END`,
		`INSERT INTO oauth_consents (provider, user_id, client_id, scope, granted_at) SELECT 'users', d, 'c', 'read', d`,
		`INSERT INTO oauth_once (purpose, digest, keep_until) SELECT 'ticket', d, d`,
		`INSERT INTO oauth_cut_offs (provider, user_id, cut_at, client_id, session, except_session, unredeemed, ends_with_session, keep_personal, consents)
SELECT 'users', d, d, '', '', '', 0, 0, 0, 0`,
		`INSERT INTO oauth_audit (id, happened_at, action, actor, provider, user_id, client_id, reason, address, request_id)
SELECT d, d, '', '', '', '', '', '', '', ''`,
	} {
		mustExec(t, db, q+` FROM (`+tenThousand+`) n`)
		mustExec(t, db, `ANALYZE TABLE `+strings.Fields(q)[2])
	}
}

// querier is a pool or a connection.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// explain returns the rows of a query plan, by column name. The last column also has
// the name "".
func explain(t *testing.T, db querier, q string, args ...any) (found []map[string]string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), q, args...)
	if err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	must(t, err)
	for rows.Next() {
		values, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		must(t, rows.Scan(into...))
		row := map[string]string{"": values[len(values)-1].String}
		for i, column := range columns {
			row[column] = values[i].String
		}
		found = append(found, row)
	}
	must(t, rows.Err())
	return found
}

func lastColumn(rows []map[string]string) (steps []string) {
	for _, row := range rows {
		steps = append(steps, strings.TrimSpace(row[""]))
	}
	return steps
}
