package sqldb_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// fill makes the pool keep n idle connections.
func fill(t *testing.T, pool *sql.DB, n int) {
	t.Helper()
	pool.SetMaxIdleConns(n)
	var held []*sql.Conn
	for range n {
		c, err := pool.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, c)
	}
	for _, c := range held {
		c.Close()
	}
}

// requests returns the ways to use a database, by name. Each writes one row or none.
func requests(db *sqldb.DB) map[string]func(ctx context.Context, row string) error {
	none := func(sqldb.Row) error { return nil }
	member := func(row string) sqldb.Member { return insert(row) }
	single := func(row string) sqldb.Member {
		m := insert(row)
		m.Alone = func(ctx context.Context) error {
			_, err := db.Exec(ctx, "INSERT "+row)
			return err
		}
		return m
	}
	return map[string]func(context.Context, string) error{
		"Row":  func(ctx context.Context, _ string) error { return db.Row(ctx, "SELECT a FROM b", none) },
		"Each": func(ctx context.Context, _ string) error { return db.Each(ctx, "SELECT a FROM b WHERE 1 = 0", none) },
		"Lookup": func(ctx context.Context, key string) error {
			return db.Lookup(ctx, "SELECT a FROM b WHERE c = ?", none, nil, key)
		},
		"Tx": func(ctx context.Context, row string) error {
			return db.Tx(ctx, func(ctx context.Context, tx *sqldb.Tx) error {
				_, err := tx.Exec(ctx, "INSERT "+row)
				return err
			})
		},
		"Group":        func(ctx context.Context, row string) error { return db.Group(ctx, member(row)) },
		"Group, alone": func(ctx context.Context, row string) error { return db.Group(ctx, single(row)) },
		"Exec": func(ctx context.Context, row string) error {
			_, err := db.Exec(ctx, "INSERT "+row)
			return err
		},
		"Insert": func(ctx context.Context, row string) error {
			_, err := db.Insert(ctx, "INSERT "+row)
			return err
		},
	}
}

// repeatable are the requests whose first statement changes nothing.
var repeatable = []string{"Row", "Each", "Lookup", "Tx", "Group"}

// written returns how often each row was inserted.
func written(log []string) map[string]int {
	rows := map[string]int{}
	for _, entry := range log {
		op, row, ok := strings.Cut(entry, " INSERT ")
		if ok && op != "prepare" {
			row, _, _ = strings.Cut(row, " ON CONFLICT")
			rows[row]++
		}
	}
	return rows
}

func oneRow(string, string) (any, error) { return []driver.Value{int64(1)}, nil }

// After a restart of the database every pooled connection is broken. Whichever
// statement comes first, no request fails and no row is inserted twice.
func TestBroken_FR_52_Restart(t *testing.T) {
	for _, d := range []sqldb.Dialect{sqldb.Postgres, sqldb.MySQL} {
		for _, first := range repeatable {
			t.Run(d.Name+" "+first, func(t *testing.T) {
				f := &fake{respond: oneRow}
				pool := f.open(t)
				db := sqldb.New(pool, d)
				all := requests(db)
				for name, request := range all { // prepare the texts
					for range 2 {
						if err := request(t.Context(), "before"); err != nil {
							t.Fatalf("%s before the restart: %v", name, err)
						}
					}
				}
				fill(t, pool, 16)
				f.asked()
				f.breakAll()
				order := append([]string{first}, "Exec", "Tx", "Row", "Group, alone", "Lookup", "Insert", "Group", "Each")
				want := map[string]int{}
				for i := range 40 {
					name, row := order[i%len(order)], fmt.Sprint("row", i)
					if err := all[name](t.Context(), row); err != nil {
						t.Errorf("request %d after the restart, %s: %v, want nil", i+1, name, err)
						continue
					}
					if !slices.Contains([]string{"Row", "Each", "Lookup"}, name) {
						want[row] = 1
					}
				}
				checkWritten(t, f, want)
			})
		}
	}
}

func checkWritten(t *testing.T, f *fake, want map[string]int) {
	t.Helper()
	got := written(f.asked())
	for row, n := range got {
		if n > max(want[row], 1) {
			t.Errorf("%s inserted %d times, want %d", row, n, want[row])
		}
	}
	for row := range want {
		if got[row] == 0 {
			t.Errorf("%s not inserted, but its request succeeded", row)
		}
	}
}

// Each driver reports a broken connection in several ways.
func TestBroken_FR_52_Errors(t *testing.T) {
	for _, test := range []struct {
		dialect sqldb.Dialect
		err     error
	}{
		{sqldb.Postgres, postgresError("57P01")}, // pg_terminate_backend, a fast shutdown
		{sqldb.Postgres, postgresError("57P02")}, // another process crashed
		{sqldb.Postgres, postgresError("57P05")}, // idle_session_timeout
		{sqldb.Postgres, postgresError("25P03")}, // idle_in_transaction_session_timeout
		{sqldb.Postgres, postgresError("08P01")}, // PgBouncer
		{sqldb.MySQL, errors.New("invalid connection")},
		{sqldb.MySQL, &mysqlError{Number: 1927}}, // KILL in MariaDB
		{sqldb.MySQL, &mysqlError{Number: 1053}}, // a shutdown
		{sqldb.MySQL, &mysqlError{Number: 4031}}, // wait_timeout
		{sqldb.MySQL, &net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}},
	} {
		for _, first := range []string{"Row", "Tx"} {
			f := &fake{respond: oneRow, cut: test.err}
			pool := f.open(t)
			fill(t, pool, 3)
			all := requests(sqldb.New(pool, test.dialect))
			f.breakAll()
			for _, name := range []string{first, "Exec", "Exec"} {
				if err := all[name](t.Context(), "row"); err != nil {
					t.Errorf("%s: %s after connections were broken with %q = %v, want nil", test.dialect.Name, name, test.err, err)
				}
			}
		}
	}
}

// A write outside a transaction may have happened when its connection breaks. It fails,
// it is not repeated, and the next requests succeed.
func TestBroken_FR_52_UnknownOutcomeIsNotRepeated(t *testing.T) {
	for _, d := range []sqldb.Dialect{sqldb.Postgres, sqldb.MySQL} {
		for _, op := range []string{"exec", "commit"} {
			t.Run(d.Name+" "+op, func(t *testing.T) {
				f := &fake{}
				pool := f.open(t)
				db := sqldb.New(pool, d)
				fill(t, pool, 4)
				lost := 0
				f.respond = func(asked, query string) (any, error) {
					if (asked == op || op == "exec" && asked == "prepared") && lost == 0 {
						lost++
						f.breakAll()
						return nil, io.ErrUnexpectedEOF // the server received it, but its response is lost
					}
					return nil, nil
				}
				name := map[string]string{"exec": "Exec", "commit": "Tx"}[op]
				err := requests(db)[name](t.Context(), "row")
				if !errors.Is(err, oauth.ErrUnavailable) {
					t.Errorf("%s with an unknown outcome = %v, want ErrUnavailable", name, err)
				}
				for range 4 {
					if err := requests(db)["Exec"](t.Context(), "later"); err != nil {
						t.Errorf("Exec after a broken connection = %v, want nil", err)
					}
				}
				checkWritten(t, f, map[string]int{"row": 1, "later": 4})
			})
		}
	}
}

// Healthy connections cost no extra round trip. After a connection broke, each is
// pinged before use, for a minute.
func TestBroken_FR_52_PingsForAMinute(t *testing.T) {
	for _, d := range []sqldb.Dialect{sqldb.SQLite, sqldb.Postgres, sqldb.MySQL} {
		t.Run(d.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fake{respond: oneRow}
				pool := f.open(t)
				defer pool.Close()
				db, other := sqldb.New(pool, d), sqldb.New(pool, d)
				pings := func(db *sqldb.DB) int {
					t.Helper()
					f.asked()
					for name, request := range requests(db) {
						if err := request(t.Context(), "row"); err != nil {
							t.Errorf("%s: %v", name, err)
						}
					}
					return f.count("ping ")
				}
				if n := pings(db); n != 0 {
					t.Errorf("%d pings on healthy connections, want none", n)
				}
				if d.Name == sqldb.SQLite.Name {
					return
				}
				f.breakAll()
				if err := requests(db)["Row"](t.Context(), ""); err != nil {
					t.Errorf("Row() on a broken connection = %v, want nil", err)
				}
				if n, want := pings(other), len(requests(db)); n != want {
					t.Errorf("%d pings for requests of another DB on the same pool, want %d", n, want)
				}
				time.Sleep(time.Minute)
				if n := pings(db); n != 0 {
					t.Errorf("%d pings a minute after a connection broke, want none", n)
				}
			})
		})
	}
}

// If a firewall drops packets silently, the first statement waits until its time limit.
// The next request drops connections that do not respond to a ping in time.
func TestBroken_FR_52_SilentConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{respond: oneRow}
		pool := f.open(t)
		defer pool.Close()
		db := sqldb.New(pool, sqldb.Postgres)
		fill(t, pool, 4)
		for _, c := range f.conns {
			c.silent.Store(true)
		}
		read := requests(db)["Row"]
		if err := read(t.Context(), ""); !errors.Is(err, oauth.ErrUnavailable) {
			t.Errorf("Row() on a silent connection = %v, want ErrUnavailable", err)
		}
		begun := time.Now()
		if err := read(t.Context(), ""); err != nil || time.Since(begun) >= sqldb.Patience {
			t.Errorf("the next Row() = %v after %v, want nil in less than %v", err, time.Since(begun), sqldb.Patience)
		}
	})
}

// Before a write outside a transaction, the socket is checked. A ping follows only if
// the server closed it or sent something.
func TestBroken_FR_52_Socket(t *testing.T) {
	for _, test := range []struct {
		name  string
		event func(client, server net.Conn)
		dead  bool
		pings int // successful pings
	}{
		{"nothing happened", func(_, _ net.Conn) {}, false, 0},
		{"a goroutine of pgx reads", func(client, _ net.Conn) {
			go client.Read(make([]byte, 1))
			time.Sleep(time.Millisecond)
		}, false, 0},
		{"the server sent a notice", func(_, server net.Conn) { server.Write([]byte("N")) }, false, 1},
		{"the server closed it", func(_, server net.Conn) { server.Close() }, true, 0},
		{"the server reset it", func(_, server net.Conn) { server.(*net.TCPConn).SetLinger(0); server.Close() }, true, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, name := range []string{"Exec", "Insert", "Group, alone"} {
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				defer l.Close()
				f := &fake{dial: func() net.Conn {
					c, err := net.Dial("tcp", l.Addr().String())
					if err != nil {
						t.Error(err)
					}
					return c
				}}
				pool := f.open(t)
				fill(t, pool, 1)
				server, err := l.Accept()
				if err != nil {
					t.Fatal(err)
				}
				defer server.Close()
				test.event(f.conns[0].socket, server)
				if test.dead {
					f.breakAll()
				}
				done := make(chan error, 1)
				go func() { done <- requests(sqldb.New(pool, sqldb.Postgres))[name](t.Context(), "row") }()
				select {
				case err := <-done:
					if err != nil {
						t.Errorf("%s when %s = %v, want nil", name, test.name, err)
					}
				case <-time.After(30 * time.Second):
					t.Fatalf("%s when %s: not returned after 30 s", name, test.name)
				}
				if n := f.count("ping "); n != test.pings && !test.dead {
					t.Errorf("%s when %s: %d pings, want %d", name, test.name, n, test.pings)
				}
				checkWritten(t, f, map[string]int{"row": 1})
			}
		})
	}
}

// A SELECT is not repeated if its caller's scan fails.
func TestBroken_FR_52_RefusedRowsAreNotReadTwice(t *testing.T) {
	refusal := errors.New("refused")
	f := &fake{respond: func(string, string) (any, error) { return []driver.Value{int64(1)}, nil }}
	scanned := 0
	err := sqldb.New(f.open(t), sqldb.Postgres).Row(t.Context(), "SELECT a FROM b", func(sqldb.Row) error { scanned++; return refusal })
	if !errors.Is(err, refusal) || scanned != 1 {
		t.Errorf("Row() = %v with %d rows scanned, want the error of scan with 1", err, scanned)
	}
}

// If the database breaks every connection, requests end with ErrUnavailable.
func TestBroken_FR_52_Always(t *testing.T) {
	for _, d := range []sqldb.Dialect{sqldb.Postgres, sqldb.MySQL} {
		f := &fake{respond: func(op, _ string) (any, error) {
			if op != "connect" {
				return nil, io.ErrUnexpectedEOF
			}
			return nil, nil
		}}
		pool := f.open(t)
		fill(t, pool, 4)
		for name, request := range requests(sqldb.New(pool, d)) {
			if err := request(t.Context(), "row"); !errors.Is(err, oauth.ErrUnavailable) {
				t.Errorf("%s: %s = %v, want ErrUnavailable", d.Name, name, err)
			}
		}
	}
}
