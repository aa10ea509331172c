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
	group   group // of writes that share a transaction
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

// Query runs a SELECT outside any transaction. The caller closes the rows
// before it asks anything else, or a pool of one hangs; [DB.Row] and
// [DB.Each] do that by themselves.
func (db *DB) Query(ctx context.Context, q string, args ...any) (*sql.Rows, error) {
	rows, err := db.query(ctx, q, args)
	if err != nil {
		return nil, failure(ctx, err)
	}
	return rows, nil
}

func (db *DB) query(ctx context.Context, q string, args []any) (*sql.Rows, error) {
	t := db.text(q, false)
	s, err := db.prepared(ctx, t)
	switch {
	case err != nil:
		return nil, err
	case s != nil:
		return s.QueryContext(ctx, args...)
	}
	return db.sql.QueryContext(ctx, t.bound, args...)
}

// Row runs a SELECT for one record and gives each row of the answer to scan: a
// record that joins a list has several. Without a row it is [oauth.ErrNotFound].
func (db *DB) Row(ctx context.Context, q string, scan func(*sql.Rows) error, args ...any) error {
	n, err := db.each(ctx, q, scan, args)
	if err == nil && n == 0 {
		return oauth.ErrNotFound
	}
	return err
}

// Each runs a SELECT and gives each row of the answer to scan, which must not
// ask the database anything.
func (db *DB) Each(ctx context.Context, q string, scan func(*sql.Rows) error, args ...any) error {
	_, err := db.each(ctx, q, scan, args)
	return err
}

// each asks again as long as the statement meets a transaction and has answered
// no row: at the strictest isolation level that happens to a SELECT too.
func (db *DB) each(ctx context.Context, q string, scan func(*sql.Rows) error, args []any) (n int, err error) {
	limited, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	for wait := firstWait; ; wait = longer(wait) {
		rows, err := db.query(limited, q, args)
		if err == nil {
			n, err = drain(ctx, rows, scan)
		} else {
			err = failure(ctx, err)
		}
		if err == nil || n > 0 || classOf(err) != conflict || !pause(limited, wait) {
			return n, err
		}
	}
}

// drain gives each row to scan, and closes them. What scan says is returned as
// it is.
func drain(ctx context.Context, rows *sql.Rows, scan func(*sql.Rows) error) (n int, err error) {
	defer rows.Close()
	for ; rows.Next(); n++ {
		if err := scan(rows); err != nil {
			return n, err
		}
	}
	if err := rows.Err(); err != nil {
		return n, failure(ctx, err)
	}
	return n, nil
}

// text is a query as the database wants it. A prepared form is made outside of
// transactions only: making one takes a connection, and a pool of one would
// hang.
type text struct {
	bound string
	stmt  atomic.Pointer[sql.Stmt]
	next  *text // of those that a transaction met unprepared
	met   atomic.Bool
}

type textKey struct {
	q        string
	ifAbsent bool
}

func (db *DB) text(q string, ifAbsent bool) *text {
	key := textKey{q, ifAbsent}
	if t, ok := db.texts.Load(key); ok {
		return t.(*text)
	}
	bound := db.dialect.bind(q)
	if ifAbsent && db.dialect.onConflict {
		bound += " ON CONFLICT DO NOTHING"
	}
	t, _ := db.texts.LoadOrStore(key, &text{bound: bound})
	return t.(*text)
}

// prepared returns the prepared form of a text, nil where we keep none. It must
// not be called while a connection is held.
func (db *DB) prepared(ctx context.Context, t *text) (*sql.Stmt, error) {
	if s := t.stmt.Load(); s != nil || !db.dialect.prepare {
		return s, nil
	}
	s, err := db.sql.PrepareContext(ctx, t.bound)
	if err != nil {
		return nil, err
	}
	if !t.stmt.CompareAndSwap(nil, s) {
		s.Close()
	}
	return t.stmt.Load(), nil
}

// remember has a text prepared before the next transaction begins.
func (db *DB) remember(t *text) {
	if !db.dialect.prepare || t.met.Swap(true) {
		return
	}
	for {
		t.next = db.unmade.Load()
		if db.unmade.CompareAndSwap(t.next, t) {
			return
		}
	}
}

// prepareMet prepares what earlier transactions met unprepared. What cannot be
// prepared runs as it is, and its own error tells why.
func (db *DB) prepareMet(ctx context.Context) {
	if db.unmade.Load() == nil {
		return
	}
	for t := db.unmade.Swap(nil); t != nil; t = t.next {
		_, err := db.prepared(ctx, t)
		if err != nil {
			t.met.Store(false)
		}
	}
}
