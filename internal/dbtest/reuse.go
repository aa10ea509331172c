package dbtest

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/go-passport/passport/internal/sqldb"
)

// reusable is a migrated database that tests use one after another. A server empties
// tables much faster than it creates them, and the store suite needs hundreds of
// databases.
type reusable struct {
	database
	tables  []string // all but passport_migrations
	initial []initialRow
}

// initialRow is a row that the migrations insert.
type initialRow struct {
	table  string
	values []any
}

var (
	freeMu sync.Mutex
	free   = map[string][]*reusable{} // by dialect
)

// Reused is like [URL], except that the database is migrated already. It holds the
// rows that the migrations insert and no others. If the test passes, its rows are
// deleted, and another test gets the database; [DropReused] drops it in the end.
func Reused(t testing.TB, d sqldb.Dialect, migrate func(*sql.DB) error, params ...string) string {
	t.Helper()
	if d.Name == sqldb.SQLite.Name { // a new file costs little
		databaseURL := URL(t, d, params...)
		if err := migrate(OpenURL(t, databaseURL)); err != nil {
			t.Fatal(err)
		}
		return databaseURL
	}
	r := takeFree(d)
	if r == nil {
		r = newReusable(t, d, migrate)
	}
	t.Cleanup(func() {
		if t.Failed() {
			r.drop(t)
			return
		}
		if err := r.empty(context.Background()); err != nil {
			t.Errorf("empty a test database: %v", err)
			r.drop(t)
			return
		}
		freeMu.Lock()
		defer freeMu.Unlock()
		free[d.Name] = append(free[d.Name], r)
	})
	return r.url(t, params...)
}

// DropReused drops the databases that [Reused] created.
func DropReused() error {
	freeMu.Lock()
	defer freeMu.Unlock()
	for _, all := range free {
		for _, r := range all {
			if err := r.dropNow(); err != nil {
				return err
			}
		}
	}
	clear(free)
	return nil
}

func takeFree(d sqldb.Dialect) *reusable {
	freeMu.Lock()
	defer freeMu.Unlock()
	all := free[d.Name]
	if len(all) == 0 {
		return nil
	}
	free[d.Name] = all[:len(all)-1]
	return all[len(all)-1]
}

func newReusable(t testing.TB, d sqldb.Dialect, migrate func(*sql.DB) error) *reusable {
	t.Helper()
	r := &reusable{database: create(t, d)}
	db := OpenURL(t, r.url(t))
	err := migrate(db)
	if err == nil {
		err = r.read(t.Context(), db)
	}
	if err != nil {
		r.drop(t)
		t.Fatalf("migrate a test database: %v", err)
	}
	return r
}

// read finds the tables, and the rows that the migrations inserted.
func (r *reusable) read(ctx context.Context, db *sql.DB) error {
	tables, err := rows(ctx, db, "SELECT table_name FROM information_schema.tables WHERE table_schema = '"+r.name+"'")
	if err != nil {
		return err
	}
	for _, row := range tables {
		table := text(row[0])
		if table == "passport_migrations" {
			continue
		}
		r.tables = append(r.tables, table)
		initial, err := rows(ctx, db, "SELECT * FROM "+table)
		if err != nil {
			return err
		}
		for _, values := range initial {
			r.initial = append(r.initial, initialRow{table, values})
		}
	}
	return nil
}

// empty deletes the rows that a test wrote.
func (r *reusable) empty(ctx context.Context) error {
	server, err := r.server()
	if err != nil {
		return err
	}
	return sqldb.New(server, r.dialect).Tx(ctx, func(ctx context.Context, tx *sqldb.Tx) error {
		for _, table := range r.tables {
			if _, err := tx.Exec(ctx, "DELETE FROM "+r.name+"."+table); err != nil {
				return err
			}
		}
		for _, row := range r.initial {
			places := strings.TrimSuffix(strings.Repeat("?, ", len(row.values)), ", ")
			if _, err := tx.Exec(ctx, "INSERT INTO "+r.name+"."+row.table+" VALUES ("+places+")", row.values...); err != nil {
				return err
			}
		}
		return nil
	})
}

func text(value any) string {
	if b, ok := value.([]byte); ok {
		return string(b)
	}
	return fmt.Sprint(value)
}

// rows returns the rows that a query selects.
func rows(ctx context.Context, db *sql.DB, query string) (all [][]any, err error) {
	result, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = result.Close() }()
	columns, err := result.Columns()
	if err != nil {
		return nil, err
	}
	for result.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := result.Scan(into...); err != nil {
			return nil, err
		}
		all = append(all, values)
	}
	return all, result.Err()
}
