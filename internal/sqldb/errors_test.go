package sqldb_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

type meaning int

const (
	again   meaning = iota // the transaction is retried
	outage                 // a later request may succeed
	mistake                // the statement is wrong
)

// databaseErrors are errors of drivers, and their meaning.
var databaseErrors = []struct {
	name string
	err  error
	want meaning
}{
	{"serialization failure", postgresError("40001"), again},
	{"deadlock", fmt.Errorf("exec: %w", postgresError("40P01")), again},
	{"MySQL's deadlock", &mysqlError{Number: 1213}, again},
	{"MySQL's lock wait", fmt.Errorf("exec: %w", &mysqlError{Number: 1205}), again},
	{"MariaDB's changed record", &mysqlError{Number: 1020}, again},
	{"TiDB's write conflict", &mysqlError{Number: 9007}, again},
	{"TiDB's retry", &mysqlError{Number: 8002}, again},
	{"SQLite is busy", sqliteError(5), again},
	{"SQLite's snapshot is old", sqliteError(517), again},

	{"shutting down", postgresError("57P01"), outage},
	{"starting up", postgresError("57P03"), outage},
	{"too many connections", postgresError("53300"), outage},
	{"disk full", postgresError("53100"), outage},
	{"a standby", postgresError("25006"), outage},
	{"input or output", postgresError("58030"), outage},
	{"Galera's node is not ready", &mysqlError{Number: 1047}, outage},
	{"MySQL has too many connections", &mysqlError{Number: 1040}, outage},
	{"MySQL is read-only", &mysqlError{Number: 1290}, outage},
	{"MySQL's disk is full", &mysqlError{Number: 1114}, outage},
	{"SQLite's disk is full", sqliteError(13), outage},
	{"SQLite cannot read", sqliteError(10 | 1<<8), outage},
	{"SQLite cannot open", sqliteError(14), outage},
	{"bad connection", driver.ErrBadConn, outage},
	{"connection done", sql.ErrConnDone, outage},
	{"refused", &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, outage},
	{"connection lost", io.ErrUnexpectedEOF, outage},
	{"no reply in time", context.DeadlineExceeded, outage},
	{"unknown error", errors.New("unknown error"), outage},

	{"no such table", postgresError("42P01"), mistake},
	{"value too long", postgresError("22001"), mistake},
	{"MySQL has no such table", &mysqlError{Number: 1146}, mistake},
	{"SQLite has no such table", sqliteError(1), mistake},
	{"SQLite's CHECK", sqliteError(275), mistake},
}

var dialects = []sqldb.Dialect{sqldb.SQLite, sqldb.Postgres, sqldb.MySQL}

// status returns the HTTP status that a client of the server gets.
func status(err error) int { return oauth.AsError(err).Code.Status() }

func checkError(t *testing.T, err, cause error, want meaning) {
	t.Helper()
	if !errors.Is(err, cause) {
		t.Errorf("error = %v, want %v in its chain", err, cause)
	}
	if got := errors.Is(err, oauth.ErrUnavailable); got != (want != mistake) {
		t.Errorf("error = %v: unavailable = %v, want %v", err, got, want != mistake)
	}
	code := http.StatusServiceUnavailable
	if want == mistake {
		code = http.StatusInternalServerError
	}
	if got := status(err); got != code {
		t.Errorf("error = %v: status %d, want %d", err, got, code)
	}
}

// OP-04: a failing database means 503, for every driver error and every statement.
// Conflicts with other transactions are retried and not reported.
func TestErrors_OP_04_Classes(t *testing.T) {
	for _, test := range databaseErrors {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for _, d := range dialects {
					f := &fake{}
					db := sqldb.New(f.open(t), d)
					testRead(t, f, db, test.err, test.want)
					for _, op := range []string{"begin", "exec", "commit"} {
						testTx(t, f, db, op, test.err, test.want)
					}
					testExec(t, f, db, test.err, test.want)
				}
			})
		})
	}
}

// fails makes an operation of the fake fail a number of times.
func (f *fake) fails(op string, times int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.respond = func(asked, _ string) (any, error) {
		if asked == "prepared" {
			asked = "exec"
		}
		if asked != op {
			return nil, nil
		}
		if times--; times < 0 {
			return nil, nil
		}
		return nil, err
	}
}

func testRead(t *testing.T, f *fake, db *sqldb.DB, cause error, want meaning) {
	t.Helper()
	none := func(sqldb.Row) error { return nil }
	f.respond = func(op, _ string) (any, error) {
		if op == "query" || op == "prepared" {
			return nil, cause
		}
		return nil, nil
	}
	checkError(t, db.Row(t.Context(), "SELECT a FROM b", none), cause, want)
	f.respond = func(string, string) (any, error) { return []driver.Value{int64(1), cause}, nil }
	checkError(t, db.Each(t.Context(), "SELECT a FROM b", none), cause, want)
}

func testTx(t *testing.T, f *fake, db *sqldb.DB, op string, cause error, want meaning) {
	t.Helper()
	runs := 0
	spend := func(ctx context.Context, tx *sqldb.Tx) error {
		runs++
		_, err := tx.Exec(ctx, "UPDATE a SET b = 1")
		return err
	}
	times := 3
	if op == "begin" && want == outage {
		times = 10 // BEGIN is repeated if the connection is broken
	}
	f.fails(op, times, cause)
	err := db.Tx(t.Context(), spend)
	switch {
	case op == "begin" && errors.Is(cause, driver.ErrBadConn):
		// database/sql itself uses another connection.
	case want == again:
		if err != nil || op != "begin" && runs != 4 || runs == 0 {
			t.Errorf("%s: Tx() = %v after %d runs, want nil after 4", op, err, runs)
		}
	case op == "commit":
		if runs != 1 || !errors.Is(err, oauth.ErrUnavailable) || !errors.Is(err, cause) {
			t.Errorf("unknown outcome: Tx() = %v after %d runs, want ErrUnavailable after 1", err, runs)
		}
	default:
		checkError(t, err, cause, want)
		if op == "exec" && runs != 1 {
			t.Errorf("%s: %d runs, want 1", op, runs)
		}
	}
}

func testExec(t *testing.T, f *fake, db *sqldb.DB, cause error, want meaning) {
	t.Helper()
	f.fails("exec", 3, cause)
	_, err := db.Exec(t.Context(), "DELETE FROM a")
	switch {
	case errors.Is(cause, driver.ErrBadConn): // as above
	case want == again:
		if err != nil {
			t.Errorf("Exec() = %v, want nil after retries", err)
		}
	default:
		checkError(t, err, cause, want)
	}
}

// A conflict is retried even if the function returns another error.
func TestTx_HiddenConflictIsRetried(t *testing.T) {
	f := &fake{}
	db := sqldb.New(f.open(t), sqldb.Postgres)
	f.fails("exec", 1, postgresError("40001"))
	runs := 0
	err := db.Tx(t.Context(), func(ctx context.Context, tx *sqldb.Tx) error {
		runs++
		if _, err := tx.Exec(ctx, "UPDATE a SET b = 1"); err != nil {
			return errors.New("it did not work")
		}
		return nil
	})
	if err != nil || runs != 2 {
		t.Errorf("Tx() = %v after %d runs, want nil after 2", err, runs)
	}
}

// While a server shuts down, requests may meet a closed pool.
func TestErrors_OP_04_ClosedPool(t *testing.T) {
	for _, d := range dialects {
		pool := (&fake{}).open(t)
		pool.Close()
		db := sqldb.New(pool, d)
		err := db.Each(t.Context(), "SELECT a FROM b", func(sqldb.Row) error { return nil })
		checkError(t, err, err, outage)
		_, err = db.Exec(t.Context(), "DELETE FROM a")
		checkError(t, err, err, outage)
		err = db.Tx(t.Context(), func(context.Context, *sqldb.Tx) error { return nil })
		checkError(t, err, err, outage)
	}
}
