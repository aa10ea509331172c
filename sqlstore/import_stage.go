package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// Rows with random keys, inserted one by one into a large table, cost a read and two
// writes of a page each. So an import into a database without tokens appends them to
// tables without a key, the stage, and moves them at the end in the order of their keys.

// stageTable is the statement that creates the stage of a table. MySQL has none.
var stageTable = map[string]string{
	sqldb.SQLite.Name:   "CREATE TEMP TABLE ",
	sqldb.Postgres.Name: "CREATE UNLOGGED TABLE ",
}

// stage is the state of an import that puts rows aside.
type stage struct {
	store   *Store
	fresh   bool // the tables had no rows
	writers []rowWriter
}

func (s *Store) newStage(fresh bool) *stage {
	st := &stage{store: s, fresh: fresh}
	for _, t := range importTables {
		w := t.writer(s.db.Dialect(), fresh)
		if t.random {
			w = t.asideWriter()
		}
		st.writers = append(st.writers, w)
	}
	return st
}

// run runs an import that puts rows aside, and moves them afterwards.
func (st *stage) run(ctx context.Context, phase func(what string), write func(saveBatch) error) error {
	if err := st.create(ctx); err != nil {
		return fmt.Errorf("create the stage of an import: %w", err)
	}
	defer func() { _ = st.drop(context.WithoutCancel(ctx)) }() // the next import drops what is left
	if err := write(func(ctx context.Context, b *oauth.ImportBatch) error { return st.store.importWith(ctx, st.writers, b) }); err != nil {
		return err
	}
	phase("sorting what was read")
	if err := sqldb.BulkAppend(ctx, st.store.db.SQL(), st.store.db.Dialect()); err != nil {
		return err
	}
	for _, w := range st.writers {
		if w.aside == nil {
			continue
		}
		if err := st.move(ctx, w); err != nil {
			return fmt.Errorf("import %s: %w (run the import again)", w.what, err)
		}
	}
	return nil
}

// create creates the tables, in place of those of an import that was killed.
func (st *stage) create(ctx context.Context) error {
	if err := st.drop(ctx); err != nil {
		return err
	}
	return st.each(ctx, func(t *importTable) string {
		return stageTable[st.store.db.Dialect().Name] + t.stageName() + " AS SELECT " + t.columns + " FROM " + t.name + " WHERE 1 = 0"
	})
}

func (st *stage) drop(ctx context.Context) error {
	return st.each(ctx, func(t *importTable) string { return "DROP TABLE IF EXISTS " + t.stageName() })
}

// each runs a statement for each table whose rows are put aside.
func (st *stage) each(ctx context.Context, statement func(*importTable) string) error {
	return st.store.db.Long(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, w := range st.writers {
			if w.aside == nil {
				continue
			}
			if _, err := tx.ExecContext(ctx, statement(w.importTable)); err != nil {
				return err
			}
		}
		return nil
	})
}

// move moves the rows of a table out of its stage. A server that was killed empties its
// unlogged tables, and continues: so their number must be right.
func (st *stage) move(ctx context.Context, w rowWriter) error {
	d := st.store.db.Dialect()
	return st.store.db.Long(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if d.Name == sqldb.Postgres.Name {
			if _, err := tx.ExecContext(ctx, "SET LOCAL work_mem = '64MB'"); err != nil {
				return err
			}
		}
		var have int64
		if err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+w.stageName()).Scan(&have); err != nil {
			return err
		}
		if want := w.aside.Load(); have != want {
			return fmt.Errorf("the database has lost %d of %d rows that it had stored", want-have, want)
		}
		_, err := tx.ExecContext(ctx, w.insert(d, st.fresh, w.fromStage()))
		return err
	})
}

// fromStage returns the query for the rows of the stage, each key once, in the order of
// the keys.
func (t *importTable) fromStage() string {
	columns, group := t.columns, ""
	if t.repeats {
		columns, group = t.key, " GROUP BY "+t.key
		for _, c := range t.later {
			columns += ", MAX(" + c + ")"
		}
	}
	return "SELECT " + columns + " FROM " + t.stageName() + " WHERE 1 = 1" + group + " ORDER BY " + t.key // without WHERE, SQLite reads ON CONFLICT as a join
}

// analyze lets the database choose its indexes by what the tables have after an import.
func analyze(ctx context.Context, db *sql.DB, d sqldb.Dialect) error {
	if d.Name != sqldb.Postgres.Name {
		return nil
	}
	_, err := db.ExecContext(ctx, "ANALYZE "+strings.Join(bulkTables, ", "))
	return err
}
