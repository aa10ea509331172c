package dbtest_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
	"github.com/go-passport/passport/storetest"
)

// The suite proves the store's part of these requirements: a code is redeemed once
// (CO-03, A1), a refresh token has one successor (RT-05), a redeemed code is kept as
// long as its family (CO-10), the successor distinguishes a replay from a retry (D9,
// D5), a refresh does not extend a family (RT-07), and a purge breaks no refresh token
// and keeps replays detectable (D14).
func TestStore_A1_CO_03_CO_10_RT_05_RT_07_D5_D9_D14(t *testing.T) {
	pools := []int{1, 32}
	if raceDetector {
		pools = []int{32} // one connection runs everything in sequence
	}
	for _, d := range dbtest.Dialects {
		for _, pool := range pools {
			t.Run(fmt.Sprintf("%s/pool of %d", d.Name, pool), func(t *testing.T) {
				dbtest.Need(t, d)
				t.Parallel()
				suite := storetest.Suite{Open: func(t *testing.T) oauth.Store { return shared(t, d, pool) }}
				if pool == 1 {
					suite.Rounds = 50 // a few rounds show a deadlock
				}
				suite.Run(t)
			})
		}
	}
}

// TestStore_Isolation runs the suite with settings in which the database refuses
// conflicting transactions. By default it does so too rarely. Our code is the same for
// all of these settings, so the race detector sees only the strictest.
func TestStore_Isolation(t *testing.T) {
	settings := []struct {
		name    string
		dialect sqldb.Dialect
		params  []string
	}{
		{"postgres serializable", sqldb.Postgres, []string{"default_transaction_isolation=serializable"}},
		{"postgres repeatable read", sqldb.Postgres, []string{"options=-c default_transaction_isolation=repeatable\\ read"}},
		{"mysql snapshots, found rows", sqldb.MySQL, []string{"innodb_snapshot_isolation=ON", "clientFoundRows=true"}},
		{"mysql read committed", sqldb.MySQL, []string{"tx_isolation='READ-COMMITTED'"}},
	}
	if raceDetector {
		settings = settings[:1]
	}
	for _, test := range settings {
		t.Run(test.name, func(t *testing.T) {
			dbtest.Need(t, test.dialect)
			t.Parallel()
			suite := storetest.Suite{Rounds: 10, Open: func(t *testing.T) oauth.Store {
				return shared(t, test.dialect, 32, test.params...)
			}}
			suite.Run(t)
		})
	}
}

// shared returns a store over a pool that an application also uses.
func shared(t *testing.T, d sqldb.Dialect, pool int, params ...string) oauth.Store {
	t.Helper()
	migrate := func(db *sql.DB) error {
		if err := sqlstore.New(db, d).Migrate(t.Context()); err != nil {
			return err
		}
		_, err := db.ExecContext(t.Context(), `CREATE TABLE shop_orders (id INTEGER NOT NULL PRIMARY KEY, total INTEGER NOT NULL)`)
		return err
	}
	db := dbtest.OpenURL(t, dbtest.Reused(t, d, migrate, params...))
	db.SetMaxOpenConns(pool)
	db.SetMaxIdleConns(pool)
	application(t, db, d)
	return sqlstore.New(db, d)
}

func migrated(t testing.TB, db *sql.DB, d sqldb.Dialect) *sqlstore.Store {
	t.Helper()
	s := sqlstore.New(db, d)
	if err := s.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	return s
}

// application is a program that uses the same pool: it reads and writes its own table
// until the test ends.
func application(t *testing.T, db *sql.DB, d sqldb.Dialect) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- order(ctx, db, d) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("queries of the application next to ours: %v", err)
		}
	})
}

func order(ctx context.Context, db *sql.DB, d sqldb.Dialect) error {
	queries := sqldb.New(db, d) // retries conflicts
	for id := 0; ctx.Err() == nil; id++ {
		err := queries.Tx(context.WithoutCancel(ctx), func(ctx context.Context, tx *sqldb.Tx) error {
			if _, err := tx.Exec(ctx, `INSERT INTO shop_orders (id, total) VALUES (?, ?)`, id, 0); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `UPDATE shop_orders SET total = total + 1 WHERE id = ?`, id)
			return err
		})
		if err != nil {
			return err
		}
		var total int
		read := func(row sqldb.Row) error { return row.Scan(&total) }
		if err := queries.Row(context.WithoutCancel(ctx), `SELECT total FROM shop_orders WHERE id = ?`, read, id); err != nil || total != 1 {
			n, writeErr := queries.Exec(context.WithoutCancel(ctx), `UPDATE shop_orders SET total = total + 1 WHERE id = ?`, id)
			return fmt.Errorf("a SELECT after the COMMIT of order %d read the total %d, want 1: %w; an UPDATE then found %d rows (%v): "+
				"1 means that a connection was still in an older transaction, 0 that the row is lost", id, total, err, n, writeErr)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return nil
}
