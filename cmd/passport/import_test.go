package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
)

// installation is a copy of a real installation of Laravel Passport 12 in the current
// folder: laravel.sqlite, laravel.env and its keys in storage.
func installation(t *testing.T) (manifest map[string]any) {
	t.Helper()
	t.Chdir(t.TempDir())
	const testdata = "../../internal/dbtest/testdata/laravel12/"
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(source, testdata, name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	if _, err := openDatabase(t, "laravel.sqlite").Exec(string(read("passport.sql"))); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(read("manifest.json"), &manifest); err != nil {
		t.Fatal(err)
	}
	key, _ := manifest["config"].(map[string]any)["APP_KEY"].(string)
	if err := os.MkdirAll("laravel-storage", 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"laravel.env":                      []byte("APP_NAME=Shop\nAPP_KEY=" + key + "\nDB_CONNECTION=sqlite\nDB_DATABASE=laravel.sqlite\n"),
		"laravel-storage/oauth-public.key": read("oauth-public.key"),
	} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return manifest
}

// source is the folder of this package, also after a test has changed the folder.
var source, _ = os.Getwd()

// result runs a command line and returns what it prints.
func result(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = passport(t.Context(), strings.NewReader(""), &out, &errs, nil, args...)
	return status, out.String(), errs.String()
}

func succeed(t *testing.T, args ...string) string {
	t.Helper()
	status, stdout, stderr := result(t, args...)
	if status != 0 {
		t.Fatalf("passport %s = %d: %s", strings.Join(args, " "), status, stderr)
	}
	return stdout
}

var importTimes = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)

func TestImport_Laravel(t *testing.T) {
	installation(t)
	from := []string{"import", "laravel", "--env", "laravel.env", "--keys", "laravel-storage"}
	succeed(t, "migrate")
	golden := func(name, got string) {
		t.Helper()
		got = importTimes.ReplaceAllString(got, "2026-11-23T08:54:27Z")
		file := filepath.Join(source, "testdata", name)
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil || got != string(want) {
			t.Errorf("the output differs from testdata/%s (go test -update rewrites it): %v\n%s", name, err, got)
		}
	}
	golden("import-dry-run.txt", succeed(t, append(from, "--dry-run")...))
	if _, _, stderr := result(t, "import", "status"); !strings.Contains(stderr, "nothing was imported") {
		t.Errorf("passport import status after a dry run says %q, want that nothing was imported", stderr)
	}
	golden("import.txt", succeed(t, append(from, "--users-table", "users")...))
	golden("import-status.txt", succeed(t, "import", "status"))
	if out := succeed(t, "client", "show", "4"); !strings.Contains(out, "Alice Confidential") {
		t.Errorf("passport client show 4 prints %s", out)
	}
	if out := succeed(t, append(from, "--switch")...); !strings.Contains(out, "client_ids = \"integer\"\n") {
		t.Errorf("the report of the switch doesn't propose integers for the IDs of new clients:\n%s", out)
	}
	if out := succeed(t, "import", "status"); strings.Contains(out, "a purge keeps revoked records") {
		t.Errorf("passport import status after the switch says that a purge keeps revoked records:\n%s", out)
	}
	if status, _, stderr := result(t, from...); status != 1 || !strings.Contains(stderr, "the switch was at") || !strings.Contains(stderr, "import into an empty database") {
		t.Errorf("an import after the switch = %d, %s; want a refusal that says how to start over", status, stderr)
	}
	if out := succeed(t, append(from, "--mark-consumed")...); !strings.Contains(out, "0 access tokens") {
		t.Errorf("passport import laravel --mark-consumed prints %s", out)
	}
}

// Accounts can't be imported after the switch, so the report of the switch shows no command
// for it.
func TestImport_LP_1_WarnsOfUsersWithoutAccounts(t *testing.T) {
	installation(t)
	succeed(t, "migrate")
	from := []string{"import", "laravel", "--env", "laravel.env"}
	const warning, command = "passport serve refuses the tokens of a user who has no account here", "--users-table users"
	for _, step := range []struct {
		option string
		warns  bool
	}{{"--dry-run", true}, {"--users-table=users", false}, {"--switch", false}} {
		out := succeed(t, append(from, step.option)...)
		if strings.Contains(out, warning) != step.warns {
			t.Errorf("passport import laravel %s warns of users without accounts: %v, want %v:\n%s", step.option, !step.warns, step.warns, out)
		}
	}
	succeed(t, "migrate", "--database-url", "sqlite:second.sqlite")
	out := succeed(t, append(from, "--database-url", "sqlite:second.sqlite", "--switch")...)
	if !strings.Contains(out, warning) || strings.Contains(out, command) {
		t.Errorf("a switch without accounts prints no warning, or a command that is refused after it:\n%s", out)
	}
}

// A file of SQLite keeps its journal mode, and the default one of Laravel lets no reader
// and writer work at once.
func TestImport_LP_3_KeepsTheJournalOfLaravel(t *testing.T) {
	installation(t)
	if _, err := openDatabase(t, "laravel.sqlite").Exec("VACUUM INTO 'plain.sqlite'"); err != nil {
		t.Fatal(err)
	}
	kept := func() {
		t.Helper()
		data, err := os.ReadFile("plain.sqlite")
		if err != nil || data[18] != 1 { // 2 is a write-ahead log
			t.Errorf("the file of Laravel's database has the format %d, %v, want 1: this program changed its journal mode", data[18], err)
		}
	}
	succeed(t, "migrate")
	from := []string{"import", "laravel", "--env", "laravel.env", "--from", "sqlite:plain.sqlite"}
	succeed(t, from...)
	kept()
	succeed(t, "client", "revoke", "4", "--yes")
	if out := succeed(t, append(from, "--mark-consumed")...); !strings.Contains(out, "1 client") {
		t.Errorf("passport import laravel --mark-consumed after `passport client revoke 4` prints %s", out)
	}
	kept()
}

// A repeated import needs no option again, and APP_TIMEZONE counts as one.
func TestImport_LP_1_OptionsOfTheLastImport(t *testing.T) {
	installation(t)
	succeed(t, "migrate")
	from := []string{"import", "laravel", "--env", "laravel.env"}
	succeed(t, append(from, "--timezone", "Europe/Paris", "--users-table", "users", "--allow-redirect", "http://app.example.com/it's")...)
	const options = `--timezone Europe/Paris, --users-table users, --allow-redirect 'http://app.example.com/it'\''s'` + "\n"
	if out := succeed(t, append(from, "--dry-run")...); !strings.Contains(out, "\nAs in the last import: "+options) || !regexp.MustCompile(`Accounts +3\n`).MatchString(out) {
		t.Errorf("a dry run without the options of the last import prints\n%s\nwant its options %s and 3 accounts", out, options)
	}
	if out := succeed(t, "import", "status"); !strings.Contains(out, "Options      "+options) {
		t.Errorf("passport import status prints\n%s\nwant the options %s", out, options)
	}
	env, err := os.ReadFile("laravel.env")
	if err != nil {
		t.Fatal(err)
	}
	write(t, "laravel.env", string(env)+"APP_TIMEZONE=Asia/Tokyo\n")
	if status, _, stderr := result(t, from...); status != 1 || !strings.Contains(stderr, "had --timezone Europe/Paris, and this one has Asia/Tokyo") {
		t.Errorf("an import with another APP_TIMEZONE = %d, %s; want a refusal", status, stderr)
	}
}

// The next command has the options of this one, but neither an application key nor what
// makes it another command.
func TestImport_LP_1_PrintsTheNextCommand(t *testing.T) {
	manifest := installation(t)
	succeed(t, "migrate")
	key, _ := manifest["config"].(map[string]any)["APP_KEY"].(string)
	write(t, "my settings.toml", "")
	out := succeed(t, "--config", "my settings.toml", "--color", "never", "import", "laravel", "--from", "sqlite:laravel.sqlite", "--app-key", key, "--allow-redirect", "myapp", "--allow-redirect", "other", "--dry-run")
	const line = "passport import laravel --allow-redirect myapp --allow-redirect other --app-key … --config 'my settings.toml' --from sqlite:laravel.sqlite"
	for _, want := range []string{"\n  " + line + " --dry-run --verify FILE\n", "\nNext: import.\n  " + line + "\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("a dry run prints\n%s\nwant the command %q", out, want)
		}
	}
	if strings.Contains(out, key) {
		t.Error("the report has the application key")
	}
}

// A server whose settings don't turn on the feature refuses what was imported.
func TestImport_LP_2_WarnsWithoutTheFeature(t *testing.T) {
	manifest := installation(t)
	key, _ := manifest["config"].(map[string]any)["APP_KEY"].(string)
	succeed(t, "migrate")
	const refuses = "passport serve refuses each token of Laravel"
	from := []string{"import", "laravel", "--env", "laravel.env", "--keys", "laravel-storage"}
	commands := [][]string{append(from, "--dry-run"), from, append(from, "--switch"), {"import", "status"}}
	for n, args := range commands {
		write(t, "passport.toml", "[laravel]\npublic_key = \"laravel-storage/oauth-public.key\"\napp_keys = [\""+key+"\"]\n")
		if n != 2 { // the switch can't be repeated
			if out := succeed(t, args...); strings.Contains(out, refuses) {
				t.Errorf("passport %s with the table [laravel] warns:\n%s", strings.Join(args, " "), out)
			}
		}
		write(t, "passport.toml", "")
		if out := succeed(t, args...); !strings.Contains(out, refuses) || !strings.Contains(out, "  [laravel]\n  public_key = ") || strings.Contains(out, key) {
			t.Errorf("passport %s without the table [laravel] prints\n%s\nwant a warning with the table, without the key", strings.Join(args, " "), out)
		}
	}
	write(t, "passport.toml", "[laravel]\nenabled = false\n")
	if out := succeed(t, "import", "status"); !strings.Contains(out, "laravel.enabled is false") {
		t.Errorf("passport import status with laravel.enabled = false prints\n%s\nwant a warning that names the setting", out)
	}
}

// The report of a repeated import says how much it has ended.
func TestImport_LP_1_ReportsWhatEnded(t *testing.T) {
	installation(t)
	succeed(t, "migrate")
	from := []string{"import", "laravel", "--env", "laravel.env"}
	const ended = "Ended since the last import"
	if out := succeed(t, from...); strings.Contains(out, ended) {
		t.Errorf("the report of a first import has a line %q:\n%s", ended, out)
	}
	if _, err := openDatabase(t, "laravel.sqlite").Exec("DELETE FROM oauth_access_tokens WHERE client_id = 3"); err != nil {
		t.Fatal(err)
	}
	if out := succeed(t, from...); !regexp.MustCompile(ended + ` +[1-9]`).MatchString(out) {
		t.Errorf("after tokens were deleted in Laravel the report is\n%s\nwant a line %q", out, ended)
	}
}

// A refresh drops scopes that the server doesn't define, so the report names them.
func TestImport_LP_1_LaravelNamesUndefinedScopes(t *testing.T) {
	installation(t)
	const settings = "[[scopes]]\nid = \"check-status\"\ndescription = \"Check order status\"\n"
	if err := os.WriteFile("passport.toml", []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	succeed(t, "migrate")
	out := succeed(t, "import", "laravel", "--env", "laravel.env", "--keys", "laravel-storage", "--dry-run")
	if !strings.Contains(out, "Scopes of tokens that are not in the settings\n  \"place-orders\"\n") {
		t.Errorf("the report of tokens with the scopes check-status and place-orders, and settings with the first, is:\n%s\nwant that it names place-orders alone", out)
	}
}

// The password of an imported account is verified, and replaced by our hash.
func TestImport_LaravelPasswords(t *testing.T) {
	installation(t)
	succeed(t, "migrate")
	succeed(t, "import", "laravel", "--env", "laravel.env", "--users-table", "users")
	db := openDatabase(t, "storage/passport.sqlite")
	accounts, err := account.New(account.Config{DB: db, Dialect: sqlstore.SQLite, Issuer: "http://127.0.0.1:8000"})
	if err != nil {
		t.Fatal(err)
	}
	if u, err := accounts.UserByPassword(t.Context(), "alice@example.com", "bob-password"); !errors.Is(err, oauth.ErrNotFound) {
		t.Errorf("UserByPassword() with another user's password = %v, %v, want ErrNotFound", u, err)
	}
	u, err := accounts.UserByPassword(t.Context(), "alice@example.com", "alice-password")
	if err != nil || u == nil || u.ID != "1" {
		t.Fatalf("UserByPassword() of an imported account = %+v, %v, want the ID 1", u, err)
	}
	var hash string
	if err := db.QueryRow(`SELECT password FROM passport_users WHERE id = '1'`).Scan(&hash); err != nil || !strings.HasPrefix(hash, "$argon2id$") {
		t.Errorf("the hash after a sign-in is %.10s…, %v, want one of argon2id", hash, err)
	}
}

// A user whom Laravel has deleted softly gets no account.
func TestImport_LaravelSoftDeletedUsers(t *testing.T) {
	installation(t)
	laravel := openDatabase(t, "laravel.sqlite")
	for _, q := range []string{`ALTER TABLE users ADD COLUMN deleted_at DATETIME`, `UPDATE users SET deleted_at = '2026-01-01 00:00:00' WHERE email = 'alice@example.com'`} {
		if _, err := laravel.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	succeed(t, "migrate")
	out := succeed(t, "import", "laravel", "--env", "laravel.env", "--users-table", "users")
	if !strings.Contains(out, "Laravel has deleted it (deleted_at)") {
		t.Errorf("the report is:\n%s\nwant that it names the account of a deleted user", out)
	}
	if users := succeed(t, "user", "list"); strings.Contains(users, "alice@example.com") || !strings.Contains(users, "bob@example.com") {
		t.Errorf("the accounts are:\n%s\nwant none of a deleted user", users)
	}
}

// A refresh token that was issued before a rotation of APP_KEY opens with APP_PREVIOUS_KEYS.
func TestImport_LaravelPreviousKeys(t *testing.T) {
	manifest := installation(t)
	succeed(t, "migrate")
	key, _ := manifest["config"].(map[string]any)["APP_KEY"].(string)
	sample, _ := manifest["refresh_tokens"].(map[string]any)["rotated_new"].(map[string]any)["token"].(string)
	const other, another = "base64:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "base64:AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	write(t, "sample", sample+"\n")
	write(t, "rotated.env", "APP_KEY="+other+"\nAPP_PREVIOUS_KEYS=\""+another+","+key+"\"\n")
	out := succeed(t, "import", "laravel", "--env", "rotated.env", "--from", "sqlite:laravel.sqlite", "--verify", "sample", "--dry-run")
	if !strings.Contains(out, "right: it opens a code or refresh token") {
		t.Errorf("with the key in APP_PREVIOUS_KEYS the report is:\n%s\nwant that the key is right", out)
	}
}

func TestImport_LaravelRefuses(t *testing.T) {
	manifest := installation(t)
	succeed(t, "migrate")
	sample, _ := manifest["refresh_tokens"].(map[string]any)["rotated_new"].(map[string]any)["token"].(string)
	if err := os.WriteFile("sample", []byte(sample+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const other = "base64:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	write(t, "empty.env", "APP_KEY=\nDB_CONNECTION=sqlite\n")
	write(t, "gone.env", "APP_KEY="+other+"\nDB_CONNECTION=sqlite\nDB_DATABASE=gone.sqlite\n")
	write(t, "socket.env", "APP_KEY="+other+"\nDB_CONNECTION=mysql\nDB_DATABASE=a\nDB_USERNAME=b\nDB_PASSWORD="+other+"\nDB_SOCKET=/nowhere/mysql.sock\n")
	for name, test := range map[string]struct{ args, want string }{
		"empty key":       {"--env empty.env --from sqlite:laravel.sqlite", "--env: APP_KEY is missing or empty"},
		"file by default": {"--env empty.env", "--env: DB_DATABASE is missing, and the file .env is not in the folder of a Laravel application"},
		"gone database":   {"--env gone.env", "--env: no Laravel database at sqlite:gone.sqlite"},
		"gone socket":     {"--env socket.env", "the Laravel database mysql://b:xxxxx@/a doesn't respond"},
		"no database":     {"--app-key " + other, "the Laravel database is missing"},
		"no key":          {"--from sqlite:laravel.sqlite", "the application key is missing"},
		"wrong key":       {"--from sqlite:laravel.sqlite --app-key " + other + " --verify sample", "the application key is wrong"},
		"short key":       {"--from sqlite:laravel.sqlite --app-key base64:AAAA", "the application key has 3 bytes"},
		"same database":   {"--env laravel.env --from sqlite:./storage/passport.sqlite", "--from is the database of this server"},
		"a copy of it":    {"--env laravel.env --from sqlite:copy.sqlite", "tables of Passport for Go"},
		"time zone":       {"--env laravel.env --timezone Mars/Olympus", "--timezone is not the name of a time zone"},
		"local zone":      {"--env laravel.env --timezone Local", "--timezone is not the name of a time zone"},
		"missing file":    {"--env laravel.env --from sqlite:missing.sqlite", "no Laravel database at sqlite:missing.sqlite"},
		"folder of keys":  {"--env laravel.env --keys .", "has neither oauth-public.key"},
		"both":            {"--env laravel.env --mark-consumed --dry-run", "--mark-consumed imports nothing"},
		"no table":        {"--env laravel.env --users-table people", "no table people"},
		"scheme http":     {"--env laravel.env --allow-redirect http", "give the whole redirect URI"},
		"script":          {"--env laravel.env --allow-redirect javascript:alert(1)", "never allowed"},
		"no URI":          {"--env laravel.env --allow-redirect http://%zz", "without two hexadecimal digits"},
		"whole https URI": {"--env laravel.env --allow-redirect https://app.example.com/cb#x", "https needs no option"},
		"whole app URI":   {"--env laravel.env --allow-redirect myapp://cb", "give its scheme alone"},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "a copy of it" {
				if _, err := openDatabase(t, "storage/passport.sqlite").Exec("VACUUM INTO 'copy.sqlite'"); err != nil {
					t.Fatal(err)
				}
			}
			status, stdout, stderr := result(t, append([]string{"import", "laravel"}, strings.Fields(test.args)...)...)
			if status == 0 || !strings.Contains(stderr, test.want) || stdout != "" || strings.Contains(stderr, other) {
				t.Errorf("passport import laravel %s = %d, %s%s; want an error with %q, without the key", test.args, status, stdout, stderr, test.want)
			}
		})
	}
}

// The file .env of an application may have a byte order mark, line ends of Windows and a key
// over several lines. Its SQLite database is found from any folder.
func TestImport_LP_1_EnvInTheApplication(t *testing.T) {
	installation(t)
	succeed(t, "migrate")
	if err := os.MkdirAll("app/database", 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := openDatabase(t, "laravel.sqlite").Exec("VACUUM INTO 'app/database/database.sqlite'"); err != nil {
		t.Fatal(err)
	}
	write(t, "app/artisan", "")
	env := strings.Replace(content(t, "laravel.env"), "DB_DATABASE=laravel.sqlite", `PASSPORT_PUBLIC_KEY="`+strings.ReplaceAll(content(t, "laravel-storage/oauth-public.key"), "\r\n", "\n")+`"`, 1)
	write(t, "app/.env", "\uFEFF"+strings.ReplaceAll(env, "\n", "\r\n"))
	if got := succeed(t, "import", "laravel", "--env", "app/.env", "--dry-run"); !strings.Contains(got, "Clients") {
		t.Errorf("the import prints\n%s\nwant its report", got)
	}
}

// An import does not ask again for what is done: a key that an earlier import has checked,
// and settings that are set.
func TestImport_LP_1_KnowsWhatIsDone(t *testing.T) {
	manifest := installation(t)
	succeed(t, "migrate")
	sample, _ := manifest["refresh_tokens"].(map[string]any)["rotated_new"].(map[string]any)["token"].(string)
	write(t, "sample", sample+"\n")
	from := []string{"import", "laravel", "--env", "laravel.env", "--keys", "laravel-storage"}
	if out := succeed(t, append(from, "--verify", "sample")...); !strings.Contains(out, "right: it opens a code or refresh token\n") || !strings.Contains(out, "numeric_user_ids = true") {
		t.Errorf("the first import prints\n%s\nwant that the key is right, and the setting numeric_user_ids", out)
	}
	write(t, "passport.toml", "numeric_user_ids = true\nclient_ids = \"integer\"\n")
	for range 2 {
		out := succeed(t, from...)
		if !strings.Contains(out, "right: it opens a code or refresh token, in an earlier import\n") || strings.Contains(out, "NOT CHECKED") {
			t.Errorf("an import with the checked key prints\n%s\nwant that an earlier import has checked it", out)
		}
		if strings.Contains(out, "numeric_user_ids") || strings.Contains(out, "client_ids =") {
			t.Errorf("an import proposes settings that are set:\n%s", out)
		}
	}
}
