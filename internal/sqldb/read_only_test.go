package sqldb_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// refusals are what a node says of a write that is read-only, or outside of its
// cluster.
var refusals = []struct {
	dialect sqldb.Dialect
	err     error
}{
	{sqldb.Postgres, postgresError("25006")},
	{sqldb.MySQL, &mysqlError{Number: 1290}},
	{sqldb.MySQL, &mysqlError{Number: 1836}},
	{sqldb.MySQL, &mysqlError{Number: 1792}},
	{sqldb.MySQL, &mysqlError{Number: 1047}}, // Galera
}

// demote makes the node of all open connections read-only. New connections lead to
// another one.
func (f *fake) demote() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.conns {
		c.standby.Store(true)
	}
}

// After a failover the old primary is read-only, and the connections to it stay open.
// One write is refused. It is not repeated, and each later request is served by the
// new primary, on every connection.
func TestBroken_FR_52_FailoverKeepsConnections(t *testing.T) {
	for _, test := range refusals {
		for _, first := range []string{"Exec", "Insert", "Tx", "Group", "Group, alone"} {
			t.Run(test.dialect.Name+" "+test.err.Error()+" "+first, func(t *testing.T) {
				f := &fake{answer: oneRow, refusal: test.err}
				pool := f.open(t)
				db := sqldb.New(pool, test.dialect)
				all := requests(db)
				for _, request := range all { // so that texts are prepared
					for range 2 {
						if err := request(t.Context(), "before"); err != nil {
							t.Fatal(err)
						}
					}
				}
				fill(t, pool, 8)
				f.asked()
				f.demote()
				if err := all[first](t.Context(), "refused"); err != nil && !errors.Is(err, oauth.ErrUnavailable) {
					t.Errorf("%s at a node that is read-only now = %v, want ErrUnavailable", first, err)
				}
				want := map[string]int{}
				for i := range 3 {
					for name, request := range all {
						row := name + strings.Repeat("'", i)
						if err := request(t.Context(), row); err != nil {
							t.Errorf("%s after a write was refused as read-only = %v, want nil", name, err)
						}
						if !slices.Contains([]string{"Row", "Each", "Lookup"}, name) {
							want[row] = 1
						}
					}
				}
				checkWritten(t, f, want)
			})
		}
	}
}

// A probe notices a failover without any write: it succeeds by a connection to the new
// primary, and so does the first write after it.
func TestReady_FR_43_FailoverIsNoticedByAProbe(t *testing.T) {
	for _, test := range refusals {
		for name := range requests(nil) {
			f := &fake{refusal: test.err}
			pool := f.open(t)
			db := sqldb.New(pool, test.dialect)
			fill(t, pool, 8)
			f.demote()
			if err := db.Check(t.Context()); err != nil {
				t.Errorf("%s: Check() while a new connection leads to a primary = %v, want nil", test.dialect.Name, err)
			}
			if err := requests(db)[name](t.Context(), "row"); err != nil && !errors.Is(err, oauth.ErrNotFound) {
				t.Errorf("%s: %s after a probe noticed %v = %v, want nil", test.dialect.Name, name, test.err, err)
			}
		}
	}
}

// While no node takes writes, a probe fails, reads are served, and connections are
// made about once a second. As soon as a node takes writes, all is well.
func TestReady_FR_43_NoNodeTakesWrites(t *testing.T) {
	for _, test := range refusals[:4] { // a Galera node outside of its cluster serves no reads
		synctest.Test(t, func(t *testing.T) {
			f := &fake{answer: oneRow, refusal: test.err, standbys: true}
			pool := f.open(t)
			defer pool.Close()
			db := sqldb.New(pool, test.dialect)
			fill(t, pool, 4)
			f.asked()
			for range 3 {
				if err := db.Check(t.Context()); !errors.Is(err, oauth.ErrUnavailable) || !strings.Contains(err.Error(), "read-only") {
					t.Errorf("%s: Check() while no node takes writes = %v, want ErrUnavailable and the reason", test.dialect.Name, err)
				}
				for range 100 {
					if err := requests(db)["Row"](t.Context(), ""); err != nil {
						t.Errorf("%s: Row() while no node takes writes = %v, want nil", test.dialect.Name, err)
					}
				}
				if _, err := db.Exec(t.Context(), "INSERT a"); !errors.Is(err, oauth.ErrUnavailable) {
					t.Errorf("%s: Exec() while no node takes writes = %v, want ErrUnavailable", test.dialect.Name, err)
				}
			}
			if n := f.count("connect "); n > 10 {
				t.Errorf("%s: 300 reads made %d connections in a second, want few", test.dialect.Name, n)
			}
			f.standbys = false
			time.Sleep(time.Second)
			if err := requests(db)["Exec"](t.Context(), "row"); err != nil {
				t.Errorf("%s: Exec() a second after a node takes writes again = %v, want nil", test.dialect.Name, err)
			}
		})
	}
}

// After a refused write, each use of a connection asks first, and no longer after ten
// minutes.
func TestBroken_FR_52_AsksForWritesForTenMinutes(t *testing.T) {
	for _, test := range refusals {
		synctest.Test(t, func(t *testing.T) {
			f := &fake{answer: oneRow, refusal: test.err}
			pool := f.open(t)
			defer pool.Close()
			db := sqldb.New(pool, test.dialect)
			asked := func() int {
				f.asked()
				for name, request := range requests(db) {
					if err := request(t.Context(), "row"); err != nil {
						t.Errorf("%s = %v, want nil", name, err)
					}
				}
				return f.count("asked for writes ")
			}
			if n := asked(); n != 0 {
				t.Errorf("%d requests asked whether the node takes writes while all is well, want none", n)
			}
			f.demote()
			_ = requests(db)["Exec"](t.Context(), "refused")
			if n, want := asked(), len(requests(db)); n < want || n > want+1 { // and of the old connection
				t.Errorf("%v: %d questions for %d requests, want one for each", test.err, n, want)
			}
			time.Sleep(10 * time.Minute)
			if n := asked(); n != 0 {
				t.Errorf("%d questions ten minutes after a write was refused, want none", n)
			}
		})
	}
}
