package dbtest

import (
	"database/sql"
	"testing"

	"modernc.org/sqlite"

	"github.com/go-passport/passport/internal/sqldb"
)

// Reads is the cost of a call.
type Reads struct {
	Statements int
	Rows       int // pages on SQLite, which does not count rows
}

// Meter counts the statements that a call runs, and the rows that the database reads
// for them, whether or not a result has them.
type Meter struct {
	db      *sql.DB
	counter *Counter
	dialect sqldb.Dialect
}

// NewMeter returns a pool with a single connection to the database at the URL, and a
// meter for it.
func NewMeter(t testing.TB, databaseURL string, d sqldb.Dialect) (*sql.DB, *Meter) {
	t.Helper()
	db, counter := Count(t, databaseURL)
	db.SetMaxOpenConns(1)
	return db, &Meter{db, counter, d}
}

// Measure returns the cost of f.
func (m *Meter) Measure(t testing.TB, f func()) Reads {
	t.Helper()
	idle := m.rows(t)
	before := m.rows(t)
	m.counter.Take()
	f()
	statements := m.counter.Take().Statements
	return Reads{statements, m.rows(t) - before - (before - idle)}
}

// rows returns the number of rows that the connection has read so far.
func (m *Meter) rows(t testing.TB) (n int) {
	t.Helper()
	switch m.dialect.Name {
	case sqldb.Postgres.Name:
		m.sum(t, `SELECT 0 FROM (SELECT pg_stat_force_next_flush()) f`)
		return m.sum(t, `SELECT COALESCE((SELECT SUM(seq_tup_read) FROM pg_stat_user_tables WHERE schemaname = current_schema()), 0) +
COALESCE((SELECT SUM(idx_tup_read) FROM pg_stat_user_indexes WHERE schemaname = current_schema()), 0)`)
	case sqldb.MySQL.Name:
		return m.sum(t, `SELECT SUM(variable_value) FROM information_schema.session_status WHERE variable_name LIKE 'Handler_read%'`)
	}
	return m.pages(t)
}

func (m *Meter) sum(t testing.TB, q string) (n int) {
	t.Helper()
	if err := m.db.QueryRowContext(t.Context(), q).Scan(&n); err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	return n
}

// pages returns the number of pages that the SQLite connection has read so far.
func (m *Meter) pages(t testing.TB) (n int) {
	t.Helper()
	c, err := m.db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	err = c.Raw(func(driverConn any) error {
		status := driverConn.(*conn).Conn.(sqlite.DBStatus)
		for _, op := range []sqlite.DBStatusOp{sqlite.DBStatusCacheHit, sqlite.DBStatusCacheMiss} {
			pages, _, err := status.Status(op, false)
			if err != nil {
				return err
			}
			n += pages
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
