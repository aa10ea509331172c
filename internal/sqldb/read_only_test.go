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

// refusals are the errors of a write on a node that is read-only, or outside its
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
// another node.
func (f *fake) demote() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.conns {
		c.standby.Store(true)
	}
}

// After a failover the old primary is read-only, and the connections to it stay open.
// One write is refused and not repeated. The new primary serves all later requests, on
// every connection.
func TestBroken_FR_52_FailoverKeepsConnections(t *testing.T) {
	for _, test := range refusals {
		for _, first := range []string{"Exec", "Insert", "Tx", "Group", "Group, alone"} {
			t.Run(test.dialect.Name+" "+test.err.Error()+" "+first, func(t *testing.T) {
				f := &fake{respond: oneRow, refusal: test.err}
				pool := f.open(t)
				db := sqldb.New(pool, test.dialect)
				all := requests(db)
				for _, request := range all { // prepare the texts
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
					t.Errorf("%s on a demoted node = %v, want ErrUnavailable", first, err)
				}
				want := map[string]int{}
				for i := range 3 {
					for name, request := range all {
						row := name + strings.Repeat("'", i)
						if err := request(t.Context(), row); err != nil {
							t.Errorf("%s after a refused write = %v, want nil", name, err)
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

// A readiness probe notices a failover without a write: it succeeds on a connection to
// the new primary, and so does the first write after it.
func TestReady_FR_43_FailoverIsNoticedByAProbe(t *testing.T) {
	for _, test := range refusals {
		for name := range requests(nil) {
			f := &fake{refusal: test.err}
			pool := f.open(t)
			db := sqldb.New(pool, test.dialect)
			fill(t, pool, 8)
			f.demote()
			if err := db.Check(t.Context()); err != nil {
				t.Errorf("%s: Check() with a primary for new connections = %v, want nil", test.dialect.Name, err)
			}
			if err := requests(db)[name](t.Context(), "row"); err != nil && !errors.Is(err, oauth.ErrNotFound) {
				t.Errorf("%s: %s after Check() noticed %v = %v, want nil", test.dialect.Name, name, test.err, err)
			}
		}
	}
}

// While no node accepts writes, a probe fails, reads succeed, and connections are
// opened about once a second. They succeed again as soon as a node accepts writes.
func TestReady_FR_43_NoNodeTakesWrites(t *testing.T) {
	for _, test := range refusals[:4] { // a Galera node outside its cluster serves no reads
		synctest.Test(t, func(t *testing.T) {
			f := &fake{respond: oneRow, refusal: test.err, standbys: true}
			pool := f.open(t)
			defer pool.Close()
			db := sqldb.New(pool, test.dialect)
			fill(t, pool, 4)
			f.asked()
			for range 3 {
				if err := db.Check(t.Context()); !errors.Is(err, oauth.ErrUnavailable) || !strings.Contains(err.Error(), "read-only") {
					t.Errorf("%s: Check() while no node accepts writes = %v, want ErrUnavailable with the reason", test.dialect.Name, err)
				}
				for range 100 {
					if err := requests(db)["Row"](t.Context(), ""); err != nil {
						t.Errorf("%s: Row() while no node accepts writes = %v, want nil", test.dialect.Name, err)
					}
				}
				if _, err := db.Exec(t.Context(), "INSERT a"); !errors.Is(err, oauth.ErrUnavailable) {
					t.Errorf("%s: Exec() while no node accepts writes = %v, want ErrUnavailable", test.dialect.Name, err)
				}
			}
			if n := f.count("connect "); n > 10 {
				t.Errorf("%s: 300 reads opened %d connections, want at most 10", test.dialect.Name, n)
			}
			f.standbys = false
			time.Sleep(time.Second)
			if err := requests(db)["Exec"](t.Context(), "row"); err != nil {
				t.Errorf("%s: Exec() a second after a node accepts writes again = %v, want nil", test.dialect.Name, err)
			}
		})
	}
}

// After a refused write, each use of a connection first asks whether its node accepts
// writes, for ten minutes.
func TestBroken_FR_52_AsksForWritesForTenMinutes(t *testing.T) {
	for _, test := range refusals {
		synctest.Test(t, func(t *testing.T) {
			f := &fake{respond: oneRow, refusal: test.err}
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
				t.Errorf("%d checks for writes on healthy nodes, want none", n)
			}
			f.demote()
			_ = requests(db)["Exec"](t.Context(), "refused")
			if n, want := asked(), len(requests(db)); n < want || n > want+1 { // and one on the old connection
				t.Errorf("%v: %d checks for writes, want %d, one per request", test.err, n, want)
			}
			time.Sleep(10 * time.Minute)
			if n := asked(); n != 0 {
				t.Errorf("%d checks for writes ten minutes after a refused write, want none", n)
			}
		})
	}
}
