//go:build unix

package dbtest_test

import (
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/sqlstore"
)

// Ctrl-C ends an import with what to do, and its repetition continues. It is not parallel,
// because the signal reaches the whole process.
func TestConsole_ImportLaravelInterrupted(t *testing.T) {
	dbtest.Need(t, sqldb.Postgres)
	db, from := openLaravel(t, sqldb.Postgres, "")
	to := dbtest.URL(t, sqldb.SQLite)
	store := sqlstore.New(dbtest.OpenURL(t, to), sqldb.SQLite)
	must(t, store.Migrate(t.Context()))
	signal.Notify(make(chan os.Signal, 1), os.Interrupt) // so that it never ends the test
	defer signal.Reset(os.Interrupt)

	tx, err := db.Begin()
	must(t, err)
	defer tx.Rollback()
	_, err = tx.Exec("LOCK TABLE oauth_auth_codes IN ACCESS EXCLUSIVE MODE")
	must(t, err)
	var printed string
	var status int
	var importing sync.WaitGroup
	importing.Go(func() { status, printed = importCommand(t, from, to) })
	for waiting := 0; waiting == 0; time.Sleep(time.Millisecond) {
		must(t, tx.QueryRow("SELECT COUNT(*) FROM pg_locks WHERE relation = 'oauth_auth_codes'::regclass AND NOT granted").Scan(&waiting))
	}
	must(t, syscall.Kill(os.Getpid(), syscall.SIGINT))
	time.AfterFunc(10*time.Second, func() { _ = tx.Rollback() }) // so that a broken import ends, too
	importing.Wait()
	if status != 1 || !strings.Contains(printed, "run the same command again") {
		t.Errorf("passport import laravel after an interrupt = %d, want an error that says to run it again:\n%s", status, printed)
	}
	_ = tx.Rollback()
	if status, printed = importCommand(t, from, to); status != 0 {
		t.Errorf("passport import laravel, repeated after an interrupt = %d, want an import:\n%s", status, printed)
	}
}
