package sqldb

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/go-passport/passport/oauth"
)

// class is the kind of a database error, by how it is handled.
type class int

const (
	// noReply: the chain has no error that the database itself reported. The database
	// is unreachable or closed the connection, or the caller stopped waiting.
	noReply   class = iota
	conflict        // with another transaction: retry
	duplicate       // the unique key already exists
	unready         // the node cannot run such a statement now
	readOnly        // the node refuses writes: after a failover, another node accepts them
	severed         // the database has closed the connection or is closing it
	fault           // the database reports that the statement is wrong
)

// classOf returns an error's class. It recognizes drivers by the methods and fields of
// their errors, so that an application's go.mod needs none of them.
func classOf(err error) class {
	c := noReply
	walk(err, func(err error) (found bool) {
		c, found = ofDriver(err)
		return found
	})
	return c
}

// walk visits the tree of an error until visit returns true.
func walk(err error, visit func(error) bool) bool {
	if err == nil {
		return false
	}
	if visit(err) {
		return true
	}
	switch e := err.(type) { //nolint:errorlint // it walks the chain itself
	case interface{ Unwrap() error }:
		return walk(e.Unwrap(), visit)
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			if walk(inner, visit) {
				return true
			}
		}
	}
	return false
}

// ofDriver returns the class of a driver's error, and whether err is one.
func ofDriver(err error) (c class, ok bool) {
	if e, ok := err.(interface{ SQLState() string }); ok { // pgx, lib/pq
		return ofState(e.SQLState()), true
	}
	if e, ok := err.(interface{ Code() int }); ok { // modernc.org/sqlite
		return ofSQLite(e.Code()), true
	}
	if n, ok := number(err); ok { // go-sql-driver/mysql
		return ofNumber(n), true
	}
	return noReply, false
}

// ofState returns the class of a SQLSTATE (PostgreSQL's documentation, appendix A).
func ofState(s string) class {
	switch s {
	case "40001", "40P01": // serialization failure, deadlock
		return conflict
	case "23505": // unique violation
		return duplicate
	case "25006": // a standby, or a primary that was demoted
		return readOnly
	case "55P03", // lock not available
		"57014": // canceled: by us, or by statement_timeout
		return unready
	case "40003": // whether the statement completed is unknown
		return noReply
	case "25P03": // a transaction was idle for too long
		return severed
	}
	if len(s) < 2 {
		return noReply
	}
	switch s[:2] {
	case "08", // connection; PgBouncer reports a broken one like that
		"57": // shutting down, starting up, idle for too long
		return severed
	case "28", "3D", // no access: every statement fails
		"53", // out of disk, memory or connections
		"58": // input or output
		return unready
	}
	return fault
}

// ofSQLite returns the class of a result code (https://sqlite.org/rescode.html).
func ofSQLite(code int) class {
	switch code {
	case 1555, 2067: // the constraint of a primary key or unique key
		return duplicate
	}
	switch code & 0xff {
	case 5, 6: // BUSY, LOCKED
		return conflict
	case 7, 8, 9, 10, 13, 14, 15: // NOMEM, READONLY, INTERRUPT, IOERR, FULL, CANTOPEN, PROTOCOL
		return unready
	}
	return fault
}

// ofNumber returns the class of an error of MySQL, MariaDB, Galera or TiDB.
func ofNumber(n uint64) class {
	switch n {
	case 1213, 1205, 1020, // deadlock, lock wait, record has changed (MariaDB's snapshot isolation)
		1615,                   // the statement has to be prepared again
		8002, 8022, 8028, 9007: // TiDB: conflicts, the schema changed
		return conflict
	case 1062:
		return duplicate
	case 1021, 1037, 1041, 1114, 1135, // out of disk, memory, threads
		1040, 1203, 1226, // too many connections
		1042, 1043, 1044, 1045, 1049, 1129, 1130, // no access
		1317, 1969, 3024, 3572, // interrupted, took too long
		9001, 9002, 9003, 9004, 9005, 9006: // TiDB: regions out of reach
		return unready
	case 1290, 1836, 1792, // --read-only, read-only mode, a read-only transaction
		1047: // a Galera node outside its cluster
		return readOnly
	case 1053, 1077, 1079, 1152, 1184, 1927, 2006, 2013, 4031, // shutting down, connection killed, idle for too long
		1158, 1159, 1160, 1161: // network
		return severed
	case 1180, 1181, 1105: // an error during COMMIT or ROLLBACK, an unknown error
		return noReply
	}
	return fault
}

// alreadyExists reports whether an earlier run of a migration already executed this
// statement. MySQL cannot roll back DDL.
func alreadyExists(err error) bool {
	return walk(err, func(err error) bool {
		switch n, _ := number(err); n {
		case 1050, 1060, 1061, 1091, 1826: // table, column, index exists; does not exist any more; foreign key exists
			return true
		}
		return false
	})
}

// lockTimedOut reports whether PostgreSQL's lock_timeout ended a statement.
func lockTimedOut(err error) bool {
	e, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err)
	return ok && e.SQLState() == "55P03"
}

// number reads the Number field of a driver's error.
func number(err error) (uint64, bool) {
	v := reflect.ValueOf(err)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return 0, false
	}
	f := v.FieldByName("Number")
	if !f.IsValid() || !f.CanUint() {
		return 0, false
	}
	return f.Uint(), true
}

// broken reports whether an error means that its connection is unusable. That includes
// errors that the database did not report, because most of these come from the
// connection. It includes the refusal of a read-only node too: after a failover, the
// connection still leads to the old primary.
func broken(err error) bool {
	c := classOf(err)
	return c == severed || c == noReply || c == readOnly
}

// failure returns the error of a statement for our callers. ctx is the caller's
// context.
func failure(ctx context.Context, err error) error {
	if cause := ctx.Err(); cause != nil {
		return &gaveUp{cause, err}
	}
	switch classOf(err) {
	case unready, readOnly, severed, conflict, noReply:
		return unavailable(err)
	}
	return err
}

// unavailable marks an error as temporary: a retry may succeed.
func unavailable(err error) error {
	if errors.Is(err, oauth.ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: %w", oauth.ErrUnavailable, err)
}

// gaveUp is the error if the caller's context ended before the database replied. It
// usually means that the client has disconnected, and not that the database is down. If
// the client still reads the response, it gets 503 instead of 500.
type gaveUp struct{ cause, err error }

func (g *gaveUp) Error() string {
	return fmt.Sprintf("the request ended before the database replied: %v", g.err)
}

func (g *gaveUp) Unwrap() []error { return []error{g.cause, oauth.ErrUnavailable, g.err} }
