package sqldb

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/go-passport/passport/oauth"
)

// class is what an error of the database means for us.
type class int

const (
	// unanswered: no answer of the database's own stands in the chain. It is
	// out of reach, or went away, or we gave up waiting.
	unanswered class = iota
	conflict         // it met another transaction: to be run again
	duplicate        // a unique key is there already
	unready          // the node takes no such statement now
	fault            // the database says that the statement is wrong
)

// classOf reads an error's class. It knows the drivers by the shape of their
// errors, so that an application's go.mod gets none of them.
func classOf(err error) class {
	c := unanswered
	walk(err, func(err error) (found bool) {
		c, found = answer(err)
		return found
	})
	return c
}

// walk visits the tree of an error until visit says that it is done.
func walk(err error, visit func(error) bool) bool {
	if err == nil {
		return false
	}
	if visit(err) {
		return true
	}
	switch e := err.(type) { //nolint:errorlint // this is what walks the chain
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

func answer(err error) (c class, ok bool) {
	if e, ok := err.(interface{ SQLState() string }); ok { // pgx, lib/pq
		return ofState(e.SQLState()), true
	}
	if e, ok := err.(interface{ Code() int }); ok { // modernc.org/sqlite
		return ofSQLite(e.Code()), true
	}
	if n, ok := number(err); ok { // go-sql-driver/mysql
		return ofNumber(n), true
	}
	return unanswered, false
}

// ofState is the class of a SQLSTATE (PostgreSQL's documentation, appendix A).
func ofState(s string) class {
	switch s {
	case "40001", "40P01": // serialization failure, deadlock
		return conflict
	case "23505": // unique violation
		return duplicate
	case "25006", // read-only: a standby, after a failover
		"55P03", // lock not available
		"57014": // cancelled: by us, or by statement_timeout
		return unready
	case "40003": // whether the statement completed is unknown
		return unanswered
	}
	if len(s) < 2 {
		return unanswered
	}
	switch s[:2] {
	case "08", // connection
		"28", "3D", // no entry: it stands between us and every answer
		"53", // out of disk, memory or connections
		"57", // shutting down, starting up
		"58": // input or output
		return unready
	}
	return fault
}

// ofSQLite is the class of a result code (https://sqlite.org/rescode.html).
func ofSQLite(code int) class {
	switch code {
	case 1555, 2067: // a primary key's or a unique constraint
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

// ofNumber is the class of an error of MySQL, MariaDB, Galera or TiDB.
func ofNumber(n uint64) class {
	switch n {
	case 1213, 1205, 1020, // deadlock, lock wait, record has changed (MariaDB's snapshot isolation)
		1615,                   // the prepared statement has to be prepared anew
		8002, 8022, 8028, 9007: // TiDB: conflicts, the schema changed
		return conflict
	case 1062:
		return duplicate
	case 1021, 1037, 1041, 1114, 1135, // out of disk, memory, threads
		1040, 1203, 1226, // too many connections
		1042, 1043, 1044, 1045, 1049, 1129, 1130, // no entry
		1047,                                           // a Galera node that is not in its cluster
		1053, 1077, 1079, 1184, 1927, 2006, 2013, 4031, // shutting down, connection killed
		1158, 1159, 1160, 1161, // network
		1290, 1836, 1792, // read-only
		1317, 1969, 3024, 3572, // interrupted, took too long
		9001, 9002, 9003, 9004, 9005, 9006: // TiDB: regions out of reach
		return unready
	case 1180, 1181, 1105: // an error during COMMIT or ROLLBACK, an unknown one
		return unanswered
	}
	return fault
}

// madeAlready reports whether MySQL, which cannot undo DDL, finds that an
// earlier run of a migration got as far as this statement.
func madeAlready(err error) bool {
	return walk(err, func(err error) bool {
		switch n, _ := number(err); n {
		case 1050, 1060, 1061, 1091, 1826: // table, column, index there; gone; foreign key there
			return true
		}
		return false
	})
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

// failure is the error of a statement as our callers see it. ctx is the
// caller's own.
func failure(ctx context.Context, err error) error {
	if cause := ctx.Err(); cause != nil {
		return &gaveUp{cause, err}
	}
	switch classOf(err) {
	case unready, conflict, unanswered:
		return unavailable(err)
	}
	return err
}

// unavailable says of an error that asking again later may help.
func unavailable(err error) error {
	if errors.Is(err, oauth.ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: %w", oauth.ErrUnavailable, err)
}

// gaveUp says that the caller's context ended before the database answered.
// Nobody is told, so it is no outage; should somebody be, it is 503 and not 500.
type gaveUp struct{ cause, err error }

func (g *gaveUp) Error() string {
	return fmt.Sprintf("the request ended before the database answered: %v", g.err)
}

func (g *gaveUp) Unwrap() []error { return []error{g.cause, oauth.ErrUnavailable, g.err} }
