package dbtest_test

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/laravelimport"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/sqlstore"
)

// optionsOfImport are options of which none is the default.
var optionsOfImport = laravelimport.Options{Timezone: "Europe/Paris", Prefix: "app_", UserProvider: "people", UsersTable: "users", AllowRedirect: []string{"myapp"}}

// namedAccounts are accounts of which only the IDs are kept.
type namedAccounts struct {
	laravelimport.Accounts
	ids []string
}

func (a *namedAccounts) Import(_ context.Context, account laravelimport.Account) (laravelimport.AccountState, error) {
	a.ids = append(a.ids, account.ID)
	return laravelimport.AccountState{}, nil
}

func (a *namedAccounts) Check(context.Context, laravelimport.Account) (laravelimport.AccountState, error) {
	return laravelimport.AccountState{}, nil
}

func (a *namedAccounts) Active(context.Context) (int, error) { return 0, nil }

func (a *namedAccounts) DisableMissing(context.Context, time.Time) (int, error) { return 0, nil }

// withOptions is an import with optionsOfImport into a new database. It returns the
// settings of an import without these options.
func withOptions(t *testing.T, accounts *namedAccounts) (config laravelimport.Config, store *sqlstore.Store) {
	t.Helper()
	store = target(t, sqldb.SQLite)
	config = fromLaravel(t, sqldb.SQLite, "app_", store)
	run(t, config.Source.DB, "UPDATE app_oauth_clients SET provider = 'people' WHERE provider = 'users'")
	config.Accounts = accounts
	first := config
	paris, err := time.LoadLocation("Europe/Paris")
	must(t, err)
	first.Source.Location, first.UserProvider, first.UsersTable, first.AllowRedirect = paris, "people", "users", []string{"myapp"}
	report, err := laravelimport.Run(t.Context(), first)
	must(t, err)
	if !reflect.DeepEqual(report.Options, optionsOfImport) || !reflect.DeepEqual(report.Taken, laravelimport.Options{}) {
		t.Errorf("the first import has the options %+v and took %+v of an import before, want %+v and none", report.Options, report.Taken, optionsOfImport)
	}
	config.Source.Prefix = ""
	return config, store
}

// An import that does not give an option takes it from the last import, and says so.
func TestLaravelImport_LP_1_TakesTheOptionsOfTheLastImport(t *testing.T) {
	var accounts namedAccounts
	config, store := withOptions(t, &accounts)
	want := func(what string, c laravelimport.Config, options, taken laravelimport.Options) *laravelimport.Report {
		t.Helper()
		accounts.ids = nil
		report, err := laravelimport.Run(t.Context(), c)
		if err != nil {
			t.Fatalf("%s: Run() = %v", what, err)
		}
		if !reflect.DeepEqual(report.Options, options) || !reflect.DeepEqual(report.Taken, taken) {
			t.Errorf("%s has the options %+v and took %+v of the last import, want %+v and %+v", what, report.Options, report.Taken, options, taken)
		}
		if report.Imported.Accounts == 0 || (len(accounts.ids) == 0) != c.DryRun {
			t.Errorf("%s reports %d accounts and stored %d: --users-table of the last import is lost", what, report.Imported.Accounts, len(accounts.ids))
		}
		return report
	}
	report := want("an import without options", config, optionsOfImport, optionsOfImport)
	if made := time.Date(2026, 11, 23, 7, 54, 27, 0, time.UTC); !report.NewestCreatedAt.Equal(made) {
		t.Errorf("an import without options found the newest token at %v, want %v: --timezone of the last import is lost", report.NewestCreatedAt, made)
	}
	more := optionsOfImport
	more.AllowRedirect = []string{"myapp", "other"}
	other := config
	other.AllowRedirect, other.DryRun = []string{"other"}, true
	want("a dry run with another --allow-redirect", other, more, optionsOfImport)
	want("an import after that dry run", config, optionsOfImport, optionsOfImport)
	other.DryRun = false
	want("an import with another --allow-redirect", other, more, optionsOfImport)
	want("an import after it", config, more, more)
	must(t, store.RevokeClient(t.Context(), "4", madeAt, nil))
	if marked, err := laravelimport.MarkConsumed(t.Context(), config, config.Source.DB, func(int) {}); err != nil || marked.Clients != 1 {
		t.Errorf("MarkConsumed() without --prefix = %+v, %v, want that it takes that of the last import and marks a client", marked, err)
	}
}

// An option that would change what the stored records mean is refused before any write.
func TestLaravelImport_LP_1_RefusesOtherOptions(t *testing.T) {
	var accounts namedAccounts
	config, _ := withOptions(t, &accounts)
	for name, test := range map[string]struct {
		change func(c *laravelimport.Config)
		want   []string
	}{
		"timezone":      {func(c *laravelimport.Config) { c.Source.Location = time.UTC }, []string{"had --timezone Europe/Paris, and this one has UTC", "the times", "give --timezone Europe/Paris", "empty database"}},
		"prefix":        {func(c *laravelimport.Config) { c.Source.Prefix = "old_" }, []string{"had --prefix app_, and this one has old_", "give --prefix app_"}},
		"user provider": {func(c *laravelimport.Config) { c.UserProvider = "users" }, []string{"had --user-provider people", "other users"}},
		"users table":   {func(c *laravelimport.Config) { c.UsersTable = "people" }, []string{"had --users-table users"}},
	} {
		for _, dry := range []bool{false, true} {
			c := config
			test.change(&c)
			c.DryRun = dry
			accounts.ids = nil
			_, err := laravelimport.Run(t.Context(), c)
			for _, want := range test.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("another %s (dry run: %v): Run() = %v, want a refusal with %q", name, dry, err, want)
				}
			}
			if len(accounts.ids) > 0 {
				t.Errorf("another %s was refused after accounts were written", name)
			}
			if _, err := laravelimport.MarkConsumed(t.Context(), c, c.Source.DB, func(int) {}); err == nil || !strings.Contains(err.Error(), test.want[0]) {
				t.Errorf("another %s: MarkConsumed() = %v, want a refusal with %q", name, err, test.want[0])
			}
		}
	}
	if report, err := laravelimport.Run(t.Context(), config); err != nil || !reflect.DeepEqual(report.Options, optionsOfImport) {
		t.Errorf("the import after the refused ones = %+v, %v, want the options of the first one", report, err)
	}
}

// An import without a prefix is not followed by one with a prefix; a table of users may
// come later.
func TestLaravelImport_LP_1_OptionsAfterDefaults(t *testing.T) {
	i := newImported(t, sqldb.SQLite, sqldb.SQLite)
	config := i.config
	config.Source.Prefix = "app_"
	if _, err := laravelimport.Run(t.Context(), config); err == nil || !strings.Contains(err.Error(), "had no --prefix, and this one has app_") || !strings.Contains(err.Error(), "leave out --prefix") {
		t.Errorf("Run() with a prefix after an import without one = %v, want a refusal", err)
	}
	var accounts namedAccounts
	i.config.UsersTable, i.config.Source.Location, i.config.Accounts = "users", time.UTC, &accounts
	report := i.run()
	if len(accounts.ids) == 0 || report.Options.UsersTable != "users" || report.Taken.UsersTable != "" {
		t.Errorf("an import with --users-table after one without stored %d accounts, with the options %+v", len(accounts.ids), report.Options)
	}
	for name := range report.Taken.All() {
		t.Errorf("an import after one with defaults says that it took --%s, want no word about defaults", name)
	}
}
