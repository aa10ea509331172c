package sqldb_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
)

// fake is a database that answers what a test wants.
type fake struct {
	mu     sync.Mutex
	log    []string                            // what was asked: an operation, or a statement
	answer func(op, query string) (any, error) // nil answers that all is well

	byArgs  func(query string, args []any) (any, error) // answers the SELECTs, if it is there
	hang    func(ctx context.Context) error             // called before each statement, if it is there
	watched int                                         // prepared statements whose context may end
}

// open returns a pool over the fake.
func (f *fake) open(t *testing.T) *sql.DB {
	t.Helper()
	db := sql.OpenDB(f)
	t.Cleanup(func() { db.Close() })
	return db
}

func (f *fake) ask(op, query string) (any, error) {
	f.mu.Lock()
	f.log = append(f.log, op+" "+query)
	answer := f.answer
	f.mu.Unlock()
	if answer == nil {
		return nil, nil
	}
	return answer(op, query)
}

// asked returns what was asked since the last call.
func (f *fake) asked() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	log := f.log
	f.log = nil
	return log
}

func (f *fake) count(what string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, entry := range f.log {
		if entry == what {
			n++
		}
	}
	return n
}

func (f *fake) Connect(context.Context) (driver.Conn, error) {
	if _, err := f.ask("connect", ""); err != nil {
		return nil, err
	}
	return &fakeConn{f}, nil
}
func (f *fake) Driver() driver.Driver { return nil }

type fakeConn struct{ f *fake }

func (c *fakeConn) Prepare(string) (driver.Stmt, error) { return nil, errors.New("not in use") }
func (c *fakeConn) Begin() (driver.Tx, error)           { return nil, errors.New("not in use") }
func (c *fakeConn) Close() error                        { return nil }

func (c *fakeConn) BeginTx(context.Context, driver.TxOptions) (driver.Tx, error) {
	_, err := c.f.ask("begin", "")
	return c, err
}

func (c *fakeConn) Commit() error {
	_, err := c.f.ask("commit", "")
	return err
}

func (c *fakeConn) Rollback() error {
	_, err := c.f.ask("rollback", "")
	return err
}

func (c *fakeConn) PrepareContext(_ context.Context, query string) (driver.Stmt, error) {
	_, err := c.f.ask("prepare", query)
	return &fakeStmt{c.f, query}, err
}

func (c *fakeConn) ExecContext(ctx context.Context, query string, _ []driver.NamedValue) (driver.Result, error) {
	return c.f.exec(ctx, "exec", query)
}

func (c *fakeConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return c.f.query(ctx, "query", query, args)
}

func (f *fake) hung(ctx context.Context) error {
	if f.hang == nil {
		return nil
	}
	return f.hang(ctx)
}

func (f *fake) exec(ctx context.Context, op, query string) (driver.Result, error) {
	if err := f.hung(ctx); err != nil {
		return nil, err
	}
	answer, err := f.ask(op, query)
	if err != nil {
		return nil, err
	}
	if n, ok := answer.(int); ok {
		return driver.RowsAffected(n), nil
	}
	return driver.RowsAffected(1), nil
}

func (f *fake) query(ctx context.Context, op, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := f.hung(ctx); err != nil {
		return nil, err
	}
	answer, err := f.ask(op, query)
	if f.byArgs != nil {
		var plain []any
		for _, a := range args {
			plain = append(plain, a.Value)
		}
		answer, err = f.byArgs(query, plain)
	}
	if err != nil {
		return nil, err
	}
	values, _ := answer.([]driver.Value)
	return newFakeRows(values), nil
}

type fakeStmt struct {
	f     *fake
	query string
}

func (s *fakeStmt) Close() error                               { return nil }
func (s *fakeStmt) NumInput() int                              { return -1 }
func (s *fakeStmt) Exec([]driver.Value) (driver.Result, error) { return nil, errors.New("not in use") }
func (s *fakeStmt) Query([]driver.Value) (driver.Rows, error)  { return nil, errors.New("not in use") }

func (s *fakeStmt) ExecContext(ctx context.Context, _ []driver.NamedValue) (driver.Result, error) {
	s.f.watch(ctx)
	return s.f.exec(ctx, "prepared", s.query)
}

func (s *fakeStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	s.f.watch(ctx)
	return s.f.query(ctx, "prepared", s.query, args)
}

// watch remembers whether a prepared statement came with a context that may end.
func (f *fake) watch(ctx context.Context) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if ctx.Done() != nil {
		f.watched++
	}
}

// fakeRows has a row for each value: of one column, or of those that a []any holds.
// An error is where they break off.
type fakeRows struct {
	values  []driver.Value
	columns []string
}

func newFakeRows(values []driver.Value) *fakeRows {
	r := &fakeRows{slices.Clone(values), []string{"a"}}
	if len(values) > 0 {
		if row, ok := values[0].([]any); ok {
			r.columns = make([]string, len(row))
		}
	}
	return r
}

func (r *fakeRows) Columns() []string { return r.columns }
func (r *fakeRows) Close() error      { return nil }

func (r *fakeRows) Next(into []driver.Value) error {
	if len(r.values) == 0 {
		return io.EOF
	}
	value := r.values[0]
	r.values = r.values[1:]
	if err, ok := value.(error); ok {
		return err
	}
	if row, ok := value.([]any); ok {
		for i := range into {
			into[i] = row[i]
		}
		return nil
	}
	into[0] = value
	return nil
}

// The shapes of the drivers' errors.
type (
	postgresError string
	sqliteError   int
	mysqlError    struct {
		Number  uint16
		Message string
	}
)

func (e postgresError) Error() string    { return "ERROR (SQLSTATE " + string(e) + ")" }
func (e postgresError) SQLState() string { return string(e) }
func (e sqliteError) Error() string      { return "database error" }
func (e sqliteError) Code() int          { return int(e) }
func (e *mysqlError) Error() string      { return "Error " + e.Message }
