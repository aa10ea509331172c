package sqldb

import (
	"context"
	"database/sql"
	"sync/atomic"
)

// text is a query as the database wants it. A prepared form is made outside of
// transactions only: making one takes a connection, and a pool of one would
// hang.
type text struct {
	bound  string
	packed bool // each row is one column: see pack
	stmt   atomic.Pointer[sql.Stmt]
	next   *text // of those that a transaction met unprepared
	met    atomic.Bool

	lookups crowd[lookup] // of those who look up by this query
}

// use is what a query is used for.
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
	made := new(text)
	switch {
	case u == selects && db.dialect.packs:
		q, made.packed = pack(q)
	case u == insertsIfAbsent && db.dialect.onConflict:
		q += " ON CONFLICT DO NOTHING"
	}
	made.bound = db.dialect.bind(q)
	t, _ := db.texts.LoadOrStore(key, made)
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
	for t := db.unmade.Swap(nil); t != nil; {
		next := t.next // a text that is not met any more belongs to whoever meets it
		if _, err := db.prepared(ctx, t); err != nil {
			t.met.Store(false)
		}
		t = next
	}
}
