package sqldb

import (
	"context"
	"database/sql"
	"fmt"
)

// condition is what must be true for each write under a context.
type condition struct {
	pool      *sql.DB
	statement string
	args      func() []any
	otherwise error
}

type conditionKey struct{}

// While returns a context under which each write to this database begins with a
// statement. If the statement changes no row, the write fails with the given error and
// changes nothing. The statement locks the row that it changes, so the next writer of that row
// waits for the end of the write: the check is never out of date. args gives the
// arguments for each write. MySQL doesn't count a row that keeps its values.
func (db *DB) While(ctx context.Context, statement string, args func() []any, otherwise error) context.Context {
	return context.WithValue(ctx, conditionKey{}, &condition{db.sql, statement, args, otherwise})
}

// condition returns the condition of a context, or nil.
func (db *DB) condition(ctx context.Context) *condition {
	c, _ := ctx.Value(conditionKey{}).(*condition)
	if c == nil || c.pool != db.sql {
		return nil
	}
	return c
}

// check runs the condition of a transaction's context.
func (t *Tx) check(ctx context.Context) error {
	c := t.db.condition(ctx)
	if c == nil {
		return nil
	}
	n, err := t.Exec(ctx, c.statement, c.args()...)
	if err == nil && n == 0 {
		return c.otherwise
	}
	return err
}

// Long runs f in one transaction that may take minutes. It ends with its context, and it
// isn't repeated.
func (db *DB) Long(ctx context.Context, f func(context.Context, *sql.Tx) error) error {
	tx, err := db.sql.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // no effect after COMMIT
	if err := (&Tx{db: db, tx: tx}).check(ctx); err != nil {
		return err
	}
	if err := f(ctx, tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}
