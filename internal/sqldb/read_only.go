package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
	"time"
)

// After a failover, connections to the old primary may stay open: it is now read-only,
// or outside its cluster. It replies to pings and SELECTs, so only a refused write
// shows it. From then on, each connection is asked before use whether its node accepts
// writes, and dropped if not. The driver opens a new one, to the new primary if the
// URL names several servers or their address has moved.
//
// readOnlyTime is how long this lasts. It is longer than the binary keeps an idle
// connection, so that no connection to the old primary is left afterwards.
const readOnlyTime = 10 * time.Minute

// onlyReadOnlyTime is how long connections are used without that check after new ones
// lead to a read-only node too. Without this limit, each SELECT would open connections
// while no node accepts writes.
const onlyReadOnlyTime = time.Second

var errReadOnly = errors.New("the database accepts no writes: it is read-only (a standby, or a primary that was demoted)")

// moment is a time that goroutines share. Its zero value is never within a duration.
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

// asksForWrites reports whether a connection is asked if its node accepts writes.
func (db *DB) asksForWrites() bool {
	return db.dialect.readOnly != "" && db.pool.readOnly.within(readOnlyTime) && !db.pool.onlyReadOnly.within(onlyReadOnlyTime)
}

// takesWrites asks whether a connection's node accepts writes. It returns errReadOnly
// if not, or the error of a broken connection.
func (db *DB) takesWrites(ctx context.Context, conn *sql.Conn) error {
	refuses := int64(0)
	rows, err := conn.QueryContext(ctx, db.dialect.readOnly)
	if err == nil {
		_, err = drain(ctx, rows, rows, func(row Row) error { return row.Scan(&refuses) })
	}
	switch {
	case err != nil && classOf(err) == readOnly: // a Galera node refuses SELECTs too
		return errReadOnly
	case err != nil && broken(err):
		return err
	case refuses != 0:
		return errReadOnly
	}
	return nil
}
