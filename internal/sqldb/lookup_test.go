package sqldb_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

const lookUp = "SELECT a.name, a.n FROM a WHERE a.id = ? ORDER BY a.n"

// record is what a row of lookUp is scanned into.
type record struct {
	names []string
	n     int64
}

func (r *record) scan(row sqldb.Row) error {
	var name string
	err := row.Scan(&name, &r.n)
	r.names = append(r.names, name)
	return err
}

// table is a fake that answers lookUp from records, and holds up the statements for
// the keys "slow" and "stuck" until their gates open.
type table struct {
	*fake
	db    *sqldb.DB
	d     sqldb.Dialect
	mu    sync.Mutex
	rows  map[string][][]any // by key
	gates map[any]chan struct{}
}

func newTable(t *testing.T, d sqldb.Dialect) *table {
	b := &table{fake: &fake{}, d: d, rows: map[string][][]any{}, gates: map[any]chan struct{}{"slow": make(chan struct{}), "stuck": make(chan struct{})}}
	b.fake.byArgs = b.answer
	b.db = sqldb.New(b.open(t), d)
	for key := range b.gates {
		b.rows[key.(string)] = [][]any{{"late", int64(1)}}
	}
	// The statement is prepared before any is held up.
	if err := b.db.Lookup(context.Background(), lookUp, new(record).scan, "nothing"); !errors.Is(err, oauth.ErrNotFound) {
		t.Fatalf("the look-up of nothing = %v, want ErrNotFound", err)
	}
	b.asked()
	return b
}

func (b *table) answer(query string, args []any) (any, error) {
	if gate := b.gates[args[0]]; gate != nil {
		<-gate
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []driver.Value
	many := strings.Contains(query, " IN (")
	seen := map[any]bool{}
	for _, key := range args {
		if seen[key] {
			continue // a key that is repeated to fill the list
		}
		seen[key] = true
		for _, row := range b.rows[key.(string)] {
			if many {
				row = slices.Concat([]any{key}, row)
			}
			all = append(all, b.shown(row))
		}
		if key == "broken" {
			return nil, errors.New("out of order")
		}
	}
	return all, nil
}

// shown is a row as this kind of database answers it.
func (b *table) shown(row []any) driver.Value {
	if b.d.Name != sqldb.SQLite.Name {
		return row
	}
	var parts []string
	for _, v := range row {
		parts = append(parts, strings.Replace(fmt.Sprintf("%#v", v), "<nil>", "null", 1))
	}
	return "[" + strings.Join(parts, ",") + "]"
}

// occupy has as many ask for something slow as may ask at once. What it returns lets
// one of them go, and the others when those have been served who came meanwhile.
func (b *table) occupy(t *testing.T, wg *sync.WaitGroup) (proceed func()) {
	t.Helper()
	for key := range b.gates {
		wg.Go(func() {
			if err := b.db.Lookup(context.Background(), lookUp, new(record).scan, key.(string)); err != nil && !errors.Is(err, oauth.ErrUnavailable) {
				t.Errorf("the look-up of something slow: %v, want nil, or ErrUnavailable if it took too long", err)
			}
		})
	}
	synctest.Wait()
	if n := len(b.asked()); n < len(b.gates) {
		t.Errorf("%d statements were begun, want %d: so many are asked at once", n, len(b.gates))
	}
	return func() {
		close(b.gates["slow"])
		synctest.Wait()
		close(b.gates["stuck"])
		wg.Wait()
	}
}

func eachTable(t *testing.T, run func(t *testing.T, b *table)) {
	for _, d := range dialects {
		t.Run(d.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { run(t, newTable(t, d)) })
		})
	}
}

// Those who come while others are asking share a statement, and each gets what it
// has asked for, as if it had been alone.
func TestLookup_SharesAStatement(t *testing.T) {
	eachTable(t, func(t *testing.T, b *table) {
		b.rows["one"] = [][]any{{"Ada", int64(1)}}
		b.rows["several"] = [][]any{{"Bob", int64(1)}, {"Eve", int64(2)}}
		b.rows["odd"] = [][]any{{nil, int64(1)}}
		var wg sync.WaitGroup
		proceed := b.occupy(t, &wg)
		keys := []string{"one", "several", "odd", "missing", "one", "several", "ONE"}
		got, errs := make([]record, len(keys)), make([]error, len(keys))
		for i, key := range keys {
			wg.Go(func() { errs[i] = b.db.Lookup(context.Background(), lookUp, got[i].scan, key) })
		}
		synctest.Wait()
		b.asked()
		proceed()
		for i, want := range []string{"[Ada] 1 <nil>", "[Bob Eve] 2 <nil>", "", "[] 0 the record was not found", "[Ada] 1 <nil>", "[Bob Eve] 2 <nil>", "[] 0 the record was not found"} {
			if keys[i] == "missing" || keys[i] == "ONE" {
				if !errors.Is(errs[i], oauth.ErrNotFound) || got[i].names != nil {
					t.Errorf("the look-up of %q = %v, %v, want ErrNotFound and no row", keys[i], got[i], errs[i])
				}
				continue
			}
			if keys[i] == "odd" {
				if errs[i] == nil || errors.Is(errs[i], oauth.ErrUnavailable) {
					t.Errorf("the look-up of what cannot be scanned = %v, want what Scan says", errs[i])
				}
				continue
			}
			if s := fmt.Sprint(got[i].names, got[i].n, errs[i]); s != want {
				t.Errorf("the look-up of %q = %s, want %s", keys[i], s, want)
			}
		}
		shared := 0
		for _, entry := range b.asked() {
			if strings.Contains(entry, " IN (") && !strings.HasPrefix(entry, "prepare ") {
				shared++
			}
		}
		if shared != 1 {
			t.Errorf("%d statements were asked for many, want 1", shared)
		}
	})
}

// RV-07: nobody is told what was true before it asked. A statement that is under way
// answers those alone who had asked when it began.
func TestLookup_RV_07_AsksAfterItsCallersHaveCome(t *testing.T) {
	eachTable(t, func(t *testing.T, b *table) {
		b.rows["token"] = [][]any{{"live", int64(1)}}
		var wg sync.WaitGroup
		proceed := b.occupy(t, &wg)
		b.rows["token"] = [][]any{{"revoked", int64(2)}}
		var late [3]record
		for i := range late {
			wg.Go(func() {
				if err := b.db.Lookup(context.Background(), lookUp, late[i].scan, "token"); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		b.mu.Lock()
		b.rows["token"] = [][]any{{"purged", int64(3)}} // still before the statement that they share
		b.mu.Unlock()
		proceed()
		for _, r := range late {
			if !slices.Equal(r.names, []string{"purged"}) {
				t.Errorf("who asked after a change was told %q, want what is true when the statement begins", r.names)
			}
		}
	})
}

// What goes wrong with a statement is told to all who share it, and the next ones
// are served as ever.
func TestLookup_FailsForThoseWhoShareIt(t *testing.T) {
	eachTable(t, func(t *testing.T, b *table) {
		b.rows["one"] = [][]any{{"Ada", int64(1)}}
		var wg sync.WaitGroup
		proceed := b.occupy(t, &wg)
		errs := make([]error, 3)
		for i, key := range []string{"one", "broken", "two"} {
			wg.Go(func() { errs[i] = b.db.Lookup(context.Background(), lookUp, new(record).scan, key) })
		}
		synctest.Wait()
		proceed()
		for i, err := range errs {
			if !errors.Is(err, oauth.ErrUnavailable) {
				t.Errorf("look-up %d of those that share a broken statement = %v, want ErrUnavailable", i, err)
			}
		}
		for range 5 {
			if err := b.db.Lookup(t.Context(), lookUp, new(record).scan, "one"); err != nil {
				t.Errorf("a look-up after that = %v, want nil", err)
			}
		}
	})
}

// Whoever hangs up while waiting leaves the others alone; so does a leader.
func TestLookup_CallersHangUp(t *testing.T) {
	eachTable(t, func(t *testing.T, b *table) {
		b.rows["one"] = [][]any{{"Ada", int64(1)}}
		var wg sync.WaitGroup
		b.occupy(t, &wg)
		var errs [3]error
		var hangUp [3]context.CancelFunc
		for i := range errs {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			hangUp[i] = cancel
			wg.Go(func() { errs[i] = b.db.Lookup(ctx, lookUp, new(record).scan, "one") })
			synctest.Wait()
		}
		hangUp[1]()
		synctest.Wait()
		if !errors.Is(errs[1], context.Canceled) || status(errs[1]) != 503 {
			t.Errorf("who hung up while waiting is told %v, want context.Canceled, and no 500", errs[1])
		}
		close(b.gates["slow"])
		hangUp[0]() // it is to lead
		synctest.Wait()
		close(b.gates["stuck"])
		wg.Wait()
		if errs[0] != nil && !errors.Is(errs[0], context.Canceled) || errs[2] != nil {
			t.Errorf("the others are told %v and %v, want nil for who has stayed", errs[0], errs[2])
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if err := b.db.Lookup(gone, lookUp, new(record).scan, "one"); !errors.Is(err, context.Canceled) {
			t.Errorf("the look-up of who has gone = %v, want context.Canceled", err)
		}
	})
}

// RV-08: behind a database that does not answer nobody waits longer than if he had
// been alone, whenever he came.
func TestLookup_RV_08_WaitsNoLongerThanAlone(t *testing.T) {
	eachTable(t, func(t *testing.T, b *table) {
		if b.d.Name == sqldb.SQLite.Name {
			return // no network stands in between
		}
		b.hang = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 300 * time.Millisecond)
				begin := time.Now()
				err := b.db.Lookup(context.Background(), lookUp, new(record).scan, "one")
				if d := time.Since(begin); !errors.Is(err, oauth.ErrUnavailable) || d > sqldb.Patience {
					t.Errorf("look-up %d behind a silent database = %v after %v, want ErrUnavailable after %v at most", i, err, d, sqldb.Patience)
				}
			})
		}
		wg.Wait()
	})
}

// Two connections that a firewall has dropped hold nobody up who could be served
// over others.
func TestLookup_ThoseWhoHangHoldNobodyUp(t *testing.T) {
	eachTable(t, func(t *testing.T, b *table) {
		b.rows["one"] = [][]any{{"Ada", int64(1)}}
		var wg, others sync.WaitGroup
		proceed := b.occupy(t, &wg)
		begin := time.Now()
		for range 100 {
			others.Go(func() {
				if err := b.db.Lookup(context.Background(), lookUp, new(record).scan, "one"); err != nil {
					t.Errorf("a look-up beside two that hang = %v, want nil", err)
				}
			})
		}
		others.Wait()
		if d := time.Since(begin); d > time.Second {
			t.Errorf("they waited for %v, want a moment", d)
		}
		proceed()
	})
}

// A row that cannot be read is the fault of nobody who asked for another one, and
// nobody is given rows after he was told that one of his is broken.
func TestLookup_BrokenRow(t *testing.T) {
	eachTable(t, func(t *testing.T, b *table) {
		b.rows["one"] = [][]any{{"Ada", int64(1)}}
		b.rows["real"] = [][]any{{"Bob", 1.5}}
		b.rows["odd"] = [][]any{{nil, int64(1)}, {"Eve", int64(2)}}
		var wg sync.WaitGroup
		proceed := b.occupy(t, &wg)
		errs, scanned := map[string]error{}, 0
		var mu sync.Mutex
		for _, key := range []string{"one", "real", "odd"} {
			wg.Go(func() {
				err := b.db.Lookup(context.Background(), lookUp, func(row sqldb.Row) error {
					mu.Lock()
					defer mu.Unlock()
					if key == "odd" {
						scanned++
					}
					return new(record).scan(row)
				}, key)
				mu.Lock()
				defer mu.Unlock()
				errs[key] = err
			})
		}
		synctest.Wait()
		proceed()
		if errs["one"] != nil {
			t.Errorf("who shared a statement with a row that cannot be read is told %v, want nil", errs["one"])
		}
		for _, key := range []string{"real", "odd"} {
			if errs[key] == nil || errors.Is(errs[key], oauth.ErrUnavailable) {
				t.Errorf("who asked for the row %q is told %v, want what is wrong with it", key, errs[key])
			}
		}
		if scanned != 1 {
			t.Errorf("%d rows were scanned for who was told that the first is broken, want 1", scanned)
		}
	})
}

// A scan that panics is its own caller's to answer for, and nobody waits for ever.
func TestLookup_Panic(t *testing.T) {
	eachTable(t, func(t *testing.T, b *table) {
		b.rows["one"] = [][]any{{"Ada", int64(1)}}
		var wg sync.WaitGroup
		proceed := b.occupy(t, &wg)
		outcomes := make(chan error, 3)
		for range 3 {
			wg.Go(func() {
				defer func() {
					if fault := recover(); fault != nil {
						outcomes <- nil
					}
				}()
				outcomes <- b.db.Lookup(context.Background(), lookUp, func(sqldb.Row) error { panic("oh") }, "one")
			})
		}
		synctest.Wait()
		proceed()
		for range 3 {
			if err := <-outcomes; err != nil && !errors.Is(err, oauth.ErrUnavailable) {
				t.Errorf("who shared the statement is told %v, want ErrUnavailable", err)
			}
		}
		if err := b.db.Lookup(t.Context(), lookUp, new(record).scan, "one"); err != nil {
			t.Errorf("a look-up after that = %v, want nil", err)
		}
	})
}
