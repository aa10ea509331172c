//go:build unix

package dbtest_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/laravelimport"
	"github.com/go-passport/passport/internal/sqldb"
)

// bigTokens is how many access tokens the big import has. `make bigimport` sets it to 5
// million; CI keeps the default.
func bigTokens(t testing.TB) int {
	text := os.Getenv("PASSPORT_BIGIMPORT")
	switch {
	case text == "" && raceDetector:
		return 4000 // its memory isn't measured: some pages show a race
	case text == "":
		return 20_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("PASSPORT_BIGIMPORT is %q: want a number of tokens", text)
	}
	return n
}

const (
	bigMemory  = 200 << 20        // the most that the process may have in memory
	bigTime    = 10 * time.Minute // for bigMillions
	bigFull    = 5_000_000
	bigClients = 700 // more than a page
)

// Five million tokens fit into 200 MB of memory and ten minutes. Each has a refresh token,
// as in most installations, and each user has two.
func TestLaravelImport_Big(t *testing.T) {
	n := bigTokens(t)
	source := bigLaravel(t, sqldb.SQLite, n)
	for _, d := range []sqldb.Dialect{sqldb.SQLite, sqldb.Postgres} {
		t.Run(d.Name, func(t *testing.T) {
			dbtest.Need(t, d)
			db := bigTarget(t, d)
			store := migrated(t, db, d)
			var after int64
			config := laravelimport.Config{
				Source: laravelimport.Source{DB: source, Dialect: sqldb.SQLite}, Target: store, Keys: laravelimport.Keys{App: []laravelimport.AppKey{appKey(t)}},
				Now: func() time.Time { return madeAt }, Progress: func(tokens int) { after = int64(tokens) },
			}
			debug.FreeOSMemory()
			resetPeak()
			before := peakMemory(t)
			start, used := time.Now(), processTime()
			report, err := laravelimport.Run(t.Context(), config)
			took, spent, peak := time.Since(start), processTime()-used, peakMemory(t)
			if err != nil {
				t.Fatalf("Run() after %d tokens = %v", after, err)
			}
			t.Logf("%d access tokens and %d refresh tokens in %v: %.0f tokens a second; %v of CPU in this process; %d MB in memory at most, %d MB before", n, report.Imported.RefreshTokens, took.Round(time.Millisecond), float64(n)/took.Seconds(), spent.Round(time.Millisecond), peak>>20, before>>20)
			if report.Imported.AccessTokens != n || report.Imported.RefreshTokens != n || report.Imported.Clients != bigClients {
				t.Errorf("Run() imported %+v, want %d tokens of each kind and %d clients", report.Imported, n, bigClients)
			}
			if n >= bigFull && took > bigTime {
				t.Errorf("the import took %v, want at most %v", took, bigTime)
			}
			if n >= bigFull && peak > bigMemory {
				t.Errorf("the import had %d MB in memory, want at most %d MB", peak>>20, bigMemory>>20)
			}
			status, err := store.ImportStatus(t.Context(), madeAt)
			if err != nil || status.AccessTokens != n || status.RefreshTokens != n {
				t.Errorf("ImportStatus() = %+v, %v, want %d of each kind", status, err, n)
			}
			if n >= bigFull {
				return
			}
			config.Now = func() time.Time { return madeAt.Add(time.Hour) }
			again := time.Now()
			if report, err = laravelimport.Run(t.Context(), config); err != nil || report.Ended != 0 {
				t.Errorf("a second Run() = %+v, %v, want no change", report, err)
			}
			t.Logf("a second import took %v", time.Since(again).Round(time.Millisecond))
		})
	}
}

// Laravel may have each kind of database. The figures compare them, into the same kind of
// target; `make bigimport` reads 200,000 tokens from each.
func TestLaravelImport_BigSources(t *testing.T) {
	n, sources := min(bigTokens(t)/4, 200_000), dbtest.Dialects
	if raceDetector {
		sources = sources[:1] // it compares figures
	}
	for _, d := range sources {
		t.Run(d.Name, func(t *testing.T) {
			dbtest.Need(t, d)
			config := laravelimport.Config{
				Source: laravelimport.Source{DB: bigLaravel(t, d, n), Dialect: d}, Target: migrated(t, bigTarget(t, sqldb.SQLite), sqldb.SQLite),
				Keys: laravelimport.Keys{App: []laravelimport.AppKey{appKey(t)}}, Now: func() time.Time { return madeAt },
			}
			debug.FreeOSMemory()
			resetPeak()
			start, used := time.Now(), processTime()
			report, err := laravelimport.Run(t.Context(), config)
			took, spent, peak := time.Since(start), processTime()-used, peakMemory(t)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d access tokens and %d refresh tokens in %v; %v of CPU in this process; %d MB in memory at most", n, report.Imported.RefreshTokens, took.Round(time.Millisecond), spent.Round(time.Millisecond), peak>>20)
			if report.Imported.AccessTokens != n || report.Imported.RefreshTokens != n || report.Imported.Clients != bigClients {
				t.Errorf("Run() imported %+v, want %d tokens of each kind and %d clients", report.Imported, n, bigClients)
			}
		})
	}
}

// bigTarget returns an empty database. A file is on a disk: five million tokens in memory
// would not leave enough of it.
func bigTarget(t testing.TB, d sqldb.Dialect) *sql.DB {
	t.Helper()
	if d.Name == sqldb.SQLite.Name {
		return openFile(t, filepath.Join(t.TempDir(), "passport.sqlite"))
	}
	return dbtest.Open(t, d)
}

// bigLaravel returns the database of an installation with n access tokens. That of SQLite is
// a file.
func bigLaravel(t testing.TB, d sqldb.Dialect, n int) *sql.DB {
	t.Helper()
	if d.Name != sqldb.SQLite.Name {
		db := dbtest.Open(t, d)
		createLaravel(t, db, d, "", laravelTables)
		fillLaravel(t, db, d, n)
		return db
	}
	file := filepath.Join(t.TempDir(), "laravel.sqlite")
	db := openFile(t, file)
	createLaravel(t, db, d, "", laravelTables)
	// Random keys in memory: the file only has to be there when it is complete.
	db.SetMaxOpenConns(1)
	for _, setting := range []string{"journal_mode = OFF", "synchronous = OFF", fmt.Sprint("cache_size = -", min(n/2, 2<<20))} { // KiB
		if _, err := db.Exec("PRAGMA " + setting); err != nil {
			t.Fatal(err)
		}
	}
	fillLaravel(t, db, d, n)
	must(t, db.Close()) // which frees its memory
	return openFile(t, file)
}

// fillLaravel stores clients, and n access tokens with their refresh tokens.
func fillLaravel(t testing.TB, db *sql.DB, d sqldb.Dialect, n int) {
	t.Helper()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback() // without an effect after COMMIT
	insert := func(table, columns string, values []any) {
		width := strings.Count(columns, ",") + 1
		row := "(?" + strings.Repeat(", ?", width-1) + ")"
		q := "INSERT INTO " + table + " (" + columns + ") VALUES " + rowsOf(len(values)/width, row)
		for i := 1; d.Name == sqldb.Postgres.Name && i <= len(values); i++ {
			q = strings.Replace(q, "?", "$"+strconv.Itoa(i), 1)
		}
		if _, err := tx.Exec(q, values...); err != nil {
			t.Fatal(err)
		}
	}
	for c := 1; c <= bigClients; c++ {
		insert("oauth_clients", "id, name, secret, redirect, personal_access_client, password_client, revoked, created_at, updated_at",
			[]any{c, fmt.Sprint("App ", c), strings.Repeat("s", 40), "https://app.example/callback", false, false, false, "2025-01-01 00:00:00", "2025-01-01 00:00:00"})
	}
	const page, issued, ends = 100, "2026-06-01 12:00:00", "2027-06-01 12:00:00"
	random := rand.New(rand.NewPCG(1, 2)) // the same IDs each time
	for made := 0; made < n; made += page {
		var a, r []any
		for i := range page {
			token := randomID(random)
			a = append(a, token, (made+i)/2+1, random.IntN(bigClients)+1, `["place-orders"]`, false, issued, issued, ends)
			r = append(r, randomID(random), token, false, ends)
		}
		insert("oauth_access_tokens", "id, user_id, client_id, scopes, revoked, created_at, updated_at, expires_at", a)
		insert("oauth_refresh_tokens", "id, access_token_id, revoked, expires_at", r)
	}
	must(t, tx.Commit())
}

func rowsOf(n int, row string) string { return strings.TrimSuffix(strings.Repeat(row+", ", n), ", ") }

// randomID returns the ID of a token of Laravel: 80 hexadecimal digits.
func randomID(r *rand.Rand) string {
	return fmt.Sprintf("%016x%016x%016x%016x%016x", r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64())
}

// resetPeak sets the peak of the memory back, where Linux has it.
func resetPeak() { _ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

// processTime returns how long the process has used the processors.
func processTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peakMemory returns the most memory that the process has had, or 0 where it is unknown.
func peakMemory(t testing.TB) int64 {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	var kilobytes int64
	if _, err := fmt.Sscan(after, &kilobytes); err != nil {
		return 0
	}
	return kilobytes << 10
}
