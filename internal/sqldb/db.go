package sqldb

import (
	"context"
	"database/sql"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"weak"

	"github.com/go-passport/passport/oauth"
)

// Patience is how long a statement or a transaction may take, all its retries
// included, before it is given up as unavailable.
const Patience = 5 * time.Second

// DB is an application's database.
type DB struct {
	sql     *sql.DB
	dialect Dialect
	writer  chan struct{} // one place; nil unless the database has one writer
	texts   sync.Map      // textKey → *text
	unmade  atomic.Pointer[text]
	writes  crowd[Member] // of those that share a transaction
}

// writers holds the writer's semaphore of each SQLite database, so that all
// who share a *sql.DB share it. A weak key keeps no database alive.
var writers sync.Map // weak.Pointer[sql.DB] → chan struct{}

// New returns db as a DB. It touches nothing.
func New(db *sql.DB, d Dialect) *DB {
	if d.Name == "" {
		panic("sqldb: a dialect is one of SQLite, Postgres and MySQL")
	}
	out := &DB{sql: db, dialect: d}
	if d.oneWriter {
		out.writer = writerOf(db)
	}
	return out
}

func writerOf(db *sql.DB) chan struct{} {
	key := weak.Make(db)
	w, there := writers.LoadOrStore(key, make(chan struct{}, 1))
	if !there {
		runtime.AddCleanup(db, func(k weak.Pointer[sql.DB]) { writers.Delete(k) }, key)
	}
	return w.(chan struct{})
}

// SQL returns the application's pool.
func (db *DB) SQL() *sql.DB { return db.sql }

// Dialect returns the kind of the database.
func (db *DB) Dialect() Dialect { return db.dialect }

// Row runs a SELECT for one record and gives each row of the answer to scan: a
// record that joins a list has several. Without a row it is [oauth.ErrNotFound].
func (db *DB) Row(ctx context.Context, q string, scan func(Row) error, args ...any) error {
	return db.row(ctx, db.text(q, selects), scan, args...)
}

func (db *DB) row(ctx context.Context, t *text, scan func(Row) error, args ...any) error {
	n, err := db.each(ctx, t, scan, args)
	if err == nil && n == 0 {
		return oauth.ErrNotFound
	}
	return err
}

// Each runs a SELECT and gives each row of the answer to scan, which must not
// ask the database anything.
func (db *DB) Each(ctx context.Context, q string, scan func(Row) error, args ...any) error {
	_, err := db.each(ctx, db.text(q, selects), scan, args)
	return err
}

// each asks again as long as the statement meets a transaction and has answered
// no row: at the strictest isolation level that happens to a SELECT too.
func (db *DB) each(ctx context.Context, t *text, scan func(Row) error, args []any) (n int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, &gaveUp{err, err}
	}
	own, cancel := db.statement(ctx)
	defer cancel()
	begun := time.Now()
	for wait := firstWait; ; wait = longer(wait) {
		rows, err := db.query(own, t, args)
		if err == nil {
			n, err = drain(ctx, rows, t.row(rows), scan)
		} else {
			err = failure(ctx, err)
		}
		if err == nil || n > 0 || classOf(err) != conflict || time.Since(begun) > Patience || !pause(own, wait) {
			return n, err
		}
	}
}

func (db *DB) query(ctx context.Context, t *text, args []any) (*sql.Rows, error) {
	s, err := db.prepared(ctx, t)
	switch {
	case err != nil:
		return nil, err
	case s != nil:
		return s.QueryContext(ctx, args...)
	}
	return db.sql.QueryContext(ctx, t.bound, args...)
}

// drain gives each row to scan, as row shows it, and closes them. What scan says
// is returned as it is.
func drain(ctx context.Context, rows *sql.Rows, row Row, scan func(Row) error) (n int, err error) {
	defer rows.Close()
	for ; rows.Next(); n++ {
		if err := scan(row); err != nil {
			return n, err
		}
	}
	if err := rows.Err(); err != nil {
		return n, failure(ctx, err)
	}
	return n, nil
}

// statement returns the context of one statement outside of transactions: it ends
// with ctx, and after [Patience].
//
// SQLite runs a statement in its caller's goroutine, where a context that may end
// is watched by two more, which costs as much as reading a row; and none of ours
// takes long enough there to be ended, the wait for a lock being bounded by
// busy_timeout. What may take long is to get a connection. So the context is
// watched where none is free. Should the last one be taken at this very moment,
// it is waited for until it is given back.
func (db *DB) statement(ctx context.Context) (context.Context, context.CancelFunc) {
	if db.dialect.inProcess {
		if s := db.sql.Stats(); s.MaxOpenConnections == 0 || s.InUse < s.MaxOpenConnections {
			return context.WithoutCancel(ctx), func() {}
		}
	}
	return context.WithTimeout(ctx, Patience)
}
