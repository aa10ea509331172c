package dbtest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"

	"github.com/go-passport/passport/internal/dburl"
)

// Op is an operation of a driver.
type Op string

// The operations of a driver. A prepared statement is OpExec or OpQuery when it runs,
// with its text.
const (
	OpBegin    Op = "begin"
	OpPrepare  Op = "prepare"
	OpExec     Op = "exec"
	OpQuery    Op = "query"
	OpCommit   Op = "commit"
	OpRollback Op = "rollback"
)

// Hooks are called around the operations of a driver. Either may be nil.
type Hooks struct {
	// Before is called first. If it returns an error, the driver is not called and the
	// operation returns that error.
	Before func(op Op, query string) error

	// After is called with the error of the driver, and returns the error of the
	// operation.
	After func(op Op, query string, err error) error
}

// Wrap returns a pool for the database at the URL, with the driver wrapped.
func Wrap(t testing.TB, databaseURL string, hooks Hooks) *sql.DB {
	t.Helper()
	name, dsn, _, err := dburl.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := sql.Open(name, dsn) // only to get the driver
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	db := sql.OpenDB(&connector{plain.Driver(), dsn, hooks})
	t.Cleanup(func() { db.Close() })
	return db
}

type connector struct {
	driver driver.Driver
	dsn    string
	hooks  Hooks
}

func (c *connector) Driver() driver.Driver { return c.driver }

func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{inner, c.hooks}, nil
}

func (c *connector) open(ctx context.Context) (driver.Conn, error) {
	d, ok := c.driver.(driver.DriverContext)
	if !ok {
		return c.driver.Open(c.dsn)
	}
	inner, err := d.OpenConnector(c.dsn)
	if err != nil {
		return nil, err
	}
	return inner.Connect(ctx)
}

// around calls the hooks before and after an operation.
func around[T any](h Hooks, op Op, query string, run func() (T, error)) (result T, err error) {
	if h.Before != nil {
		if err := h.Before(op, query); err != nil {
			return result, err
		}
	}
	result, err = run()
	if h.After != nil && !errors.Is(err, driver.ErrSkip) { // database/sql tries another operation
		err = h.After(op, query, err)
	}
	return result, err
}

// conn forwards all operations of a connection. The three drivers have their context
// forms.
type conn struct {
	driver.Conn
	hooks Hooks
}

func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	inner, err := around(c.hooks, OpBegin, "", func() (driver.Tx, error) { return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, opts) })
	if err != nil {
		return nil, err
	}
	return &transaction{inner, c.hooks}, nil
}

func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	inner, err := around(c.hooks, OpPrepare, query, func() (driver.Stmt, error) {
		return c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
	})
	if err != nil {
		return nil, err
	}
	return &statement{inner, query, c.hooks}, nil
}

func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	inner, ok := c.Conn.(driver.ExecerContext)
	if !ok {
		return nil, driver.ErrSkip
	}
	return around(c.hooks, OpExec, query, func() (driver.Result, error) { return inner.ExecContext(ctx, query, args) })
}

func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	inner, ok := c.Conn.(driver.QueryerContext)
	if !ok {
		return nil, driver.ErrSkip
	}
	return around(c.hooks, OpQuery, query, func() (driver.Rows, error) { return inner.QueryContext(ctx, query, args) })
}

// CheckNamedValue lets the driver convert arguments if it does so.
func (c *conn) CheckNamedValue(v *driver.NamedValue) error {
	if inner, ok := c.Conn.(driver.NamedValueChecker); ok {
		return inner.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

func (c *conn) Ping(ctx context.Context) error {
	if inner, ok := c.Conn.(driver.Pinger); ok {
		return inner.Ping(ctx)
	}
	return nil
}

func (c *conn) ResetSession(ctx context.Context) error {
	if inner, ok := c.Conn.(driver.SessionResetter); ok {
		return inner.ResetSession(ctx)
	}
	return nil
}

func (c *conn) IsValid() bool {
	inner, ok := c.Conn.(driver.Validator)
	return !ok || inner.IsValid()
}

type transaction struct {
	driver.Tx
	hooks Hooks
}

func (t *transaction) Commit() error {
	_, err := around(t.hooks, OpCommit, "", func() (any, error) { return nil, t.Tx.Commit() })
	return err
}

func (t *transaction) Rollback() error {
	_, err := around(t.hooks, OpRollback, "", func() (any, error) { return nil, t.Tx.Rollback() })
	return err
}

type statement struct {
	driver.Stmt
	query string
	hooks Hooks
}

func (s *statement) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return around(s.hooks, OpExec, s.query, func() (driver.Result, error) { return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args) })
}

func (s *statement) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return around(s.hooks, OpQuery, s.query, func() (driver.Rows, error) { return s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args) })
}
