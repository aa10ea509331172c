package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/go-passport/passport/oauth"
)

// Tx is a transaction of [DB.Tx].
type Tx struct {
	db    *DB
	tx    *sql.Tx
	bound []boundText // the statements that were used

	// again means that the database ended the transaction because of a conflict, even
	// if the function returns another error.
	again bool
}

// boundText is a prepared text, bound to a transaction. Binding costs as much as
// running it, and a group of writes runs the same texts repeatedly.
type boundText struct {
	text *text
	stmt *sql.Stmt
}

// Tx runs f in a transaction. While the transaction conflicts with another one, Tx runs
// f again from the start. f must begin with its write.
//
// Once begun, the transaction ignores the cancellation of the caller's context.
// Otherwise a client that disconnects could leave a COMMIT with an unknown outcome. The
// transaction's time limit is [Patience].
func (db *DB) Tx(ctx context.Context, f func(ctx context.Context, tx *Tx) error) error {
	return db.write(ctx, func(ctx context.Context) (bool, error) { return db.once(ctx, f) })
}

// Exec runs one statement as its own transaction, without BEGIN and COMMIT, and
// returns the number of changed rows. If the database does not reply, the outcome
// is unknown and the error is [oauth.ErrUnavailable].
func (db *DB) Exec(ctx context.Context, q string, args ...any) (n int64, err error) {
	if db.condition(ctx) != nil {
		err = db.Tx(ctx, func(ctx context.Context, tx *Tx) error {
			n, err = tx.Exec(ctx, q, args...)
			return err
		})
		return n, err
	}
	err = db.write(ctx, func(ctx context.Context) (bool, error) {
		n, err = db.exec(ctx, db.text(q, changes), args)
		return classOf(err) == conflict, failed(err)
	})
	return n, err
}

// Insert inserts a row unless its key exists, like [DB.Exec], and reports whether it
// inserted it.
func (db *DB) Insert(ctx context.Context, q string, args ...any) (ok bool, err error) {
	if db.condition(ctx) != nil {
		err = db.Tx(ctx, func(ctx context.Context, tx *Tx) error {
			ok, err = tx.Insert(ctx, q, args...)
			return err
		})
		return ok, err
	}
	err = db.write(ctx, func(ctx context.Context) (bool, error) {
		n, err := db.exec(ctx, db.text(q, insertsIfAbsent), args)
		ok, err = inserted(n, err)
		return classOf(err) == conflict, failed(err)
	})
	return ok, err
}

func (db *DB) exec(ctx context.Context, t *text, args []any) (int64, error) {
	ctx, cancel := db.statement(ctx)
	defer cancel()
	n, err := db.run(ctx, t, args)
	db.foundBroken(ctx, err)
	return n, err
}

// write waits for its turn. Then it runs attempt until it succeeds, fails
// permanently, or [Patience] has elapsed.
func (db *DB) write(ctx context.Context, attempt func(context.Context) (again bool, err error)) error {
	if err := ctx.Err(); err != nil {
		return &gaveUp{err, err}
	}
	if err := db.acquireWriter(ctx); err != nil {
		return err
	}
	defer db.releaseWriter()

	own, cancel := context.WithTimeout(context.WithoutCancel(ctx), Patience)
	defer cancel()
	db.prepareMet(own)
	for wait := firstWait; ; wait = longer(wait) {
		again, err := attempt(own)
		switch {
		case err == nil:
			return nil
		case !again:
			return db.explained(own, err)
		case !pause(own, wait):
			return db.explained(own, unavailable(err))
		}
	}
}

// firstWait is the maximum pause before the first retry. Pauses grow and are random, so
// that the same transactions do not collide again.
const firstWait = time.Millisecond

func longer(wait time.Duration) time.Duration { return min(2*wait, 50*time.Millisecond) }

// pause waits, and reports whether there is time for another attempt.
func pause(ctx context.Context, longest time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(rand.N(longest)): //nolint:gosec // not a secret
		return true
	}
}

// acquireWriter waits for the writer's semaphore if the database has a single
// writer.
func (db *DB) acquireWriter(ctx context.Context) error {
	if !db.dialect.oneWriter {
		return nil
	}
	select {
	case db.pool.writer <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(2 * Patience)
	defer timer.Stop()
	select {
	case db.pool.writer <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &gaveUp{ctx.Err(), fmt.Errorf("wait for the writer: %w", ctx.Err())}
	case <-timer.C:
		return unavailable(errors.New("wait for the writer: other writers took too long"))
	}
}

func (db *DB) releaseWriter() {
	if db.dialect.oneWriter {
		<-db.pool.writer
	}
}

// explained adds the likely cause of a failed write on SQLite.
func (db *DB) explained(own context.Context, err error) error {
	if !db.dialect.oneWriter || !errors.Is(err, oauth.ErrUnavailable) {
		return err
	}
	if classOf(err) == conflict || own.Err() != nil {
		return fmt.Errorf("%w (SQLite has one writer: a write cannot succeed while "+
			"the application has its own transaction open around it; call it after that transaction)", err)
	}
	return err
}

// once runs f in one transaction.
func (db *DB) once(ctx context.Context, f func(context.Context, *Tx) error) (again bool, err error) {
	tx, ctx, done, err := db.begin(ctx)
	if err != nil {
		return classOf(err) == conflict, failed(fmt.Errorf("begin: %w", err))
	}
	defer done() // no effect after COMMIT
	t := &Tx{db: db, tx: tx}
	if err := t.check(ctx); err != nil {
		return t.again, err
	}
	if err := f(ctx, t); err != nil {
		return t.again, err
	}
	if err := tx.Commit(); err != nil {
		db.foundBroken(ctx, err)
		// Only a conflict means that nothing was written. After any other error, a
		// retry could find our own write and report a replay.
		if classOf(err) == conflict {
			return true, err
		}
		return false, unavailable(fmt.Errorf("commit, its outcome is unknown: %w", err))
	}
	return false, nil
}

// begin returns a transaction, the context for its statements, and a function that
// rolls it back and returns its connection. If the connection was broken, it begins the
// transaction on another one, [maxRepeats] times at most. On SQLite the context is
// watched only while waiting for a connection: see [DB.statement].
func (db *DB) begin(ctx context.Context) (*sql.Tx, context.Context, func(), error) {
	if !db.dialect.inProcess && !db.suspect() {
		tx, err := db.sql.BeginTx(ctx, nil)
		if !db.foundBroken(ctx, err) {
			return tx, ctx, func() { _ = tx.Rollback() }, err
		}
	}
	var last error
	for range maxRepeats {
		conn, err := db.connection(ctx)
		if err != nil {
			return nil, nil, nil, err
		}
		if db.dialect.inProcess {
			ctx = context.WithoutCancel(ctx)
		}
		tx, err := conn.BeginTx(ctx, nil)
		if err == nil {
			return tx, ctx, func() {
				_ = tx.Rollback()
				_ = conn.Close()
			}, nil
		}
		last = errors.Join(err, conn.Close())
		if !db.foundBroken(ctx, err) {
			break
		}
	}
	return nil, nil, nil, last
}

// Exec runs a statement and returns the number of changed rows.
func (t *Tx) Exec(ctx context.Context, q string, args ...any) (int64, error) {
	n, err := t.exec(ctx, t.db.text(q, changes), args)
	return n, t.failed(err)
}

// Insert inserts a row unless its key exists, and reports whether it inserted it.
func (t *Tx) Insert(ctx context.Context, q string, args ...any) (bool, error) {
	ok, err := inserted(t.exec(ctx, t.db.text(q, insertsIfAbsent), args))
	return ok, t.failed(err)
}

func (t *Tx) exec(ctx context.Context, x *text, args []any) (int64, error) {
	if s := t.prepared(ctx, x); s != nil {
		return changed(s.ExecContext(ctx, args...))
	}
	return changed(t.tx.ExecContext(ctx, x.bound, args...))
}

// prepared returns the prepared form of a text, or nil if there is none yet.
func (t *Tx) prepared(ctx context.Context, x *text) *sql.Stmt {
	for _, b := range t.bound {
		if b.text == x {
			return b.stmt
		}
	}
	s := x.stmt.Load()
	if s == nil {
		t.db.remember(x)
		return nil
	}
	s = t.tx.StmtContext(ctx, s)
	t.bound = append(t.bound, boundText{x, s})
	return s
}

// Row runs a SELECT like [DB.Row]. A transaction must not begin with it.
func (t *Tx) Row(ctx context.Context, q string, scan func(Row) error, args ...any) error {
	n, err := t.each(ctx, q, scan, args)
	if err == nil && n == 0 {
		return oauth.ErrNotFound
	}
	return err
}

// Each runs a SELECT like [DB.Each]. A transaction must not begin with it.
func (t *Tx) Each(ctx context.Context, q string, scan func(Row) error, args ...any) error {
	_, err := t.each(ctx, q, scan, args)
	return err
}

func (t *Tx) each(ctx context.Context, q string, scan func(Row) error, args []any) (int, error) {
	x := t.db.text(q, selects)
	var rows *sql.Rows
	var err error
	if s := t.prepared(ctx, x); s != nil {
		rows, err = s.QueryContext(ctx, args...)
	} else {
		rows, err = t.tx.QueryContext(ctx, x.bound, args...)
	}
	if err != nil {
		return 0, t.failed(err)
	}
	n, err := drain(ctx, rows, x.row(rows), scan)
	if classOf(err) == conflict {
		t.again = true
	}
	t.db.readBroke(ctx, ctx, err)
	return n, err
}

// failed records a conflict, so that the transaction is retried.
func (t *Tx) failed(err error) error {
	if err == nil {
		return nil
	}
	if classOf(err) == conflict {
		t.again = true
	}
	t.db.foundBroken(context.Background(), err)
	return failed(err)
}

// failed is [failure] for a write, which ignores the caller's context.
func failed(err error) error {
	if err == nil {
		return nil
	}
	return failure(context.Background(), err)
}

func changed(res sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// inserted returns the outcome of an insert-if-absent: no row, or a duplicate key
// for a plain INSERT.
func inserted(n int64, err error) (bool, error) {
	if err != nil && classOf(err) == duplicate {
		return false, nil
	}
	return n == 1, err
}
