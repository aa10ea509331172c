package dbtest_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/go-passport/passport/console"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/sqlstore"
)

const firstMigration = "0001_oauth.sql"

// beforeBuilds creates the tables of the version before the indexes, on PostgreSQL. It
// returns the URL and a pool.
func beforeBuilds(t *testing.T, params ...string) (string, *sql.DB) {
	t.Helper()
	databaseURL := dbtest.URL(t, sqldb.Postgres, params...)
	db := dbtest.OpenURL(t, databaseURL)
	files := fstest.MapFS{}
	for _, name := range []string{firstMigration, secondMigration, thirdMigration} {
		content, err := fs.ReadFile(sqlstore.Migrations(sqldb.Postgres), name)
		must(t, err)
		files[name] = &fstest.MapFile{Data: content}
	}
	must(t, sqldb.New(db, sqldb.Postgres).Migrate(t.Context(), "oauth", files, nil))
	writtenByFirst(t, db, "")
	return databaseURL, db
}

// builds records the indexes that a migration builds.
type builds struct {
	mu    sync.Mutex
	names []string
}

func (b *builds) trace(ctx context.Context) context.Context {
	return sqldb.WithBuildTrace(ctx, func(_, index string) func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.names = append(b.names, index)
		return func() {}
	})
}

func (b *builds) taken() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.names
}

// built returns the indexes that the migration builds without blocking writes.
func built(t *testing.T) (names []string) {
	t.Helper()
	for _, migration := range []string{fourthMigration, seventhMigration} {
		up, _ := halves(t, sqldb.Postgres, migration)
		for _, statement := range up {
			if _, rest, ok := strings.Cut(statement, "CREATE INDEX CONCURRENTLY IF NOT EXISTS "); ok {
				name, _, _ := strings.Cut(rest, " ")
				names = append(names, name)
			}
		}
	}
	if len(names) < 2 {
		t.Fatalf("%s builds %v, want several indexes", fourthMigration, names)
	}
	return names
}

// checkIndexes fails the test for each index of the migration that is missing or
// invalid.
func checkIndexes(t *testing.T, db *sql.DB) {
	t.Helper()
	for _, name := range built(t) {
		var valid bool
		err := db.QueryRow(`SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1)`, name).Scan(&valid)
		if err != nil || !valid {
			t.Errorf("index %s after Migrate(): valid = %v, %v, want true", name, valid, err)
		}
	}
}

// holdWrite begins a transaction that has written to oauth_families. No build on that
// table finishes before it.
func holdWrite(t *testing.T, db *sql.DB) *sql.Tx {
	t.Helper()
	tx, err := db.Begin()
	must(t, err)
	t.Cleanup(func() { _ = tx.Rollback() })
	_, err = tx.Exec(`UPDATE oauth_families SET auth_time = 1`)
	must(t, err)
	return tx
}

// awaitBuilder waits until a build waits for another transaction, and returns its
// process ID.
func awaitBuilder(t *testing.T, db *sql.DB) int {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		var pid int
		err := db.QueryRow(`SELECT p.pid FROM pg_stat_progress_create_index p JOIN pg_class c ON c.oid = p.relid
WHERE c.relnamespace = current_schema()::regnamespace AND p.phase LIKE 'waiting for writers%'`).Scan(&pid)
		if err == nil {
			return pid
		}
	}
	t.Fatalf("no index is being built: %q", column(t, db, `SELECT a.pid || ' ' || state || ' ' || COALESCE(wait_event, '') || ' ' || query FROM pg_stat_activity a WHERE datname = current_database()`))
	return 0
}

// writeSoon stores rows in the tables that get indexes, and fails the test if a lock
// delays a write.
func writeSoon(t *testing.T, db *sql.DB, n int) {
	t.Helper()
	tx, err := db.Begin()
	must(t, err)
	defer tx.Rollback()
	for _, q := range []string{
		`SET LOCAL lock_timeout = '1s'`,
		fmt.Sprintf(`INSERT INTO oauth_families (id, provider, user_id, client_id, session, personal, ends_with_session, created_at, expires_at)
VALUES ('load%d', 'users', 'u', 'c', '', 0, 0, 1, 2)`, n),
		fmt.Sprintf(`INSERT INTO oauth_access_tokens (id, family_id, client_id, name, issued_at, expires_at) VALUES ('load%[1]d', 'load%[1]d', 'c', '', 1, 2)`, n),
		`UPDATE oauth_clients SET version = version`,
	} {
		if _, err := tx.Exec(q); err != nil {
			t.Errorf("a write while an index is built: %v\n%s", err, q)
			return
		}
	}
	must(t, tx.Commit())
}

// Nodes that wait for the building node must not block the build, and nothing may block
// other writes.
func TestMigrate_BuildsIndexesDuringWrites(t *testing.T) {
	for _, params := range [][]string{nil, {"default_transaction_isolation=serializable"}} {
		t.Run(strings.Join(params, ""), func(t *testing.T) {
			databaseURL, db := beforeBuilds(t, params...)
			held := holdWrite(t, db)
			const nodes = 4
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			var found builds
			errs := make(chan error, nodes)
			for range nodes {
				s := sqlstore.New(dbtest.OpenURL(t, databaseURL), sqldb.Postgres)
				go func() { errs <- s.Migrate(found.trace(ctx)) }()
			}
			awaitBuilder(t, db)
			for n := range 50 {
				writeSoon(t, db, n)
			}
			must(t, held.Commit())
			for n := 50; len(errs) < nodes && ctx.Err() == nil; n++ {
				writeSoon(t, db, n)
			}
			for range nodes {
				if err := <-errs; err != nil {
					t.Errorf("Migrate() concurrent with %d other nodes and writes = %v, want nil", nodes-1, err)
				}
			}
			if got, want := found.taken(), built(t); strings.Join(got, " ") != strings.Join(want, " ") {
				t.Errorf("%d nodes built %q, want each index once: %q", nodes, got, want)
			}
			checkIndexes(t, db)
			must(t, sqlstore.New(db, sqldb.Postgres).Check(t.Context()))
		})
	}
}

// An interrupted build leaves an index that no query uses. The next run rebuilds that
// index only.
func TestMigrate_RepairsABrokenBuild(t *testing.T) {
	for _, limit := range []int{0, 1} {
		t.Run(fmt.Sprintf("pool with limit %d", limit), func(t *testing.T) {
			databaseURL, db := beforeBuilds(t)
			held := holdWrite(t, db)
			s := sqlstore.New(dbtest.OpenURL(t, databaseURL), sqldb.Postgres)
			failed := make(chan error, 1)
			go func() { failed <- s.Migrate(t.Context()) }()
			mustExec(t, db, fmt.Sprintf(`SELECT pg_terminate_backend(%d)`, awaitBuilder(t, db)))
			if err := <-failed; err == nil || !strings.Contains(err.Error(), fourthMigration) {
				t.Fatalf("Migrate() with a killed connection = %v, want an error that names %s", err, fourthMigration)
			}
			must(t, held.Commit())
			broken := column(t, db, `SELECT indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE c.relnamespace = current_schema()::regnamespace AND NOT i.indisvalid`)
			if len(broken) != 1 {
				t.Fatalf("invalid indexes after the killed build = %q, want one", broken)
			}
			ready := built(t)[1] // as if its build had finished
			mustExec(t, db, `CREATE INDEX `+ready+` ON oauth_access_tokens (client_id, issued_at, id)`)
			node := column(t, db, `SELECT pg_relation_filenode('`+ready+`')::text`)

			again := dbtest.OpenURL(t, databaseURL)
			again.SetMaxOpenConns(limit)
			must(t, sqlstore.New(again, sqldb.Postgres).Migrate(t.Context()))
			checkIndexes(t, db)
			if after := column(t, db, `SELECT pg_relation_filenode('`+ready+`')::text`); after[0] != node[0] {
				t.Errorf("the valid index %s was built again", ready)
			}
			checkWritten(t, sqlstore.New(again, sqldb.Postgres), "")
		})
	}
}

// Adding a column waits for each transaction that reads the table. Other readers must
// not wait behind it.
func TestMigrate_NewColumnsBlockNoReads(t *testing.T) {
	_, db := beforeBuilds(t)
	held, err := db.Begin()
	must(t, err)
	defer held.Rollback()
	_, err = held.Exec(`SELECT COUNT(*) FROM oauth_clients`)
	must(t, err)
	done := make(chan error, 1)
	go func() { done <- sqlstore.New(db, sqldb.Postgres).Migrate(t.Context()) }()
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if count(t, db, `pg_locks WHERE relation = 'oauth_clients'::regclass AND NOT granted`) > 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("no migration waits for oauth_clients")
		}
	}
	reader, err := db.Begin()
	must(t, err)
	defer reader.Rollback()
	for _, q := range []string{`SET LOCAL lock_timeout = '5s'`, `SELECT COUNT(*) FROM oauth_clients`} {
		if _, err := reader.Exec(q); err != nil {
			t.Fatalf("a read while a new column waits for another transaction: %v", err)
		}
	}
	must(t, reader.Rollback())
	must(t, held.Rollback())
	must(t, <-done)
}

// The command shows what it waits for.
func TestMigrate_CommandNamesTheIndex(t *testing.T) {
	t.Chdir(t.TempDir())
	databaseURL, db := beforeBuilds(t)
	var out bytes.Buffer
	cmd := console.New(console.Options{Env: []string{"PASSPORT_DATABASE_URL=" + databaseURL}})
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs([]string{"migrate"})
	if status := console.Run(t.Context(), cmd); status != 0 {
		t.Fatalf("passport migrate: status %d: %s", status, &out)
	}
	for _, name := range built(t) {
		file := fourthMigration
		if name == "oauth_clients_backchannel" {
			file = seventhMigration
		}
		if want := "Building the index " + name + " (" + file + "), for 0s so far."; !strings.Contains(out.String(), want) {
			t.Errorf("passport migrate prints\n%s\nwant %q", &out, want)
		}
	}
	checkIndexes(t, db)
}

func TestMigrate_WaitingNodeNamesTheBuild(t *testing.T) {
	databaseURL, db := beforeBuilds(t)
	held := holdWrite(t, db)
	done := make(chan error, 1)
	go func() { done <- sqlstore.New(db, sqldb.Postgres).Migrate(t.Context()) }()
	awaitBuilder(t, db)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	err := sqlstore.New(dbtest.OpenURL(t, databaseURL), sqldb.Postgres).Migrate(ctx)
	if err == nil || !strings.Contains(err.Error(), "another node is migrating: it applies "+fourthMigration) {
		t.Errorf("Migrate() while another node builds = %v, want an error that names %s", err, fourthMigration)
	}
	must(t, held.Commit())
	must(t, <-done)
}

// An empty database has no writes to block, so the migration is one transaction. A pool
// with a single connection has no second connection for a build.
func TestMigrate_InOneTransactionIfPossible(t *testing.T) {
	fresh, counter := dbtest.Count(t, dbtest.URL(t, sqldb.Postgres))
	must(t, sqlstore.New(fresh, sqldb.Postgres).Migrate(t.Context()))
	databaseURL, _ := beforeBuilds(t)
	single, ofSingle := dbtest.Count(t, databaseURL)
	single.SetMaxOpenConns(1)
	must(t, sqlstore.New(single, sqldb.Postgres).Migrate(t.Context()))
	for name, c := range map[string]*dbtest.Counter{"an empty database": counter, "a single connection": ofSingle} {
		for _, q := range c.Take().Texts {
			if strings.Contains(q, "CONCURRENTLY") {
				t.Errorf("Migrate() with %s runs %q, want no CONCURRENTLY", name, q)
			}
		}
	}
	checkIndexes(t, fresh)
	checkIndexes(t, single)
}
