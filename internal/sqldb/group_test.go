package sqldb_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// insert is a member that inserts one row.
func insert(key string) sqldb.Member {
	q := "INSERT " + key
	return sqldb.Member{
		Key: key,
		Run: func(ctx context.Context, tx *sqldb.Tx) error {
			n, err := tx.Exec(ctx, q)
			if err == nil && n == 0 {
				return oauth.ErrSpent
			}
			return err
		},
	}
}

// concurrent blocks a first write in the database until all members have arrived. Then
// it releases all of them and returns their outcomes, in the order of members.
func concurrent(t *testing.T, f *fake, db *sqldb.DB, members ...sqldb.Member) []error {
	t.Helper()
	gate := make(chan struct{})
	respond := f.respond
	f.respond = func(op, query string) (any, error) {
		if strings.HasSuffix(query, "INSERT first") {
			<-gate
		}
		if respond != nil {
			return respond(op, query)
		}
		return nil, nil
	}
	outcomes := make([]error, len(members))
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := db.Group(context.Background(), insert("first")); err != nil {
			t.Errorf("Group() of the first write = %v, want nil", err)
		}
	})
	synctest.Wait()
	for i, m := range members {
		wg.Go(func() { outcomes[i] = db.Group(context.Background(), m) })
	}
	synctest.Wait()
	f.asked()
	close(gate)
	wg.Wait()
	return outcomes
}

var grouping = map[string]sqldb.Dialect{"sqlite": sqldb.SQLite, "postgres": sqldb.Postgres}

func eachDialect(t *testing.T, run func(t *testing.T, f *fake, db *sqldb.DB)) {
	for name, d := range grouping {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fake{}
				run(t, f, sqldb.New(f.open(t), d))
			})
		})
	}
}

// Writes that arrive during another write share one transaction, in the order of their
// keys. No write returns before the COMMIT.
func TestGroup_SharesACommit(t *testing.T) {
	eachDialect(t, func(t *testing.T, f *fake, db *sqldb.DB) {
		for i, err := range concurrent(t, f, db, insert("c"), insert("a"), insert("b")) {
			if err != nil {
				t.Errorf("Group() of write %d = %v, want nil", i, err)
			}
		}
		var order []string
		for _, entry := range f.asked() {
			if _, what, ok := strings.Cut(entry, " INSERT "); ok && !strings.HasPrefix(entry, "prepare ") {
				order = append(order, what)
			}
			if entry == "begin " || entry == "commit " {
				order = append(order, strings.TrimSpace(entry))
			}
		}
		if want := []string{"commit", "begin", "a", "b", "c", "commit"}; !slices.Equal(order, want) {
			t.Errorf("statements = %q, want %q: the first write alone, the others together", order, want)
		}
	})
}

// A write of a spent value gets ErrSpent after the COMMIT. The other writes succeed.
func TestGroup_SpentDoesNotAffectOthers(t *testing.T) {
	eachDialect(t, func(t *testing.T, f *fake, db *sqldb.DB) {
		f.respond = func(_, query string) (any, error) {
			if strings.HasSuffix(query, "INSERT b") {
				return 0, nil
			}
			return nil, nil
		}
		got := concurrent(t, f, db, insert("a"), insert("b"), insert("c"))
		if got[0] != nil || !errors.Is(got[1], oauth.ErrSpent) || got[2] != nil {
			t.Errorf("outcomes = %v, want ErrSpent for the second write only", got)
		}
		if n := f.count("commit "); n != 2 {
			t.Errorf("%d transactions committed, want 2: the first write's and the group's", n)
		}
	})
}

// Any other error rolls the group back, and each write runs again separately. So an
// invalid write does not affect the others.
func TestGroup_ErrorDoesNotAffectOthers(t *testing.T) {
	eachDialect(t, func(t *testing.T, f *fake, db *sqldb.DB) {
		bad := errors.New("value too long")
		f.respond = func(op, query string) (any, error) {
			if strings.HasSuffix(query, "INSERT b") && op != "prepare" {
				return nil, bad
			}
			return nil, nil
		}
		got := concurrent(t, f, db, insert("a"), insert("b"), insert("c"))
		if got[0] != nil || !errors.Is(got[1], bad) || got[2] != nil {
			t.Errorf("outcomes = %v, want the error for the second write only", got)
		}
		if n := f.count("rollback "); n < 2 {
			t.Errorf("%d transactions rolled back, want 2: the group's and the failed write's", n)
		}
	})
}

// If the database refuses a COMMIT, nothing was written: each write runs again.
func TestGroup_F13_ConflictAtCommit(t *testing.T) {
	eachDialect(t, func(t *testing.T, f *fake, db *sqldb.DB) {
		conflict := error(postgresError("40001"))
		var commits atomic.Int64
		f.respond = func(op, _ string) (any, error) {
			if op == "commit" && commits.Add(1) == 2 { // the group's
				return nil, conflict
			}
			return nil, nil
		}
		for i, err := range concurrent(t, f, db, insert("a"), insert("b")) {
			if err != nil {
				t.Errorf("Group() of write %d = %v, want nil after a retry", i, err)
			}
		}
	})
}

// A COMMIT without a reply is never repeated. Its outcome is unknown: if it succeeded,
// a retry would find the value spent and report a replay.
func TestGroup_OP_04_UnknownOutcome(t *testing.T) {
	eachDialect(t, func(t *testing.T, f *fake, db *sqldb.DB) {
		commits := 0
		f.respond = func(op, _ string) (any, error) {
			if op == "commit" {
				if commits++; commits == 2 {
					return nil, driver.ErrBadConn
				}
			}
			return nil, nil
		}
		for i, err := range concurrent(t, f, db, insert("a"), insert("b")) {
			if !errors.Is(err, oauth.ErrUnavailable) {
				t.Errorf("Group() of write %d = %v, want ErrUnavailable", i, err)
			}
		}
		if commits != 2 {
			t.Errorf("COMMIT sent %d times, want 2: the first write's and the group's", commits)
		}
	})
}

// If the leader's caller cancels, the writes of the group still happen. If a waiting
// caller cancels, its own write does not.
func TestGroup_CallersCancel(t *testing.T) {
	eachDialect(t, func(t *testing.T, f *fake, db *sqldb.DB) {
		gate := make(chan struct{})
		f.respond = func(_, query string) (any, error) {
			if strings.HasSuffix(query, "INSERT first") {
				<-gate
			}
			return nil, nil
		}
		leader, cancelLeader := context.WithCancel(t.Context())
		waiting, cancelWaiting := context.WithCancel(t.Context())
		outcome := map[string]error{}
		var mu sync.Mutex
		var wg sync.WaitGroup
		write := func(ctx context.Context, key string) {
			wg.Go(func() {
				err := db.Group(ctx, insert(key))
				mu.Lock()
				defer mu.Unlock()
				outcome[key] = err
			})
			synctest.Wait()
		}
		write(leader, "first")
		write(waiting, "gone")
		write(t.Context(), "second")
		write(t.Context(), "third")
		cancelLeader()
		cancelWaiting()
		synctest.Wait()
		close(gate)
		wg.Wait()
		if outcome["first"] != nil || outcome["second"] != nil || outcome["third"] != nil {
			t.Errorf("outcomes = %v, want nil for all but the canceled waiting write", outcome)
		}
		if err := outcome["gone"]; !errors.Is(err, context.Canceled) {
			t.Errorf("Group() canceled while waiting = %v, want context.Canceled", err)
		}
		for _, entry := range f.asked() {
			if strings.HasSuffix(entry, "INSERT gone") {
				t.Error("INSERT of a write that was canceled while waiting, want none")
			}
		}
		if err := db.Group(leader, insert("late")); !errors.Is(err, context.Canceled) {
			t.Errorf("Group() with a canceled context = %v, want context.Canceled", err)
		}
	})
}

// A panic in one write reaches its own caller only. No caller waits forever, and later
// writes succeed.
func TestGroup_Panic(t *testing.T) {
	eachDialect(t, func(t *testing.T, f *fake, db *sqldb.DB) {
		bomb := sqldb.Member{Key: "b", Run: func(context.Context, *sqldb.Tx) error { panic("boom") }}
		var wg sync.WaitGroup
		gate := make(chan struct{})
		f.respond = func(_, query string) (any, error) {
			if strings.HasSuffix(query, "INSERT first") {
				<-gate
			}
			return nil, nil
		}
		for _, m := range []sqldb.Member{insert("first"), bomb, insert("c")} {
			wg.Go(func() {
				defer func() { _ = recover() }()
				_ = db.Group(t.Context(), m)
			})
			synctest.Wait()
		}
		close(gate)
		wg.Wait()
		if err := db.Group(t.Context(), insert("after")); err != nil {
			t.Errorf("Group() after a panic = %v, want nil", err)
		}
	})
}

// Any number of concurrent writes is served, in groups of at most 64.
func TestGroup_Many(t *testing.T) {
	eachDialect(t, func(t *testing.T, f *fake, db *sqldb.DB) {
		var members []sqldb.Member
		for i := range 300 {
			members = append(members, insert(fmt.Sprintf("%03d", i)))
		}
		for i, err := range concurrent(t, f, db, members...) {
			if err != nil {
				t.Errorf("Group() of write %d = %v, want nil", i, err)
			}
		}
		if n := f.count("commit "); n < 5 || n > 7 {
			t.Errorf("300 concurrent writes committed in %d transactions, want about 5", n)
		}
	})
}

// A group waits for the writer no longer than a single write does.
func TestGroup_WriterStaysBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		db := sqldb.New(f.open(t), sqldb.SQLite)
		held, release := make(chan struct{}), make(chan struct{})
		go func() {
			_ = db.Tx(context.Background(), func(context.Context, *sqldb.Tx) error {
				close(held)
				<-release
				return nil
			})
		}()
		<-held
		started := time.Now()
		err := db.Group(t.Context(), insert("a"))
		if took := time.Since(started); !errors.Is(err, oauth.ErrUnavailable) || took > 2*sqldb.Patience {
			t.Errorf("Group() = %v after %v, want ErrUnavailable", err, took)
		}
		close(release)
		synctest.Wait()
		if err := db.Group(t.Context(), insert("b")); err != nil {
			t.Errorf("Group() after the writer became free = %v, want nil", err)
		}
	})
}

// RV-08: if the database does not reply to a group, all members fail at the same time
// and not one after the other.
func TestGroup_RV_08_SilentDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		db := sqldb.New(f.open(t), sqldb.Postgres)
		f.hang = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		var wg sync.WaitGroup
		begin := time.Now()
		for i := range 150 {
			wg.Go(func() {
				if err := db.Group(context.Background(), insert(fmt.Sprint(i))); !errors.Is(err, oauth.ErrUnavailable) {
					t.Errorf("Group() on a silent database = %v, want ErrUnavailable", err)
				}
			})
		}
		wg.Wait()
		if d := time.Since(begin); d > 3*sqldb.Patience {
			t.Errorf("the last of 150 writes returned after %v, want at most %v", d, 3*sqldb.Patience)
		}
	})
}

// With a distant database, a group of 64 would take longer than a caller waits. So only
// the writes that fit into the time share a transaction.
func TestGroup_FarAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		db := sqldb.New(f.open(t), sqldb.Postgres)
		f.hang = func(context.Context) error { time.Sleep(100 * time.Millisecond); return nil }
		var wg sync.WaitGroup
		begin := time.Now()
		for i := range 64 {
			wg.Go(func() {
				if err := db.Group(context.Background(), insert(fmt.Sprint(i))); err != nil {
					t.Errorf("Group() on a distant database = %v, want nil", err)
				}
			})
		}
		wg.Wait()
		if d := time.Since(begin); d > sqldb.Patience/2 {
			t.Errorf("the last of 64 writes returned after %v, want less than half of %v", d, sqldb.Patience)
		}
	})
}

// After a failed group, each write runs in its caller's goroutine. So a slow write does
// not delay the others one after another.
func TestGroup_RetriesAreConcurrent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		db := sqldb.New(f.open(t), sqldb.Postgres)
		f.respond = func(op, query string) (any, error) {
			time.Sleep(time.Second)
			if op == "exec" && query == "INSERT broken" {
				return nil, postgresError("22001")
			}
			return nil, nil
		}
		var wg sync.WaitGroup
		begin := time.Now()
		for _, key := range []string{"first", "broken", "b", "c", "d", "e", "f", "g", "h"} {
			wg.Go(func() {
				if err := db.Group(context.Background(), insert(key)); (err != nil) != (key == "broken") {
					t.Errorf("Group() of %q = %v, want an error for \"broken\" only", key, err)
				}
			})
		}
		wg.Wait()
		if d := time.Since(begin); d > 3*sqldb.Patience {
			t.Errorf("the last write returned after %v, want concurrent retries", d)
		}
	})
}
