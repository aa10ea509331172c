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

// record is the destination for a row of lookUp.
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

// table is a fake that serves lookUp from records. It blocks the statements for the
// keys "slow" and "stuck" until their gates open.
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
	b.fake.byArgs = b.respond
	b.db = sqldb.New(b.open(t), d)
	for key := range b.gates {
		b.rows[key.(string)] = [][]any{{"late", int64(1)}}
	}
	// Prepare the statement before any statement is blocked.
	if err := b.db.Lookup(context.Background(), lookUp, new(record).scan, nil, "nothing"); !errors.Is(err, oauth.ErrNotFound) {
		t.Fatalf("Lookup() of a missing key = %v, want ErrNotFound", err)
	}
	b.asked()
	return b
}

func (b *table) respond(query string, args []any) (any, error) {
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
			continue // a repeated key fills the list
		}
		seen[key] = true
		for _, row := range b.rows[key.(string)] {
			if many {
				row = slices.Concat([]any{key}, row)
			}
			all = append(all, b.packed(row))
		}
		if key == "broken" {
			return nil, errors.New("out of order")
		}
	}
	return all, nil
}

// packed returns a row in the form of this kind of database.
func (b *table) packed(row []any) driver.Value {
	if b.d.Name != sqldb.SQLite.Name {
		return row
	}
	var parts []string
	for _, v := range row {
		parts = append(parts, strings.Replace(fmt.Sprintf("%#v", v), "<nil>", "null", 1))
	}
	return "[" + strings.Join(parts, ",") + "]"
}

// occupy takes all leader slots with blocked look-ups. The returned function releases
// one of them, and the others after the look-ups that arrived meanwhile are served.
func (b *table) occupy(t *testing.T, wg *sync.WaitGroup) (proceed func()) {
	t.Helper()
	for key := range b.gates {
		wg.Go(func() {
			if err := b.db.Lookup(context.Background(), lookUp, new(record).scan, nil, key.(string)); err != nil && !errors.Is(err, oauth.ErrUnavailable) {
				t.Errorf("Lookup() of a blocked key = %v, want nil or ErrUnavailable", err)
			}
		})
	}
	synctest.Wait()
	if n := len(b.asked()); n < len(b.gates) {
		t.Errorf("%d concurrent statements, want %d", n, len(b.gates))
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

// Look-ups that arrive during others share a statement. Each gets the same result as a
// separate look-up.
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
			wg.Go(func() { errs[i] = b.db.Lookup(context.Background(), lookUp, got[i].scan, nil, key) })
		}
		synctest.Wait()
		b.asked()
		proceed()
		for i, want := range []string{"[Ada] 1 <nil>", "[Bob Eve] 2 <nil>", "", "[] 0 the record was not found", "[Ada] 1 <nil>", "[Bob Eve] 2 <nil>", "[] 0 the record was not found"} {
			if keys[i] == "missing" || keys[i] == "ONE" {
				if !errors.Is(errs[i], oauth.ErrNotFound) || got[i].names != nil {
					t.Errorf("Lookup(%q) = %v, %v, want ErrNotFound and no row", keys[i], got[i], errs[i])
				}
				continue
			}
			if keys[i] == "odd" {
				if errs[i] == nil || errors.Is(errs[i], oauth.ErrUnavailable) {
					t.Errorf("Lookup() of an unscannable row = %v, want the error of Scan", errs[i])
				}
				continue
			}
			if s := fmt.Sprint(got[i].names, got[i].n, errs[i]); s != want {
				t.Errorf("Lookup(%q) = %s, want %s", keys[i], s, want)
			}
		}
		shared := 0
		for _, entry := range b.asked() {
			if strings.Contains(entry, " IN (") && !strings.HasPrefix(entry, "prepare ") {
				shared++
			}
		}
		if shared != 1 {
			t.Errorf("%d shared statements, want 1", shared)
		}
	})
}

// RV-07: no look-up returns a state older than its call. A running statement serves
// only the look-ups that were called before it began.
func TestLookup_RV_07_ReadsNoOlderState(t *testing.T) {
	eachTable(t, func(t *testing.T, b *table) {
		b.rows["token"] = [][]any{{"live", int64(1)}}
		var wg sync.WaitGroup
		proceed := b.occupy(t, &wg)
		b.rows["token"] = [][]any{{"revoked", int64(2)}}
		var late [3]record
		for i := range late {
			wg.Go(func() {
				if err := b.db.Lookup(context.Background(), lookUp, late[i].scan, nil, "token"); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		b.mu.Lock()
		b.rows["token"] = [][]any{{"purged", int64(3)}} // still before the shared statement begins
		b.mu.Unlock()
		proceed()
		for _, r := range late {
			if !slices.Equal(r.names, []string{"purged"}) {
				t.Errorf("Lookup() after a change = %q, want the state when the statement begins", r.names)
			}
		}
	})
}

// An error of a statement reaches all look-ups that share it. Later look-ups succeed.
func TestLookup_SharedStatementFails(t *testing.T) {
	eachTable(t, func(t *testing.T, b *table) {
		b.rows["one"] = [][]any{{"Ada", int64(1)}}
		var wg sync.WaitGroup
		proceed := b.occupy(t, &wg)
		errs := make([]error, 3)
		for i, key := range []string{"one", "broken", "two"} {
			wg.Go(func() { errs[i] = b.db.Lookup(context.Background(), lookUp, new(record).scan, nil, key) })
		}
		synctest.Wait()
		proceed()
		for i, err := range errs {
			if !errors.Is(err, oauth.ErrUnavailable) {
				t.Errorf("Lookup() %d with a failed shared statement = %v, want ErrUnavailable", i, err)
			}
		}
		for range 5 {
			if err := b.db.Lookup(t.Context(), lookUp, new(record).scan, nil, "one"); err != nil {
				t.Errorf("Lookup() after that = %v, want nil", err)
			}
		}
	})
}

// A caller that cancels while waiting does not affect the others, even if it leads
// next.
func TestLookup_CallersCancel(t *testing.T) {
	eachTable(t, func(t *testing.T, b *table) {
		b.rows["one"] = [][]any{{"Ada", int64(1)}}
		var wg sync.WaitGroup
		b.occupy(t, &wg)
		var errs [3]error
		var cancels [3]context.CancelFunc
		for i := range errs {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			cancels[i] = cancel
			wg.Go(func() { errs[i] = b.db.Lookup(ctx, lookUp, new(record).scan, nil, "one") })
			synctest.Wait()
		}
		cancels[1]()
		synctest.Wait()
		if !errors.Is(errs[1], context.Canceled) || status(errs[1]) != 503 {
			t.Errorf("Lookup() canceled while waiting = %v, want context.Canceled with status 503", errs[1])
		}
		close(b.gates["slow"])
		cancels[0]() // it leads next
		synctest.Wait()
		close(b.gates["stuck"])
		wg.Wait()
		if errs[0] != nil && !errors.Is(errs[0], context.Canceled) || errs[2] != nil {
			t.Errorf("Lookup() of the others = %v and %v, want nil unless canceled", errs[0], errs[2])
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if err := b.db.Lookup(gone, lookUp, new(record).scan, nil, "one"); !errors.Is(err, context.Canceled) {
			t.Errorf("Lookup() with a canceled context = %v, want context.Canceled", err)
		}
	})
}

// RV-08: with a silent database, no look-up waits longer than a separate one, at
// whatever time it arrives.
func TestLookup_RV_08_WaitsNoLongerThanAlone(t *testing.T) {
	eachTable(t, func(t *testing.T, b *table) {
		if b.d.Name == sqldb.SQLite.Name {
			return // SQLite has no network
		}
		b.hang = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 300 * time.Millisecond)
				begin := time.Now()
				err := b.db.Lookup(context.Background(), lookUp, new(record).scan, nil, "one")
				if d := time.Since(begin); !errors.Is(err, oauth.ErrUnavailable) || d > sqldb.Patience {
					t.Errorf("Lookup() %d on a silent database = %v after %v, want ErrUnavailable after at most %v", i, err, d, sqldb.Patience)
				}
			})
		}
		wg.Wait()
	})
}

// If a firewall drops two connections, look-ups are served on other connections.
func TestLookup_HangingLookupsDelayNoOther(t *testing.T) {
	eachTable(t, func(t *testing.T, b *table) {
		b.rows["one"] = [][]any{{"Ada", int64(1)}}
		var wg, others sync.WaitGroup
		proceed := b.occupy(t, &wg)
		begin := time.Now()
		for range 100 {
			others.Go(func() {
				if err := b.db.Lookup(context.Background(), lookUp, new(record).scan, nil, "one"); err != nil {
					t.Errorf("Lookup() while two others hang = %v, want nil", err)
				}
			})
		}
		others.Wait()
		if d := time.Since(begin); d > time.Second {
			t.Errorf("100 look-ups took %v, want less than a second", d)
		}
		proceed()
	})
}

// An invalid row affects only the look-up of its key. Its caller gets no further rows
// after the error.
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
				}, nil, key)
				mu.Lock()
				defer mu.Unlock()
				errs[key] = err
			})
		}
		synctest.Wait()
		proceed()
		if errs["one"] != nil {
			t.Errorf("Lookup() that shares a statement with an invalid row = %v, want nil", errs["one"])
		}
		for _, key := range []string{"real", "odd"} {
			if errs[key] == nil || errors.Is(errs[key], oauth.ErrUnavailable) {
				t.Errorf("Lookup(%q) = %v, want the error of the row", key, errs[key])
			}
		}
		if scanned != 1 {
			t.Errorf("%d rows scanned for a key whose first row is invalid, want 1", scanned)
		}
	})
}

// A panic in scan reaches its own caller only. No caller waits forever.
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
				outcomes <- b.db.Lookup(context.Background(), lookUp, func(sqldb.Row) error { panic("oh") }, nil, "one")
			})
		}
		synctest.Wait()
		proceed()
		for range 3 {
			if err := <-outcomes; err != nil && !errors.Is(err, oauth.ErrUnavailable) {
				t.Errorf("Lookup() that shares the statement = %v, want ErrUnavailable", err)
			}
		}
		if err := b.db.Lookup(t.Context(), lookUp, new(record).scan, nil, "one"); err != nil {
			t.Errorf("Lookup() after that = %v, want nil", err)
		}
	})
}
