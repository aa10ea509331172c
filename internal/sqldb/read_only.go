package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
	"time"
)

// After a failover, connections to the old primary may stay open: it is read-only now,
// or outside of its cluster. It answers pings and SELECTs, so only a refused write
// shows it. From then on, a connection is asked before each use whether its node takes
// writes, and dropped if not. The driver makes a new one, to the new primary if the
// URL names several servers or their address has moved.
//
// readOnlyTime is for how long. It is longer than the binary keeps an idle connection,
// so that none to the old primary is left.
const readOnlyTime = 10 * time.Minute

// onlyReadOnlyTime is for how long connections are used as they are, once new ones lead
// to a read-only node as well. Without this limit, each SELECT would make connections
// while no node takes writes.
const onlyReadOnlyTime = time.Second

var errReadOnly = errors.New("the database takes no writes: it is read-only (a standby, or a primary that was demoted)")

// moment is a time that goroutines share. Its zero value is long ago.
type moment struct{ at atomic.Pointer[time.Time] }

func (m *moment) now() {
	now := time.Now()
	m.at.Store(&now)
}

func (m *moment) within(d time.Duration) bool {
	at := m.at.Load()
	return at != nil && time.Since(*at) < d
}

func (p *pool) foundReadOnly() { p.readOnly.now() }

// asksForWrites reports whether a connection is asked if its node takes writes.
func (db *DB) asksForWrites() bool {
	return db.dialect.readOnly != "" && db.pool.readOnly.within(readOnlyTime) && !db.pool.onlyReadOnly.within(onlyReadOnlyTime)
}

// takesWrites asks a connection. The error is errReadOnly, or says that the connection
// is broken.
func (db *DB) takesWrites(ctx context.Context, conn *sql.Conn) error {
	refuses := int64(0)
	rows, err := conn.QueryContext(ctx, db.dialect.readOnly)
	if err == nil {
		_, err = drain(ctx, rows, rows, func(row Row) error { return row.Scan(&refuses) })
	}
	switch {
	case err != nil && classOf(err) == readOnly: // a Galera node refuses SELECTs, too
		return errReadOnly
	case err != nil && broken(err):
		return err
	case refuses != 0:
		return errReadOnly
	}
	return nil
}
