package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"runtime"
	"sync"
	"time"
	"weak"
)

// A restart, a failover, a pooler or a load balancer breaks the idle connections of a
// pool. The pool does not notice, and the next statement on each of them fails. So one
// broken connection makes the others suspect: for suspectTime, each connection is
// pinged before use, and dropped if it is dead. Each further broken connection
// restarts that time.
//
// The statement that meets the first broken connection is handled by its kind:
//
//   - A SELECT and a BEGIN change nothing. They run again, on a connection that was
//     pinged.
//   - A write outside a transaction can't be repeated: its outcome is unknown. On
//     PostgreSQL, the socket is checked before it (see [DB.connection]). The MySQL
//     driver does the same before each statement.
//   - COMMIT and the statements of a transaction are never repeated.
const suspectTime = time.Minute

// maxPing is the maximum time for a ping on a suspect connection. If a firewall drops
// its packets, no reply ever arrives, while other connections may work.
const maxPing = time.Second

// maxAttempts is how often a call tries to open a connection. A full pool passes the
// error of an attempt to each waiting caller. So the first error may be older than the
// call, and the database may be back.
const maxAttempts = 3

// maxRepeats is how often a SELECT or a BEGIN runs on connections that were pinged. A
// connection may break between the ping and the statement, several times while a
// database ends its sessions.
const maxRepeats = 8

// pool is the state that all users of a *sql.DB share.
type pool struct {
	writer       chan struct{} // a semaphore
	broken       moment        // when a connection was last found broken
	readOnly     moment        // when a node last refused a write as read-only
	onlyReadOnly moment        // when new connections were read-only too
	sockets      sockets
}

// pools holds the state of each *sql.DB. The weak key does not keep a database
// alive.
var pools sync.Map // weak.Pointer[sql.DB] → *pool

func poolOf(db *sql.DB) *pool {
	key := weak.Make(db)
	p, there := pools.LoadOrStore(key, &pool{writer: make(chan struct{}, 1)})
	if !there {
		runtime.AddCleanup(db, func(k weak.Pointer[sql.DB]) { pools.Delete(k) }, key)
	}
	return p.(*pool)
}

// suspect reports whether connections are pinged before use.
func (db *DB) suspect() bool {
	return db.pool.broken.within(suspectTime) || db.pool.readOnly.within(readOnlyTime)
}

// foundBroken examines the error of a statement. If the connection is broken, the other
// connections become suspect. It reports whether that is so and there is time to use
// another connection.
func (db *DB) foundBroken(ctx context.Context, err error) bool {
	if err == nil || db.dialect.inProcess || !broken(err) {
		return false
	}
	db.pool.found(err)
	return ctx.Err() == nil
}

func (p *pool) found(err error) {
	if errors.Is(err, errReadOnly) || classOf(err) == readOnly {
		p.foundReadOnly()
		return
	}
	p.broken.now()
}

// connection returns a connection of the pool. The caller closes it.
//
// A suspect connection is pinged first, or asked whether its node accepts writes: see
// [readOnlyTime]. For any other connection the socket is checked, which takes a few
// microseconds and no round trip. If the server closed it or sent a message, the
// connection is pinged. Only the socket of pgx is accessible.
func (db *DB) connection(ctx context.Context) (*sql.Conn, error) {
	if db.dialect.inProcess {
		return db.sql.Conn(ctx)
	}
	var last error
	attempts := 0
	for range db.sql.Stats().OpenConnections + maxAttempts { // each of them may be dead
		conn, err := db.sql.Conn(ctx)
		if err == nil && !db.suspect() && db.pool.quiet(conn) {
			return conn, nil
		}
		if err == nil {
			if err = db.usable(ctx, conn); err == nil {
				return conn, nil
			}
			drop(conn)
			db.pool.found(err)
		} else if attempts++; attempts == maxAttempts || !db.foundBroken(ctx, err) {
			return nil, err
		}
		if last = err; ctx.Err() != nil {
			break
		}
	}
	if errors.Is(last, errReadOnly) && ctx.Err() == nil {
		db.pool.onlyReadOnly.now()
		return db.connection(ctx)
	}
	return nil, last
}

// usable returns an error if a suspect connection must be dropped.
func (db *DB) usable(ctx context.Context, conn *sql.Conn) error {
	if !db.asksForWrites() {
		return ping(ctx, conn)
	}
	ctx, cancel := context.WithTimeout(ctx, maxPing)
	defer cancel()
	return db.takesWrites(ctx, conn)
}

func ping(ctx context.Context, conn *sql.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, maxPing)
	defer cancel()
	return conn.PingContext(ctx)
}

// drop makes the pool close a connection.
func drop(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = conn.Close() // in case Raw did not reach the driver
}

// run runs a single statement that is its own transaction. It sends it only once.
func (db *DB) run(ctx context.Context, t *text, args []any) (int64, error) {
	if db.dialect.prepare && !db.suspect() {
		s, err := db.prepared(ctx, t)
		if err == nil {
			return changed(s.ExecContext(ctx, args...))
		}
		if !db.foundBroken(ctx, err) {
			return 0, err
		}
	}
	var err error
	for range maxRepeats {
		var conn *sql.Conn
		if conn, err = db.connection(ctx); err != nil {
			return 0, err
		}
		var n int64
		n, err = changed(conn.ExecContext(ctx, t.bound, args...))
		_ = conn.Close()
		// A driver returns this error only if it has sent nothing.
		if !errors.Is(err, driver.ErrBadConn) || !db.foundBroken(ctx, err) {
			return n, err
		}
	}
	return 0, err
}
