package sqldb_test

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// fake is a database that responds as a test wants.
type fake struct {
	mu      sync.Mutex
	log     []string                            // operations and statements, in order
	respond func(op, query string) (any, error) // nil: everything succeeds

	byArgs  func(query string, args []any) (any, error) // responds to SELECTs, if set
	hang    func(ctx context.Context) error             // called before each statement, if set
	watched int                                         // number of prepared statements with a cancelable context

	dial     func() net.Conn // if set, connections have a socket, like those of pgx
	conns    []*fakeConn     // all opened connections
	standbys bool            // new connections lead to a read-only node
	refusal  error           // the error of a write on a read-only node
	cut      error           // the error of a broken connection; io.ErrUnexpectedEOF by default
}

// breakAll breaks all open connections, like a restart of the server.
func (f *fake) breakAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.conns {
		c.broken.Store(true)
	}
}

// open returns a pool of connections to the fake.
func (f *fake) open(t *testing.T) *sql.DB {
	t.Helper()
	db := sql.OpenDB(f)
	t.Cleanup(func() { db.Close() })
	return db
}

func (f *fake) ask(op, query string) (any, error) {
	f.mu.Lock()
	f.log = append(f.log, op+" "+query)
	respond := f.respond
	f.mu.Unlock()
	if respond == nil {
		return nil, nil
	}
	return respond(op, query)
}

// asked returns the log since the last call.
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
	c := &fakeConn{f: f}
	f.mu.Lock()
	defer f.mu.Unlock()
	c.standby.Store(f.standbys)
	f.conns = append(f.conns, c)
	if f.dial != nil {
		c.socket = f.dial()
		return &pgxConn{c}, nil
	}
	return c, nil
}
func (f *fake) Driver() driver.Driver { return nil }

type fakeConn struct {
	f       *fake
	broken  atomic.Bool // the server has closed it
	silent  atomic.Bool // a firewall drops its packets
	standby atomic.Bool // its node is read-only
	failed  atomic.Bool // the driver has noticed that it is broken
	socket  net.Conn
}

// pgxConn has the methods of pgx that lead to its socket.
type (
	pgxConn struct{ *fakeConn }
	pgx     struct{ socket net.Conn }
	pgConn  struct{ socket net.Conn }
)

func (c *pgxConn) Conn() *pgx    { return &pgx{c.socket} }
func (p *pgx) PgConn() *pgConn   { return &pgConn{p.socket} }
func (p *pgConn) Conn() net.Conn { return p.socket }

// check is called before each operation. Like a real driver, it does not know whether
// the server received a statement.
func (c *fakeConn) check(ctx context.Context) error {
	if c.silent.Load() {
		<-ctx.Done()
		c.failed.Store(true)
		return ctx.Err()
	}
	if c.broken.Load() {
		c.failed.Store(true)
		return cmp.Or(c.f.cut, io.ErrUnexpectedEOF)
	}
	return nil
}

func (c *fakeConn) IsValid() bool { return !c.failed.Load() }

func (c *fakeConn) Ping(ctx context.Context) error {
	if err := c.check(ctx); err != nil {
		return err
	}
	_, err := c.f.ask("ping", "")
	return err
}

// errWithoutContext means that database/sql called a method that it never calls on a
// driver whose methods take a context.
var errWithoutContext = errors.New("database/sql must call the method with a context")

func (c *fakeConn) Prepare(string) (driver.Stmt, error) { return nil, errWithoutContext }
func (c *fakeConn) Begin() (driver.Tx, error)           { return nil, errWithoutContext }
func (c *fakeConn) Close() error                        { return nil }

func (c *fakeConn) BeginTx(ctx context.Context, _ driver.TxOptions) (driver.Tx, error) {
	if err := c.check(ctx); err != nil {
		return nil, err
	}
	_, err := c.f.ask("begin", "")
	return c, err
}

func (c *fakeConn) Commit() error {
	if err := c.check(context.Background()); err != nil {
		return err
	}
	_, err := c.f.ask("commit", "")
	return err
}

func (c *fakeConn) Rollback() error {
	_, err := c.f.ask("rollback", "")
	return err
}

func (c *fakeConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if err := c.check(ctx); err != nil {
		return nil, err
	}
	_, err := c.f.ask("prepare", query)
	return &fakeStmt{c, query}, err
}

func (c *fakeConn) ExecContext(ctx context.Context, query string, _ []driver.NamedValue) (driver.Result, error) {
	if err := c.check(ctx); err != nil {
		return nil, err
	}
	if c.standby.Load() {
		return nil, c.f.refusal
	}
	return c.f.exec(ctx, "exec", query)
}

func (c *fakeConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.check(ctx); err != nil {
		return nil, err
	}
	if rows, err := c.node(query); rows != nil || err != nil {
		return rows, err
	}
	return c.f.query(ctx, "query", query, args)
}

// node responds to a SELECT about a connection's node. A Galera node outside its
// cluster refuses all SELECTs.
func (c *fakeConn) node(query string) (driver.Rows, error) {
	standby := c.standby.Load()
	if e, ok := c.f.refusal.(*mysqlError); ok && standby && e.Number == 1047 {
		return nil, e
	}
	if !strings.Contains(query, "read_only") {
		return nil, nil
	}
	if _, err := c.f.ask("asked for writes", ""); err != nil {
		return nil, err
	}
	row := []any{map[bool]int64{true: 1}[standby]}
	if strings.Contains(query, "sql_mode") {
		row = append(row, "STRICT_TRANS_TABLES")
	}
	return newFakeRows([]driver.Value{row}), nil
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
	result, err := f.ask(op, query)
	if err != nil {
		return nil, err
	}
	if n, ok := result.(int); ok {
		return driver.RowsAffected(n), nil
	}
	return driver.RowsAffected(1), nil
}

func (f *fake) query(ctx context.Context, op, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := f.hung(ctx); err != nil {
		return nil, err
	}
	result, err := f.ask(op, query)
	if f.byArgs != nil {
		var plain []any
		for _, a := range args {
			plain = append(plain, a.Value)
		}
		result, err = f.byArgs(query, plain)
	}
	if err != nil {
		return nil, err
	}
	values, _ := result.([]driver.Value)
	return newFakeRows(values), nil
}

type fakeStmt struct {
	conn  *fakeConn
	query string
}

func (s *fakeStmt) Close() error  { return nil }
func (s *fakeStmt) NumInput() int { return -1 }
func (s *fakeStmt) Exec([]driver.Value) (driver.Result, error) {
	return nil, errWithoutContext
}
func (s *fakeStmt) Query([]driver.Value) (driver.Rows, error) {
	return nil, errWithoutContext
}

func (s *fakeStmt) ExecContext(ctx context.Context, _ []driver.NamedValue) (driver.Result, error) {
	if err := s.conn.check(ctx); err != nil {
		return nil, err
	}
	if s.conn.standby.Load() {
		return nil, s.conn.f.refusal
	}
	s.conn.f.watch(ctx)
	return s.conn.f.exec(ctx, "prepared", s.query)
}

func (s *fakeStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if err := s.conn.check(ctx); err != nil {
		return nil, err
	}
	if rows, err := s.conn.node(s.query); rows != nil || err != nil {
		return rows, err
	}
	s.conn.f.watch(ctx)
	return s.conn.f.query(ctx, "prepared", s.query, args)
}

// watch counts prepared statements whose context can be canceled.
func (f *fake) watch(ctx context.Context) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if ctx.Done() != nil {
		f.watched++
	}
}

// fakeRows has a row for each value. A []any has the columns of a row; any other value
// is a row with one column. An error ends the rows.
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

// Errors with the methods and fields of the drivers' errors.
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
