package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-passport/passport/oauth"
)

// Patience is the maximum time of a statement or a transaction, including all retries.
// After that, the error is [oauth.ErrUnavailable].
const Patience = 5 * time.Second

// DB is an application's database.
type DB struct {
	sql        *sql.DB
	dialect    Dialect
	pool       *pool
	texts      sync.Map // textKey → *text
	unprepared atomic.Pointer[text]
	writes     batcher[Member] // the writes that share a transaction
}

// New returns db as a DB. It does not access the database.
func New(db *sql.DB, d Dialect) *DB {
	if d.Name == "" {
		panic("sqldb: want the dialect SQLite, Postgres or MySQL")
	}
	return &DB{sql: db, dialect: d, pool: poolOf(db)}
}

// SQL returns the application's pool.
func (db *DB) SQL() *sql.DB { return db.sql }

// Dialect returns the kind of the database.
func (db *DB) Dialect() Dialect { return db.dialect }

// Row runs a SELECT for one row and calls scan for it. If there is no row, Row returns
// [oauth.ErrNotFound]. After a conflict the SELECT runs again, and scan overwrites what
// it scanned before.
func (db *DB) Row(ctx context.Context, q string, scan func(Row) error, args ...any) error {
	return db.row(ctx, selection{text: db.text(q, selects), scan: scan, args: args})
}

func (db *DB) row(ctx context.Context, s selection) error {
	n, err := db.each(ctx, s)
	if err == nil && n == 0 {
		return oauth.ErrNotFound
	}
	return err
}

// Each runs a SELECT and calls scan for each row of the result. It reads all rows
// before it calls scan, so that it can repeat the SELECT after a conflict.
func (db *DB) Each(ctx context.Context, q string, scan func(Row) error, args ...any) error {
	var all []columns
	keep := func(row Row) error {
		c, err := row.(interface{ columns() (columns, error) }).columns()
		all = append(all, c)
		return err
	}
	s := selection{text: db.text(q, selects), scan: keep, args: args, forget: func() { all = nil }}
	if _, err := db.each(ctx, s); err != nil {
		return err
	}
	for _, row := range all {
		if err := scan(row); err != nil {
			return err
		}
	}
	return nil
}

// each retries while the statement conflicts with a transaction. At the strictest
// isolation level a SELECT can conflict too, even after its first rows.
func (db *DB) each(ctx context.Context, s selection) (n int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, &gaveUp{err, err}
	}
	own, cancel := db.statement(ctx)
	defer cancel()
	begun := time.Now()
	for wait := firstWait; ; wait = longer(wait) {
		n, err = db.read(ctx, own, s)
		if err == nil || classOf(err) != conflict || time.Since(begun) > Patience || !pause(own, wait) {
			return n, err
		}
		s.again()
	}
}

// selection is a SELECT and the function that receives its rows.
type selection struct {
	text *text
	scan func(Row) error
	args []any

	forget func() // drops the rows that scan received; nil if scan overwrites them
}

// again prepares to run the SELECT again.
func (s selection) again() {
	if s.forget != nil {
		s.forget()
	}
}

// read runs a SELECT. If its connection was broken, it runs the SELECT again on another
// connection, [maxRepeats] times at most. own limits its
// time; ctx is the caller's.
func (db *DB) read(ctx, own context.Context, s selection) (n int, err error) {
	if !db.suspect() {
		rows, err := db.query(own, s.text, s.args)
		n, err = s.drain(ctx, rows, err)
		if !db.readBroke(ctx, own, err) {
			return n, err
		}
		s.again()
	}
	for range maxRepeats {
		var conn *sql.Conn
		if conn, err = db.connection(own); err != nil {
			return 0, failure(ctx, err)
		}
		var rows *sql.Rows
		rows, err = conn.QueryContext(own, s.text.bound, s.args...)
		n, err = s.drain(ctx, rows, err)
		_ = conn.Close()
		if !db.readBroke(ctx, own, err) {
			return n, err
		}
		s.again()
	}
	return n, err
}

// readBroke is [DB.foundBroken] for a SELECT. It ignores errors of scan and a canceled
// caller, because they don't show that the connection is broken.
func (db *DB) readBroke(ctx, own context.Context, err error) bool {
	return err != nil && ctx.Err() == nil && errors.Is(err, oauth.ErrUnavailable) && db.foundBroken(own, err)
}

func (s selection) drain(ctx context.Context, rows *sql.Rows, err error) (int, error) {
	if err != nil {
		return 0, failure(ctx, err)
	}
	return drain(ctx, rows, s.text.row(rows), s.scan)
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

// drain calls scan for each row and closes the rows. It returns the number of calls,
// and scan's error unchanged.
func drain(ctx context.Context, rows *sql.Rows, row Row, scan func(Row) error) (n int, err error) {
	defer rows.Close()
	for rows.Next() {
		n++
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
// takes two more goroutines, which cost as much as reading a row. Our statements are
// too short to cancel, and busy_timeout limits the wait for a lock. Only the wait for a
// connection may be long. So the context is watched only if no connection is free. If
// another caller takes the last free connection at this moment, the statement waits
// until it is returned.
func (db *DB) statement(ctx context.Context) (context.Context, context.CancelFunc) {
	if db.dialect.inProcess {
		if s := db.sql.Stats(); s.MaxOpenConnections == 0 || s.InUse < s.MaxOpenConnections {
			return context.WithoutCancel(ctx), func() {}
		}
	}
	return context.WithTimeout(ctx, Patience)
}
