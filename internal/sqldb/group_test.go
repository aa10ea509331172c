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

// concurrent has a first write wait in the database while others come, and then lets
// all of them go. It returns their outcomes, in the order of members.
func concurrent(t *testing.T, f *fake, db *sqldb.DB, members ...sqldb.Member) []error {
	t.Helper()
	gate := make(chan struct{})
	answer := f.answer
	f.answer = func(op, query string) (any, error) {
		if strings.HasSuffix(query, "INSERT first") {
			<-gate
		}
		if answer != nil {
			return answer(op, query)
		}
		return nil, nil
	}
	outcomes := make([]error, len(members))
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := db.Group(context.Background(), insert("first")); err != nil {
			t.Errorf("the first write: %v", err)
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

// Those who come while one is writing share one transaction, in the order of
// their keys; nobody is answered before its COMMIT.
func TestGroup_SharesACommit(t *testing.T) {
	eachDialect(t, func(t *testing.T, f *fake, db *sqldb.DB) {
		for i, err := range concurrent(t, f, db, insert("c"), insert("a"), insert("b")) {
			if err != nil {
				t.Errorf("write %d: %v", i, err)
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
			t.Errorf("the database was asked %q, want %q: the first alone, the others together", order, want)
		}
	})
}

// What finds something spent is told so after COMMIT, and the others go on.
func TestGroup_SpentLeavesTheOthersAlone(t *testing.T) {
	eachDialect(t, func(t *testing.T, f *fake, db *sqldb.DB) {
		f.answer = func(_, query string) (any, error) {
			if strings.HasSuffix(query, "INSERT b") {
				return 0, nil
			}
			return nil, nil
		}
		got := concurrent(t, f, db, insert("a"), insert("b"), insert("c"))
		if got[0] != nil || !errors.Is(got[1], oauth.ErrSpent) || got[2] != nil {
			t.Errorf("the outcomes are %v, want ErrSpent for the second alone", got)
		}
		if n := f.count("commit "); n != 2 {
			t.Errorf("%d transactions were committed, want the first write's and the group's", n)
		}
	})
}

// Any other error rolls the group back, and each is made anew by itself: one that
// cannot be written does not keep the others from it.
func TestGroup_AnErrorIsItsOwnMembers(t *testing.T) {
	eachDialect(t, func(t *testing.T, f *fake, db *sqldb.DB) {
		bad := errors.New("value too long")
		f.answer = func(op, query string) (any, error) {
			if strings.HasSuffix(query, "INSERT b") && op != "prepare" {
				return nil, bad
			}
			return nil, nil
		}
		got := concurrent(t, f, db, insert("a"), insert("b"), insert("c"))
		if got[0] != nil || !errors.Is(got[1], bad) || got[2] != nil {
			t.Errorf("the outcomes are %v, want the error for the second alone", got)
		}
		if n := f.count("rollback "); n < 2 {
			t.Errorf("%d transactions were rolled back, want the group's and that of the write which failed", n)
		}
	})
}

// A COMMIT that the database refuses has written nothing: each is made anew.
func TestGroup_F13_ConflictAtCommit(t *testing.T) {
	eachDialect(t, func(t *testing.T, f *fake, db *sqldb.DB) {
		conflict := error(postgresError("40001"))
		var commits atomic.Int64
		f.answer = func(op, _ string) (any, error) {
			if op == "commit" && commits.Add(1) == 2 { // the group's
				return nil, conflict
			}
			return nil, nil
		}
		for i, err := range concurrent(t, f, db, insert("a"), insert("b")) {
			if err != nil {
				t.Errorf("write %d: %v, want it made anew", i, err)
			}
		}
	})
}

// A COMMIT that is not answered is never made anew: nobody knows whether it
// happened, and our own spending would look like a theft.
func TestGroup_OP_04_UnknownOutcome(t *testing.T) {
	eachDialect(t, func(t *testing.T, f *fake, db *sqldb.DB) {
		commits := 0
		f.answer = func(op, _ string) (any, error) {
			if op == "commit" {
				if commits++; commits == 2 {
					return nil, driver.ErrBadConn
				}
			}
			return nil, nil
		}
		for i, err := range concurrent(t, f, db, insert("a"), insert("b")) {
			if !errors.Is(err, oauth.ErrUnavailable) {
				t.Errorf("write %d: %v, want ErrUnavailable", i, err)
			}
		}
		if commits != 2 {
			t.Errorf("COMMIT was sent %d times, want the first write's and the group's and none after it", commits)
		}
	})
}

// The leader's caller hangs up: the others are written all the same. One who
// waits and hangs up is not.
func TestGroup_CallersHangUp(t *testing.T) {
	eachDialect(t, func(t *testing.T, f *fake, db *sqldb.DB) {
		gate := make(chan struct{})
		f.answer = func(_, query string) (any, error) {
			if strings.HasSuffix(query, "INSERT first") {
				<-gate
			}
			return nil, nil
		}
		leader, hangUp := context.WithCancel(t.Context())
		waiting, leave := context.WithCancel(t.Context())
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
		hangUp()
		leave()
		synctest.Wait()
		close(gate)
		wg.Wait()
		if outcome["first"] != nil || outcome["second"] != nil || outcome["third"] != nil {
			t.Errorf("the outcomes are %v, want all written of those who had begun or stayed", outcome)
		}
		if err := outcome["gone"]; !errors.Is(err, context.Canceled) {
			t.Errorf("who hung up while waiting is told %v", err)
		}
		for _, entry := range f.asked() {
			if strings.HasSuffix(entry, "INSERT gone") {
				t.Error("the write of somebody who hung up before its turn was made")
			}
		}
		if err := db.Group(leader, insert("late")); !errors.Is(err, context.Canceled) {
			t.Errorf("a write whose caller is gone before it begins: %v", err)
		}
	})
}

// A write that panics is its own caller's affair: nobody waits for ever, and the
// next ones go on.
func TestGroup_Panic(t *testing.T) {
	eachDialect(t, func(t *testing.T, f *fake, db *sqldb.DB) {
		bomb := sqldb.Member{Key: "b", Run: func(context.Context, *sqldb.Tx) error { panic("boom") }}
		var wg sync.WaitGroup
		gate := make(chan struct{})
		f.answer = func(_, query string) (any, error) {
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
			t.Errorf("a write after one that panicked: %v", err)
		}
	})
}

// Any number of concurrent writes is served, some dozens at a time.
func TestGroup_Many(t *testing.T) {
	eachDialect(t, func(t *testing.T, f *fake, db *sqldb.DB) {
		var members []sqldb.Member
		for i := range 300 {
			members = append(members, insert(fmt.Sprintf("%03d", i)))
		}
		for i, err := range concurrent(t, f, db, members...) {
			if err != nil {
				t.Errorf("write %d: %v", i, err)
			}
		}
		if n := f.count("commit "); n < 5 || n > 7 {
			t.Errorf("300 writes that came together were committed in %d transactions, want about five", n)
		}
	})
}

// A group waits no longer for the writer than a single write does.
func TestGroup_WriterIsBusyForEver(t *testing.T) {
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
			t.Errorf("once the writer is free: %v", err)
		}
	})
}

// RV-08: when the database does not answer a group, its members are told together,
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
					t.Errorf("a write while the database is silent = %v, want ErrUnavailable", err)
				}
			})
		}
		wg.Wait()
		if d := time.Since(begin); d > 3*sqldb.Patience {
			t.Errorf("the last of 150 was told after %v, want %v at most", d, 3*sqldb.Patience)
		}
	})
}

// A database far away: a group of 64 would take longer than anybody waits, so only
// those share a transaction for whom there is time.
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
					t.Errorf("a write to a database far away = %v, want nil", err)
				}
			})
		}
		wg.Wait()
		if d := time.Since(begin); d > sqldb.Patience/2 {
			t.Errorf("the last of 64 was told after %v, want less than half of %v", d, sqldb.Patience)
		}
	})
}

// Of those who are told to go by themselves each does so in his own goroutine: a
// lock that is held holds up nobody twice.
func TestGroup_AloneTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		db := sqldb.New(f.open(t), sqldb.Postgres)
		f.answer = func(op, query string) (any, error) {
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
					t.Errorf("the write %q beside a broken one = %v", key, err)
				}
			})
		}
		wg.Wait()
		if d := time.Since(begin); d > 3*sqldb.Patience {
			t.Errorf("the last was told after %v, want them side by side", d)
		}
	})
}
