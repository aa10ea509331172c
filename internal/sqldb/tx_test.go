package sqldb_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

func nothing(context.Context, *sqldb.Tx) error { return nil }

// If the database stays busy, a write fails after some seconds.
func TestTx_GivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		db := sqldb.New(f.open(t), sqldb.Postgres)
		f.fails("exec", 1<<30, postgresError("40001"))
		start := time.Now()
		_, err := db.Exec(t.Context(), "UPDATE a SET b = 1")
		if took := time.Since(start); !errors.Is(err, oauth.ErrUnavailable) || took < sqldb.Patience || took > sqldb.Patience+time.Second {
			t.Errorf("Exec() = %v after %v, want ErrUnavailable after %v", err, took, sqldb.Patience)
		}
	})
}

// Inside the application's own write transaction no other write can succeed. With a
// single connection it can't even begin. The error says so, and later writes succeed.
func TestTx_InsideAnotherTransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, busy := range []bool{false, true} {
			f := &fake{}
			pool := f.open(t)
			db := sqldb.New(pool, sqldb.SQLite)
			if busy {
				f.fails("exec", 1<<30, sqliteError(5))
			} else {
				pool.SetMaxOpenConns(1)
			}
			outer, err := pool.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			err = db.Tx(t.Context(), func(ctx context.Context, tx *sqldb.Tx) error {
				_, err := tx.Exec(ctx, "UPDATE a SET b = 1")
				return err
			})
			if took := time.Since(start); took > sqldb.Patience+time.Second {
				t.Errorf("busy %v: Tx() took %v, want about %v", busy, took, sqldb.Patience)
			}
			if !errors.Is(err, oauth.ErrUnavailable) || !strings.Contains(err.Error(), "its own transaction") {
				t.Errorf("busy %v: Tx() = %v, want ErrUnavailable with the cause", busy, err)
			}
			outer.Rollback()
			f.fails("", 0, nil)
			if err := db.Tx(t.Context(), nothing); err != nil {
				t.Errorf("busy %v: Tx() afterwards = %v, want nil", busy, err)
			}
		}
	})
}

// If the caller cancels before a write begins, it does not happen. A later cancellation
// does not stop the commit.
func TestTx_CallerCancels(t *testing.T) {
	f := &fake{}
	db := sqldb.New(f.open(t), sqldb.SQLite)
	ctx, cancel := context.WithCancel(t.Context())
	err := db.Tx(ctx, func(ctx context.Context, tx *sqldb.Tx) error {
		cancel()
		_, err := tx.Exec(ctx, "UPDATE a SET b = 1")
		return err
	})
	if err != nil || f.count("commit ") != 1 {
		t.Errorf("Tx() canceled inside its function = %v with %d COMMITs, want nil with 1", err, f.count("commit "))
	}
	f.asked()
	_, execErr := db.Exec(ctx, "DELETE FROM a")
	_, insertErr := db.Insert(ctx, "INSERT INTO a (b) VALUES (1)")
	for name, err := range map[string]error{
		"Tx":     db.Tx(ctx, nothing),
		"Exec":   execErr,
		"Insert": insertErr,
		"Each":   db.Each(ctx, "SELECT b FROM a", func(sqldb.Row) error { return nil }),
	} {
		// context.Canceled tells the log that this is not an outage. If a client still
		// reads the response, it gets 503 and not 500.
		if !errors.Is(err, context.Canceled) || status(err) != 503 || strings.Contains(err.Error(), "the store is unavailable") {
			t.Errorf("%s() with a canceled context = %v (%d), want context.Canceled with status 503 and no mention of an outage", name, err, status(err))
		}
	}
	if asked := f.asked(); slices.ContainsFunc(asked, func(s string) bool { return !strings.HasPrefix(s, "prepare") }) {
		t.Errorf("statements = %q, want none", asked)
	}
}

// All writers of one SQLite pool queue. Writers of other databases do not.
func TestTx_OneWriter(t *testing.T) {
	for _, test := range []struct {
		name    string
		dialect sqldb.Dialect
		pools   int
		want    int64
	}{
		{"two stores over a pool", sqldb.SQLite, 1, 1},
		{"two pools", sqldb.SQLite, 2, 2},
		{"PostgreSQL", sqldb.Postgres, 1, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				first := (&fake{}).open(t)
				second := first
				if test.pools == 2 {
					second = (&fake{}).open(t)
				}
				var inside, most atomic.Int64
				write := func(context.Context, *sqldb.Tx) error {
					most.Store(max(most.Load(), inside.Add(1)))
					time.Sleep(time.Second)
					inside.Add(-1)
					return nil
				}
				done := make(chan error)
				for _, pool := range []*sql.DB{first, second} {
					db := sqldb.New(pool, test.dialect)
					go func() { done <- db.Tx(t.Context(), write) }()
				}
				for range 2 {
					if err := <-done; err != nil {
						t.Error(err)
					}
				}
				if most.Load() != test.want {
					t.Errorf("%d concurrent writers, want %d", most.Load(), test.want)
				}
			})
		})
	}
}

// A caller that waits for the writer can cancel, and has a time limit.
func TestTx_WaitingForTheWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := sqldb.New((&fake{}).open(t), sqldb.SQLite)
		release := make(chan bool)
		entered := make(chan bool)
		go db.Tx(t.Context(), func(context.Context, *sqldb.Tx) error {
			close(entered)
			<-release
			return nil
		})
		<-entered
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := db.Tx(ctx, nothing); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, oauth.ErrUnavailable) {
			t.Errorf("Tx() with a deadline while the writer is busy = %v, want DeadlineExceeded and ErrUnavailable", err)
		}
		if err := db.Tx(t.Context(), nothing); !errors.Is(err, oauth.ErrUnavailable) {
			t.Errorf("Tx() while the writer stays busy = %v, want ErrUnavailable", err)
		}
		close(release)
		if err := db.Tx(t.Context(), nothing); err != nil {
			t.Errorf("Tx() after the writer became free = %v, want nil", err)
		}
	})
}

func TestTx_PanicRollsBack(t *testing.T) {
	f := &fake{}
	db := sqldb.New(f.open(t), sqldb.SQLite)
	func() {
		defer func() { recover() }()
		db.Tx(t.Context(), func(context.Context, *sqldb.Tx) error { panic("test") })
	}()
	if f.count("rollback ") != 1 || f.count("commit ") != 0 {
		t.Errorf("statements after a panic = %q, want a rollback", f.asked())
	}
	if err := db.Tx(t.Context(), nothing); err != nil {
		t.Errorf("Tx() after a panic = %v, want nil", err)
	}
}

// The function's error reaches the caller unchanged. It is not a database error.
func TestTx_FunctionRefuses(t *testing.T) {
	f := &fake{}
	db := sqldb.New(f.open(t), sqldb.SQLite)
	err := db.Tx(t.Context(), func(context.Context, *sqldb.Tx) error { return oauth.ErrSpent })
	if !errors.Is(err, oauth.ErrSpent) || f.count("rollback ") != 1 || f.count("commit ") != 0 {
		t.Errorf("Tx() = %v after %q, want ErrSpent and a rollback", err, f.asked())
	}
}

func TestInsert_Duplicate(t *testing.T) {
	const q = "INSERT INTO a (b, c) VALUES (?, ?)"
	for _, test := range []struct {
		dialect sqldb.Dialect
		text    string
		result  any
		err     error
	}{
		{sqldb.SQLite, q + " ON CONFLICT DO NOTHING", 0, nil},
		{sqldb.Postgres, "INSERT INTO a (b, c) VALUES ($1, $2) ON CONFLICT DO NOTHING", 0, nil},
		{sqldb.MySQL, q, nil, &mysqlError{Number: 1062}},
	} {
		f := &fake{}
		db := sqldb.New(f.open(t), test.dialect)
		insert := func() (ok bool) {
			t.Helper()
			err := db.Tx(t.Context(), func(ctx context.Context, tx *sqldb.Tx) (err error) {
				ok, err = tx.Insert(ctx, q, 1, 2)
				return err
			})
			alone, aloneErr := db.Insert(t.Context(), q, 1, 2)
			if err != nil || aloneErr != nil || alone != ok {
				t.Errorf("%s: Insert() in a transaction and without = %v, %v and %v, %v, want the same", test.dialect.Name, ok, err, alone, aloneErr)
			}
			return ok
		}
		if !insert() {
			t.Errorf("%s: Insert() of a new row = false, want true", test.dialect.Name)
		}
		if asked := f.asked(); !slices.Contains(asked, "exec "+test.text) {
			t.Errorf("%s: statements = %q, want %q", test.dialect.Name, asked, test.text)
		}
		f.respond = func(op, _ string) (any, error) {
			if op == "exec" || op == "prepared" {
				return test.result, test.err
			}
			return nil, nil
		}
		if insert() {
			t.Errorf("%s: Insert() of an existing row = true, want false", test.dialect.Name)
		}
	}
}

// A text is prepared once, and never while a connection is held: a pool with a single
// connection would deadlock.
func TestPrepare_WithAPoolOfOne(t *testing.T) {
	f := &fake{respond: func(string, string) (any, error) { return []driver.Value{int64(1)}, nil }}
	pool := f.open(t)
	pool.SetMaxOpenConns(1)
	db := sqldb.New(pool, sqldb.SQLite)
	write := func(ctx context.Context, tx *sqldb.Tx) error {
		if _, err := tx.Exec(ctx, "UPDATE a SET b = 1"); err != nil {
			return err
		}
		return tx.Row(ctx, "SELECT b FROM a", func(sqldb.Row) error { return nil })
	}
	for _, want := range [][]string{
		{"connect ", "begin ", "exec UPDATE a SET b = 1", "query SELECT b FROM a", "commit "},
		{"prepare SELECT b FROM a", "prepare UPDATE a SET b = 1", "begin ", "prepared UPDATE a SET b = 1", "prepared SELECT b FROM a", "commit "},
		{"begin ", "prepared UPDATE a SET b = 1", "prepared SELECT b FROM a", "commit "},
	} {
		if err := db.Tx(t.Context(), write); err != nil {
			t.Fatal(err)
		}
		if got := f.asked(); !slices.Equal(got, want) {
			t.Errorf("statements = %q, want %q", got, want)
		}
	}
	for range 2 {
		if err := db.Row(t.Context(), "SELECT c FROM a", func(sqldb.Row) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"prepare SELECT c FROM a", "prepared SELECT c FROM a", "prepared SELECT c FROM a"}
	if got := f.asked(); !slices.Equal(got, want) {
		t.Errorf("statements = %q, want %q", got, want)
	}
	// PostgreSQL's driver prepares statements itself, because it must not do so behind
	// a pooler.
	f = &fake{}
	db = sqldb.New(f.open(t), sqldb.Postgres)
	for range 2 {
		if _, err := db.Exec(t.Context(), "DELETE FROM a WHERE b = ? AND c = ?", 1, 2); err != nil {
			t.Fatal(err)
		}
	}
	if n := f.count("exec DELETE FROM a WHERE b = $1 AND c = $2"); n != 2 {
		t.Errorf("statements on PostgreSQL = %q, want the statement twice and nothing prepared", f.asked())
	}
}

func TestRow(t *testing.T) {
	f := &fake{}
	db := sqldb.New(f.open(t), sqldb.MySQL)
	var sum int
	scan := func(row sqldb.Row) error {
		var n int
		err := row.Scan(&n)
		sum += n
		return err
	}
	if err := db.Row(t.Context(), "SELECT a FROM b", scan); !errors.Is(err, oauth.ErrNotFound) {
		t.Errorf("Row() without a row = %v, want ErrNotFound", err)
	}
	if err := db.Each(t.Context(), "SELECT a FROM b", scan); err != nil {
		t.Errorf("Each() without a row = %v, want nil", err)
	}
	f.respond = func(string, string) (any, error) { return []driver.Value{int64(1), int64(2)}, nil }
	if err := db.Row(t.Context(), "SELECT a FROM b", scan); err != nil || sum != 3 {
		t.Errorf("Row() = %v with the sum %d, want both rows scanned and 3", err, sum)
	}
	stop := errors.New("stop")
	refuse := func(sqldb.Row) error { return stop }
	inside := db.Tx(t.Context(), func(ctx context.Context, tx *sqldb.Tx) error { return tx.Row(ctx, "SELECT a FROM b", refuse) })
	for what, err := range map[string]error{
		"alone":            db.Row(t.Context(), "SELECT a FROM b", refuse),
		"in a transaction": inside,
	} {
		if !errors.Is(err, stop) || errors.Is(err, oauth.ErrUnavailable) {
			t.Errorf("Row() %s = %v, want the error of scan without ErrUnavailable", what, err)
		}
	}
}

// SQLite runs in its caller's goroutine, where watching a context costs as much as a
// row. So the context is watched only while waiting for a connection.
func TestStatement_SQLiteIsWatchedWhileWaitingForAConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		pool := f.open(t)
		pool.SetMaxOpenConns(1)
		db := sqldb.New(pool, sqldb.SQLite)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		verbs := map[string]func() error{
			"Each": func() error { return db.Each(ctx, "SELECT a FROM b", func(sqldb.Row) error { return nil }) },
			"Exec": func() error { _, err := db.Exec(ctx, "DELETE FROM a"); return err },
			"Tx": func() error {
				return db.Tx(ctx, func(ctx context.Context, tx *sqldb.Tx) error { _, err := tx.Exec(ctx, "DELETE FROM b"); return err })
			},
		}
		for name, verb := range verbs {
			for range 2 { // a transaction prepares the texts of an earlier one
				if err := verb(); err != nil {
					t.Errorf("%s() = %v, want nil", name, err)
				}
			}
		}
		if f.watched > 0 {
			t.Errorf("%d statements watched, want none while a connection is free", f.watched)
		}
		held, err := pool.Conn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer held.Close()
		for name, verb := range verbs {
			begin := time.Now()
			if err := verb(); !errors.Is(err, oauth.ErrUnavailable) || time.Since(begin) > 2*sqldb.Patience {
				t.Errorf("%s() while the application holds the only connection = %v after %v, want ErrUnavailable after %v", name, err, time.Since(begin), sqldb.Patience)
			}
		}
		waiting := make(chan error, len(verbs))
		for _, verb := range verbs {
			go func() { waiting <- verb() }()
		}
		synctest.Wait()
		cancel()
		synctest.Wait()
		for range verbs {
			// A write that holds the writer's semaphore ignores its caller's context.
			if err := <-waiting; !errors.Is(err, oauth.ErrUnavailable) {
				t.Errorf("a request canceled while it waits for a connection = %v, want ErrUnavailable", err)
			}
		}
	})
}

// At the strictest isolation level a SELECT can conflict after its first rows. Each read
// then runs again, and its caller gets each row of the last attempt once.
func TestReads_RunAgainAfterAConflictBetweenRows(t *testing.T) {
	ctx := t.Context()
	var got []int64
	scan := func(row sqldb.Row) error {
		var n int64
		err := row.Scan(&n)
		got = append(got, n)
		return err
	}
	forget := func() { got = nil }
	for name, read := range map[string]func(*sqldb.DB) error{
		"Each":   func(db *sqldb.DB) error { return db.Each(ctx, "SELECT a FROM b", scan) },
		"Lookup": func(db *sqldb.DB) error { return db.Lookup(ctx, "SELECT a FROM b WHERE c = ?", scan, forget, "key") },
		"Row": func(db *sqldb.DB) error {
			return db.Row(ctx, "SELECT a FROM b", func(row sqldb.Row) error {
				if len(got) == 3 {
					forget()
				}
				return scan(row)
			})
		},
	} {
		for what, fault := range map[string]error{"a conflict": postgresError("40001"), "a broken connection": io.ErrUnexpectedEOF} {
			reads := 0
			f := &fake{respond: func(op, _ string) (any, error) {
				if op != "query" {
					return nil, nil
				}
				switch reads++; reads {
				case 1:
					return []driver.Value{fault}, nil
				case 2:
					return []driver.Value{int64(4), int64(5), int64(6), fault}, nil
				}
				return []driver.Value{int64(1), int64(2), int64(3)}, nil
			}}
			got = nil
			err := read(sqldb.New(f.open(t), sqldb.Postgres))
			if err != nil || !slices.Equal(got, []int64{1, 2, 3}) {
				t.Errorf("%s before and after three rows: %s() = %v with the rows %v, want those of the last attempt", what, name, err, got)
			}
		}
	}
}
