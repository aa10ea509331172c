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

// Patience is the maximum time of a statement or a transaction, including all
// retries. After it, the error is [oauth.ErrUnavailable].
const Patience = 5 * time.Second

// DB is an application's database.
type DB struct {
	sql        *sql.DB
	dialect    Dialect
	writer     chan struct{} // a semaphore; nil unless the database has a single writer
	texts      sync.Map      // textKey → *text
	unprepared atomic.Pointer[text]
	writes     batcher[Member] // the writes that share a transaction
}

// writers holds the writer's semaphore of each SQLite database, so that all users
// of a *sql.DB share it. The weak key does not keep a database alive.
var writers sync.Map // weak.Pointer[sql.DB] → chan struct{}

// New returns db as a DB. It does not use the database.
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

// Row runs a SELECT for one record, and calls scan for each row of the result. A
// record that joins a list has several rows. Without a row it returns
// [oauth.ErrNotFound].
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

// Each runs a SELECT and calls scan for each row of the result. scan must not query
// the database.
func (db *DB) Each(ctx context.Context, q string, scan func(Row) error, args ...any) error {
	_, err := db.each(ctx, db.text(q, selects), scan, args)
	return err
}

// each retries while the statement conflicts with a transaction and has returned no
// row. At the strictest isolation level a SELECT can conflict, too.
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

// drain calls scan for each row, as row presents it, and closes the rows. It
// returns scan's error unchanged.
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

// statement returns the context of a statement outside of transactions. It ends
// with ctx, and after [Patience].
//
// SQLite runs a statement in its caller's goroutine. Watching a cancelable context
// takes two more goroutines, which cost as much as reading a row. No statement of
// ours runs long enough to be canceled, and busy_timeout limits the wait for a
// lock. Only getting a connection may take long. So the context is watched only if
// no connection is free. If the last free connection is taken at this very moment,
// the statement waits until it is returned.
func (db *DB) statement(ctx context.Context) (context.Context, context.CancelFunc) {
	if db.dialect.inProcess {
		if s := db.sql.Stats(); s.MaxOpenConnections == 0 || s.InUse < s.MaxOpenConnections {
			return context.WithoutCancel(ctx), func() {}
		}
	}
	return context.WithTimeout(ctx, Patience)
}
