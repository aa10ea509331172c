package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/go-passport/passport/internal/sqldb"
)

// Rows with random keys, inserted one by one into a large table, cost a read and two
// writes of a page each. So an import into a database without tokens appends them to
// tables without a key, the stage, and moves them at the end in the order of their keys.

// stageTable is the statement that creates the stage of a table. MySQL has none.
var stageTable = map[string]string{
	sqldb.SQLite.Name:   "CREATE TEMP TABLE ",
	sqldb.Postgres.Name: "CREATE UNLOGGED TABLE ",
}

// insertFresh begins the statement that fills an empty table. A row that is there already
// is a fault. OR FAIL spares SQLite the journal that would undo a part of a statement: the
// transaction is undone as a whole.
var insertFresh = map[string]string{
	sqldb.SQLite.Name:   "INSERT OR FAIL INTO ",
	sqldb.Postgres.Name: "INSERT INTO ",
}

// staged are the tables whose keys are random. Access tokens arrive in the order of their
// IDs, and so do families: see [oauth.ImportedFamilyID].
var staged = []*upsert{&importRefreshTokens, &importConsents}

// stage is the state of an import that puts rows aside. It counts them: a server that was
// killed empties its unlogged tables, and continues.
type stage struct {
	fresh bool // the tables had no rows
	rows  map[string]*atomic.Int64
}

type stageKey struct{}

// stageOf returns the stage of an import, or nil without one.
func stageOf(ctx context.Context) *stage {
	s, _ := ctx.Value(stageKey{}).(*stage)
	return s
}

// of returns the counter of a table's stage, or nil if its rows are not put aside.
func (s *stage) of(u upsert) *atomic.Int64 {
	if s == nil {
		return nil
	}
	return s.rows[u.name]
}

// stageName returns the name of the stage of a table.
func (t importTable) stageName() string { return strings.Replace(t.name, "oauth_", "oauth_staged_", 1) }

// fromStage returns the query for the rows of the stage, each key once, in the order of
// the keys.
func (t importTable) fromStage() string {
	columns, group := t.columns, ""
	if t.repeats {
		columns, group = t.key, " GROUP BY "+t.key
		for _, c := range t.later {
			columns += ", MAX(" + c + ")"
		}
	}
	return "SELECT " + columns + " FROM " + t.stageName() + " WHERE 1 = 1" + group + " ORDER BY " + t.key // without WHERE, SQLite reads ON CONFLICT as a join
}

// whileStaged runs an import with a stage, and moves the rows afterwards. fresh means that
// the tables have no rows.
func (s *Store) whileStaged(ctx context.Context, fresh bool, run func(context.Context) error) error {
	create, ok := stageTable[s.db.Dialect().Name]
	if !ok {
		return run(ctx)
	}
	drop := func(ctx context.Context) error {
		for _, u := range staged {
			if _, err := s.db.SQL().ExecContext(ctx, "DROP TABLE IF EXISTS "+u.stageName()); err != nil {
				return fmt.Errorf("drop the stage of an import: %w", err)
			}
		}
		return nil
	}
	if err := drop(ctx); err != nil { // of an import that was killed
		return err
	}
	defer func() { _ = drop(context.WithoutCancel(ctx)) }() // the next import drops what is left
	st := &stage{fresh, map[string]*atomic.Int64{}}
	for _, u := range staged {
		if _, err := s.db.SQL().ExecContext(ctx, create+u.stageName()+" AS SELECT "+u.importTable.columns+" FROM "+u.name+" WHERE 1 = 0"); err != nil {
			return fmt.Errorf("create the stage of an import: %w", err)
		}
		st.rows[u.name] = new(atomic.Int64)
	}
	if err := run(context.WithValue(ctx, stageKey{}, st)); err != nil {
		return err
	}
	if err := sqldb.BulkAppend(ctx, s.db.SQL(), s.db.Dialect()); err != nil {
		return err
	}
	for _, u := range staged {
		move := u.move
		if fresh {
			move = u.moveFresh[s.db.Dialect().Name]
		}
		if err := s.moveStaged(ctx, u.stageName(), move, st.of(*u).Load()); err != nil {
			return fmt.Errorf("import %s: %w (run the import again)", u.what, err)
		}
	}
	return nil
}

// moveStaged moves the rows of a stage to their table.
func (s *Store) moveStaged(ctx context.Context, from, move string, want int64) (err error) {
	tx, err := s.db.SQL().BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = tx.Rollback()
		}
	}()
	if s.db.Dialect().Name == sqldb.Postgres.Name {
		if _, err := tx.ExecContext(ctx, "SET LOCAL work_mem = '64MB'"); err != nil {
			return err
		}
	}
	var have int64
	if err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+from).Scan(&have); err != nil {
		return err
	}
	if have != want {
		return fmt.Errorf("the database has lost %d of %d rows that it had stored", want-have, want)
	}
	if _, err := tx.ExecContext(ctx, move); err != nil {
		return err
	}
	return tx.Commit()
}

// analyze lets the database choose its indexes by what the tables have after an import.
func analyze(ctx context.Context, db *sql.DB, d sqldb.Dialect) error {
	if d.Name != sqldb.Postgres.Name {
		return nil
	}
	_, err := db.ExecContext(ctx, "ANALYZE "+strings.Join(bulkTables, ", "))
	return err
}
