package sqldb

import (
	"context"
	"database/sql"
	"sync/atomic"
)

// text is a query in the database's syntax. It is prepared only outside transactions:
// preparing takes a connection, so a pool with a single connection would deadlock.
type text struct {
	bound  string
	packed bool // each row is one column: see pack
	stmt   atomic.Pointer[sql.Stmt]
	next   *text // the next text that a transaction used unprepared
	met    atomic.Bool

	lookups batcher[lookup] // the look-ups with this query
}

// use is the purpose of a query.
type use int

const (
	changes use = iota
	selects
	insertsIfAbsent
)

type textKey struct {
	q   string
	use use
}

func (db *DB) text(q string, u use) *text {
	key := textKey{q, u}
	if t, ok := db.texts.Load(key); ok {
		return t.(*text)
	}
	created := new(text)
	switch {
	case u == selects && db.dialect.packs:
		q, created.packed = pack(q)
	case u == insertsIfAbsent && db.dialect.onConflict:
		q += " ON CONFLICT DO NOTHING"
	}
	created.bound = db.dialect.bind(q)
	t, _ := db.texts.LoadOrStore(key, created)
	return t.(*text)
}

// prepared returns the prepared form of a text, or nil if the dialect has no cache. Do
// not call it while holding a connection.
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

// remember schedules a text to be prepared before the next transaction begins.
func (db *DB) remember(t *text) {
	if !db.dialect.prepare || t.met.Swap(true) {
		return
	}
	for {
		t.next = db.unprepared.Load()
		if db.unprepared.CompareAndSwap(t.next, t) {
			return
		}
	}
}

// prepareMet prepares the texts that earlier transactions used unprepared. If a text
// can't be prepared, it runs unprepared and reports its error then.
func (db *DB) prepareMet(ctx context.Context) {
	if db.unprepared.Load() == nil || db.suspect() {
		return
	}
	for t := db.unprepared.Swap(nil); t != nil; {
		next := t.next // once met is false, another goroutine may set next
		if _, err := db.prepared(ctx, t); err != nil {
			t.met.Store(false)
		}
		t = next
	}
}
