package dbtest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/laravelimport"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/internal/uuid"
)

// importedAccounts is a copy of the installation in testdata with its users alice (1), bob
// (2) and carol (3), and a server whose accounts `passport import laravel` imports.
type importedAccounts struct {
	*site
	*imported
	d        sqldb.Dialect // of Laravel
	from, to string        // URLs
}

func newImportedAccounts(t *testing.T, from, to sqldb.Dialect) *importedAccounts {
	t.Helper()
	i := &importedAccounts{d: from, imported: &imported{T: t, at: madeAt, m: readManifest(t)}}
	i.laravel, i.from = openLaravel(t, from, "")
	i.to = dbtest.URL(t, to)
	db := dbtest.OpenURL(t, i.to)
	i.store, i.site = migrated(t, db, to), newSite(t, db, to, oauthIssuer)
	for _, name := range []string{"alice", "bob", "carol"} { // hashes that cost less than those of the installation
		i.sql(fmt.Sprintf("UPDATE users SET password = '%s' WHERE email = '%s@example.com'", hashOf(t, name+"-password"), name))
	}
	return i
}

// run runs `passport import laravel --users-table users`.
func (i *importedAccounts) run(args ...string) *laravelimport.Report {
	i.T.Helper()
	status, printed := importCommand(i.T, i.from, i.to, append([]string{"--users-table", "users", "--json"}, args...)...)
	report := &laravelimport.Report{}
	if err := json.Unmarshal([]byte(printed), report); status != 0 || err != nil {
		i.Fatalf("passport import laravel %s = %d, %v: %s", args, status, err, printed)
	}
	return report
}

// states returns the accounts, by ID: "active" or "disabled".
func (i *importedAccounts) states() map[string]string {
	i.T.Helper()
	all := map[string]string{}
	for u, err := range i.Users(i.Context()) {
		must(i.T, err)
		if all[u.ID] = "active"; !u.DisabledAt.IsZero() {
			all[u.ID] = "disabled"
		}
	}
	return all
}

func (i *importedAccounts) mustBe(when string, want map[string]string) {
	i.T.Helper()
	if got := i.states(); fmt.Sprint(got) != fmt.Sprint(want) {
		i.Errorf("%s the accounts are %v, want %v", when, got, want)
	}
}

func (i *importedAccounts) insertUser(id any, email, password string) {
	i.T.Helper()
	insertLaravel(i.T, i.laravel, i.d, "users", map[string]any{"id": id, "name": email, "email": email, "password": hashOf(i.T, password), "created_at": "2026-11-01 10:00:00"})
}

// signsIn returns the ID of the account that an address and a password lead to, or "".
func (i *importedAccounts) signsIn(email, password string) string {
	i.T.Helper()
	u, err := i.UserByPassword(i.Context(), email, password)
	if isNotFound(err) {
		return ""
	}
	must(i.T, err)
	return u.ID
}

// leftOut returns how many accounts a report leaves out for a reason.
func leftOut(r *laravelimport.Report, why string) int {
	for _, l := range r.LeftOut {
		if l.What == "accounts" && strings.Contains(l.Why, why) {
			return l.Count
		}
	}
	return 0
}

const (
	staysDisabled = "it is disabled here"
	isTaken       = "another account here has its ID or its email address"
)

// A repeated import disables the accounts of users that Laravel has deleted, and no others.
// A dry run counts them. What an operator has disabled or enabled stays so.
func TestLaravelAccounts_LP_4_FollowDeletedUsers(t *testing.T) {
	eachWay(t, func(t *testing.T, from, to sqldb.Dialect) {
		i := newImportedAccounts(t, from, to)
		ada := i.ada() // created here
		if r := i.run(); r.Imported.Accounts != 3 || r.AccountsDisabled != 0 {
			t.Fatalf("the first import brings %d accounts and disables %d, want 3 and 0", r.Imported.Accounts, r.AccountsDisabled)
		}
		tokens := []string{i.jti("code_full"), i.jti("personal")} // of alice
		browser := i.visitor("192.0.2.1")
		browser.signIn("alice@example.com", "alice-password")
		browser.mustBe(&account.User{ID: "1"})
		all := map[string]string{"1": "active", "2": "active", "3": "active", ada.ID: "active"}
		i.sql("ALTER TABLE users ADD COLUMN deleted_at TIMESTAMP NULL")
		i.sql("DELETE FROM users WHERE id = 1")
		i.sql("UPDATE users SET deleted_at = '2026-01-01 00:00:00' WHERE id = 2")
		if r := i.run("--dry-run"); r.AccountsDisabled != 2 || r.Imported.Accounts != 1 {
			t.Errorf("a dry run after two users were deleted would disable %d accounts and import %d, want 2 and 1", r.AccountsDisabled, r.Imported.Accounts)
		}
		i.mustBe("after a dry run", all)
		if r := i.run(); r.AccountsDisabled != 2 || r.Imported.Accounts != 1 {
			t.Errorf("an import after two users were deleted disables %d accounts and imports %d, want 2 and 1", r.AccountsDisabled, r.Imported.Accounts)
		}
		all["1"], all["2"] = "disabled", "disabled"
		i.mustBe("after two users were deleted in Laravel", all)
		browser.mustBeSignedOut("the user was deleted in Laravel")
		for _, id := range tokens {
			if i.live(id) {
				t.Errorf("the token %s of a deleted user is alive after the import that disabled the account, want it revoked", id)
			}
		}
		if !i.live(i.jti("cc_both")) {
			t.Error("the token of a client is revoked after an import that disabled accounts, want it alive")
		}

		i.insertUser(1, "alice@example.com", "another password")
		must(t, i.Disable(t.Context(), "3", true))
		if r := i.run(); r.AccountsDisabled != 0 || leftOut(r, staysDisabled) != 2 {
			t.Errorf("an import with a user that is back and an account that an operator disabled disables %d and leaves out %v, want 0, and 2 that stay disabled", r.AccountsDisabled, r.LeftOut)
		}
		all["3"] = "disabled"
		i.mustBe("after a user came back in Laravel", all)
		if got := i.signsIn("alice@example.com", "another password"); got != "" {
			t.Errorf("a user that came back in Laravel signs in as %q, want the account disabled", got)
		}

		must(t, i.Disable(t.Context(), "1", false))
		must(t, i.Disable(t.Context(), "2", false)) // still deleted in Laravel
		if r := i.run(); r.AccountsDisabled != 0 {
			t.Errorf("an import after an operator enabled two accounts disables %d, want 0", r.AccountsDisabled)
		}
		all["1"], all["2"] = "active", "active"
		i.mustBe("after an operator enabled two accounts", all)
		if got := i.signsIn("alice@example.com", "another password"); got != "1" {
			t.Errorf("the enabled account of a user that came back: the password of Laravel leads to %q, want 1", got)
		}
		i.sql("DELETE FROM users WHERE id = 1")
		if r := i.run("--dry-run"); r.AccountsDisabled != 1 {
			t.Errorf("a dry run after a user was deleted once more would disable %d accounts, want 1", r.AccountsDisabled)
		}
		if r := i.run(); r.AccountsDisabled != 1 {
			t.Errorf("an import after a user was deleted once more disables %d accounts, want 1", r.AccountsDisabled)
		}
	})
}

// An import follows the addresses of Laravel, also if they move between users. It never
// changes an account that was created here.
func TestLaravelAccounts_LP_4_Addresses(t *testing.T) {
	eachWay(t, func(t *testing.T, from, to sqldb.Dialect) {
		i := newImportedAccounts(t, from, to)
		ada := i.ada()
		i.insertUser(4, "ADA@example.com", "password at Laravel")
		i.insertUser(5, "Case@example.com", "password of five")
		i.insertUser(6, "case@example.com", "password of six")
		i.insertUser(7, "not an address", "password of seven")
		r := i.run()
		if r.Imported.Accounts != 4 || leftOut(r, isTaken) != 2 || leftOut(r, "it can't be an account here") != 1 {
			t.Errorf("an import of 4 good users, two with a taken address and one without an address brings %d and leaves out %v", r.Imported.Accounts, r.LeftOut)
		}
		for _, note := range r.Notes {
			if strings.Contains(note, "changed by another request") {
				t.Errorf("the note %q speaks of another request, want only the reason", note)
			}
		}
		for _, sign := range []struct{ email, password, want string }{
			{"ada@example.com", adasPassword, ada.ID}, {"ada@example.com", "password at Laravel", ""},
			{"case@example.com", "password of five", "5"}, {"case@example.com", "password of six", ""},
		} {
			if got := i.signsIn(sign.email, sign.password); got != sign.want {
				t.Errorf("%s with the password %q signs in as %q, want %q", sign.email, sign.password, got, sign.want)
			}
		}

		// Alice takes the address of bob, who takes that of carol, who was deleted. A new
		// user has the old address of alice. User 5 takes the address of ada.
		i.sql("DELETE FROM users WHERE id = 3")
		i.sql("UPDATE users SET email = 'carol@example.com' WHERE id = 2")
		i.sql("UPDATE users SET email = 'bob@example.com' WHERE id = 1")
		i.sql("UPDATE users SET email = 'ada@example.com' WHERE id = 5")
		i.insertUser(8, "alice@example.com", "password of eight")
		r = i.run()
		if r.Imported.Accounts != 3 || r.AccountsDisabled != 1 || leftOut(r, isTaken) != 3 {
			t.Errorf("an import after addresses have moved brings %d accounts, disables %d and leaves out %v; want 3, 1, and 3 with a taken address", r.Imported.Accounts, r.AccountsDisabled, r.LeftOut)
		}
		for _, sign := range []struct{ email, password, want string }{
			{"bob@example.com", "alice-password", "1"}, {"carol@example.com", "bob-password", "2"}, {"alice@example.com", "password of eight", "8"},
			{"carol@example.com", "carol-password", ""}, {"case@example.com", "password of five", "5"}, {"ada@example.com", adasPassword, ada.ID},
		} {
			if got := i.signsIn(sign.email, sign.password); got != sign.want {
				t.Errorf("after addresses have moved, %s with the password %q signs in as %q, want %q", sign.email, sign.password, got, sign.want)
			}
		}
		i.mustBe("after addresses have moved", map[string]string{"1": "active", "2": "active", "3": "disabled", "5": "active", "8": "active", ada.ID: "active"})
	})
}

// An import follows Laravel also if the one before ran on a machine whose clock is ahead.
func TestLaravelAccounts_LP_1_OtherClocks(t *testing.T) {
	for _, d := range dbtest.Dialects {
		t.Run(d.Name, func(t *testing.T) {
			dbtest.Need(t, d)
			t.Parallel()
			i := newImportedAccounts(t, d, d)
			i.run()
			ahead := time.Now().Add(time.Hour)
			must(t, i.store.SetImportNote(t.Context(), "laravel.users_found", ahead.UTC().Format(time.RFC3339Nano)))
			mustExec(t, i.db, fmt.Sprintf("UPDATE passport_users SET imported_at = %d", ahead.UnixMicro()))
			for n, id := range []string{"1", "2"} {
				i.sql("DELETE FROM users WHERE id = " + id)
				i.sql(fmt.Sprintf("UPDATE users SET email = 'carol%d@example.com' WHERE id = 3", n))
				if r := i.run(); r.AccountsDisabled != 1 {
					t.Errorf("an import after one with a clock that is an hour ahead disables %d accounts, want 1", r.AccountsDisabled)
				}
				if got := i.signsIn(fmt.Sprintf("carol%d@example.com", n), "carol-password"); got != "3" {
					t.Errorf("the new address after an import with a clock that is an hour ahead signs in as %q, want 3", got)
				}
			}
		})
	}
}

// A user that Laravel still has keeps the account, even if its row can't be an account any
// more.
func TestLaravelAccounts_LP_4_OddRowsKeepTheirAccounts(t *testing.T) {
	eachWay(t, func(t *testing.T, from, to sqldb.Dialect) {
		i := newImportedAccounts(t, from, to)
		i.run()
		i.sql("UPDATE users SET password = '' WHERE id = 1")
		i.sql("UPDATE users SET email = 'not an address' WHERE id = 2")
		for _, args := range [][]string{{"--dry-run"}, nil} {
			if r := i.run(args...); r.AccountsDisabled != 0 || r.Imported.Accounts != 1 {
				t.Errorf("an import %v of users without a password and without an address disables %d accounts and brings %d, want 0 and 1", args, r.AccountsDisabled, r.Imported.Accounts)
			}
		}
		i.mustBe("after an import of odd rows", map[string]string{"1": "active", "2": "active", "3": "active"})
		if got := i.signsIn("bob@example.com", "bob-password"); got != "2" {
			t.Errorf("a user whose row is odd signs in as %q, want 2", got)
		}
	})
}

// The report counts the users who sign in to Laravel with a second factor.
func TestLaravelAccounts_LP_4_SecondFactor(t *testing.T) {
	for _, d := range dbtest.Dialects {
		t.Run(d.Name, func(t *testing.T) {
			dbtest.Need(t, d)
			t.Parallel()
			i := newImportedAccounts(t, d, d)
			check := func(columns string, want int) {
				t.Helper()
				for _, args := range [][]string{{"--dry-run"}, nil} {
					if r := i.run(args...); r.AccountsWithSecondFactor != want {
						t.Errorf("with the columns %s, the report %v has %d accounts with a second factor, want %d", columns, args, r.AccountsWithSecondFactor, want)
					}
				}
			}
			check("of no second factor", 0)
			i.sql("ALTER TABLE users ADD COLUMN two_factor_secret TEXT")
			i.sql("UPDATE users SET two_factor_secret = '' WHERE id = 1")
			i.sql("UPDATE users SET two_factor_secret = 'secret' WHERE id > 1")
			check("two_factor_secret", 2)
			i.sql("ALTER TABLE users ADD COLUMN two_factor_confirmed_at TIMESTAMP NULL")
			i.sql("UPDATE users SET two_factor_confirmed_at = '2026-01-01 00:00:00' WHERE id = 3")
			check("two_factor_confirmed_at", 1)
			i.sql("DELETE FROM users WHERE id = 3")
			check("two_factor_confirmed_at, and that user deleted,", 0)
		})
	}
}

// Another table of users, and an empty one, are refused before anything is written: they
// would disable accounts, or give them to other users with the same numbers.
func TestLaravelAccounts_LP_1_RefusesAnotherTableOfUsers(t *testing.T) {
	for _, d := range dbtest.Dialects {
		t.Run(d.Name, func(t *testing.T) {
			dbtest.Need(t, d)
			t.Parallel()
			i := newImportedAccounts(t, d, d)
			i.run()
			i.sql("CREATE TABLE admins AS SELECT * FROM users")
			i.sql("UPDATE admins SET email = 'root@example.com', password = '" + hashOf(t, "root") + "' WHERE id = 1")
			refused := func(table, want string) {
				t.Helper()
				for _, args := range [][]string{{"--dry-run"}, nil} {
					status, printed := importCommand(t, i.from, i.to, append(args, "--users-table", table)...)
					if status != 1 || !strings.Contains(printed, want) {
						t.Errorf("passport import laravel --users-table %s %v = %d, want a refusal with %q:\n%s", table, args, status, want, printed)
					}
				}
				i.mustBe("after a refused import", map[string]string{"1": "active", "2": "active", "3": "active"})
				if got := i.signsIn("alice@example.com", "alice-password"); got != "1" {
					t.Errorf("after a refused import of %s, alice signs in as %q, want 1", table, got)
				}
			}
			refused("admins", "the last import had --users-table users")
			i.sql("DELETE FROM users")
			refused("users", "the table users of the Laravel database is empty")
		})
	}
}

// foundAccounts records the IDs of the accounts that an import finds.
type foundAccounts map[string]bool

func (f foundAccounts) Check(_ context.Context, a laravelimport.Account) (laravelimport.AccountState, error) {
	f[a.ID] = true
	return laravelimport.AccountState{}, nil
}

func (f foundAccounts) Import(ctx context.Context, a laravelimport.Account) (laravelimport.AccountState, error) {
	return f.Check(ctx, a)
}

func (foundAccounts) Active(context.Context) (int, error) { return 0, nil }

func (foundAccounts) DisableMissing(context.Context, time.Time) (int, error) { return 0, nil }

// Many users with large numbers, and with UUIDs, are all read, page by page.
func TestLaravelAccounts_LP_1_PagesOfUsers(t *testing.T) {
	key13, err := laravelimport.ParseAppKey(appKey13)
	must(t, err)
	const users, number = 1201, 1<<62 + 1
	for _, d := range dbtest.Dialects {
		for name, test := range map[string]struct {
			config func(t *testing.T) laravelimport.Config
			id     func(n int) string
			before int // users of the installation
		}{
			"numbers": {func(t *testing.T) laravelimport.Config { return fromLaravel(t, d, "", target(t, d)) }, func(n int) string { return strconv.Itoa(number + n) }, 3},
			"UUIDs": {func(t *testing.T) laravelimport.Config {
				return laravelimport.Config{Source: laravel13(t, d), Target: target(t, d), Keys: laravelimport.Keys{App: []laravelimport.AppKey{key13}}}
			}, func(int) string { return uuid.NewV7() }, 1},
		} {
			t.Run(d.Name+", "+name, func(t *testing.T) {
				dbtest.Need(t, d)
				t.Parallel()
				config, found := test.config(t), foundAccounts{}
				config.DryRun, config.UsersTable, config.Accounts = true, "users", found
				tx, err := config.Source.DB.Begin()
				must(t, err)
				for n := range users {
					if _, err := tx.Exec(fmt.Sprintf("INSERT INTO users (id, name, email, password) VALUES ('%s', 'User', 'user%d@example.com', 'hash')", test.id(n), n)); err != nil {
						t.Fatal(err)
					}
				}
				must(t, tx.Commit())
				report, err := laravelimport.Run(t.Context(), config)
				must(t, err)
				if want := users + test.before; len(found) != want || report.Imported.Accounts != want {
					t.Errorf("a dry run finds %d of %d users, and reports %d", len(found), want, report.Imported.Accounts)
				}
			})
		}
	}
}
