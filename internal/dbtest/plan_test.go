package dbtest_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// Each statement finds its rows by an index, those of a purge included: a table
// that has grown must not make them slow, nor lock more than they mean.
func TestStore_EveryStatementUsesAnIndex(t *testing.T) {
	for _, d := range []sqldb.Dialect{sqldb.SQLite, sqldb.Postgres} {
		t.Run(d.Name, func(t *testing.T) {
			db, counter := dbtest.Count(t, dbtest.URL(t, d))
			s := migrated(t, db, d)
			counter.Take()
			c, f := populated(t, s)
			for _, verb := range verbs(t, s, c, f, nil) {
				must(t, verb.call())
			}
			must(t, s.UseOnce(t.Context(), "a.b", "x", now))
			must(t, s.Issue(t.Context(), newIssuance(c, nil, "old", oauth.Spend{})))
			for _, hours := range []int{0, 2, 200} {
				_, err := s.Purge(t.Context(), oauth.EndedBefore(now.Add(time.Duration(hours)*time.Hour)), 1000)
				must(t, err)
			}
			seen := map[string]bool{}
			for _, text := range counter.Take().Texts {
				if seen[text] || strings.HasPrefix(text, "INSERT INTO") && !strings.Contains(text, "SELECT") {
					continue
				}
				seen[text] = true
				steps := plan(t, db, d, text)
				for _, step := range steps {
					if wholeTable(step, steps) {
						t.Errorf("%s\nreads a whole table: %s", text, step)
					}
				}
			}
			if len(seen) < 30 {
				t.Errorf("%d statements were looked at, want all of them, at least 30", len(seen))
			}
		})
	}
}

// wholeTable reports whether a step reads a table from end to end. SQLite also
// scans what a sub-select of at most a page has found.
func wholeTable(step string, steps []string) bool {
	if alias, ok := strings.CutPrefix(step, "SCAN "); ok {
		found := slices.Contains(steps, "CO-ROUTINE "+alias) || slices.Contains(steps, "MATERIALIZE "+alias)
		return !found && !strings.Contains(step, "USING") && alias != "CONSTANT ROW"
	}
	return strings.Contains(step, "Seq Scan on oauth")
}

// plan returns the steps in which the database would run a statement.
func plan(t *testing.T, db *sql.DB, d sqldb.Dialect, text string) (steps []string) {
	t.Helper()
	conn, err := db.Conn(t.Context())
	must(t, err)
	defer conn.Close()
	explain := "EXPLAIN QUERY PLAN " + text
	if d == sqldb.Postgres {
		// The tables are small here, so an index has to be asked for; without
		// values, a plan for any.
		for _, set := range []string{"SET enable_seqscan = off", "SET enable_bitmapscan = off", "SET plan_cache_mode = force_generic_plan"} {
			_, err := conn.ExecContext(t.Context(), set)
			must(t, err)
		}
		n := strings.Count(text, "$")
		_, err := conn.ExecContext(t.Context(), "PREPARE looked_at AS "+text)
		must(t, err)
		defer conn.ExecContext(t.Context(), "DEALLOCATE looked_at")
		explain = "EXPLAIN EXECUTE looked_at"
		if n > 0 {
			explain += "(" + strings.TrimSuffix(strings.Repeat("NULL, ", n), ", ") + ")"
		}
	}
	rows, err := conn.QueryContext(t.Context(), explain, nothing(d, text)...)
	if err != nil {
		t.Fatalf("%s: %v", explain, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	must(t, err)
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		must(t, rows.Scan(values...))
		steps = append(steps, strings.TrimSpace(fmt.Sprint(*values[len(values)-1].(*any))))
	}
	must(t, rows.Err())
	return steps
}

// nothing is a NULL for each placeholder that SQLite wants a value for.
func nothing(d sqldb.Dialect, text string) []any {
	if d != sqldb.SQLite {
		return nil
	}
	return make([]any, strings.Count(text, "?"))
}
