package dbtest_test

import (
	"database/sql"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
)

// On SQLite a row is returned as one packed column. It must have the same values as an
// ordinary SELECT, for all texts.
func TestPack_SQLiteReturnsTheStoredValues(t *testing.T) {
	pool := dbtest.Open(t, sqldb.SQLite)
	db := sqldb.New(pool, sqldb.SQLite)
	if _, err := pool.ExecContext(t.Context(), `CREATE TABLE odd (id INTEGER PRIMARY KEY, s TEXT, n INTEGER, empty TEXT) STRICT`); err != nil {
		t.Fatal(err)
	}
	texts := []any{
		nil, "", "null", "[1]", `{"a":"b"}`, `"`, `\`, `\"`, `\u0041`, "a,b]", "'", "\x00", "a\x00b", "\xff", "a\xc3", "\u2028\u2029", "😀", "\ufeffa", strings.Repeat("é\"", 5000),
	}
	for r := range rune(0x300) {
		texts = append(texts, string(r), "a"+string(r)+"b")
	}
	numbers := []any{nil, int64(0), int64(1), int64(-1), int64(math.MaxInt64), int64(math.MinInt64)}
	for i, text := range texts {
		if _, err := pool.ExecContext(t.Context(), `INSERT INTO odd (id, s, n, empty) VALUES (?, ?, ?, '')`, i, text, numbers[i%len(numbers)]); err != nil {
			t.Fatal(err)
		}
	}
	type record struct {
		id    int64
		s     sql.NullString
		n     sql.NullInt64
		empty string
	}
	const q = `SELECT id, s, n, empty FROM odd ORDER BY id`
	var want, got []record
	rows, err := pool.QueryContext(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var r record
		if err := rows.Scan(&r.id, &r.s, &r.n, &r.empty); err != nil {
			t.Fatal(err)
		}
		want = append(want, r)
	}
	if err := rows.Err(); err != nil || len(want) != len(texts) {
		t.Fatalf("read %d rows with %v, want %d", len(want), err, len(texts))
	}
	err = db.Each(t.Context(), q, func(row sqldb.Row) error {
		var r record
		got = append(got, record{})
		if err := row.Scan(&r.id, &r.s, &r.n, &r.empty); err != nil {
			return fmt.Errorf("row %d, %.40q: %w", len(got)-1, texts[len(got)-1], err)
		}
		got[len(got)-1] = r
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%.40q: packed row = %+.60v, want %+.60v", texts[i], got[i], want[i])
		}
	}
}
