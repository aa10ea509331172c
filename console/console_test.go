package console_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/console"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// result is the outcome of a command.
type result struct {
	status         int
	stdout, stderr string
}

// run runs a command line with an empty environment and without a terminal.
func run(t *testing.T, o console.Options, args ...string) result {
	t.Helper()
	if o.Env == nil {
		o.Env = []string{}
	}
	if o.Open == nil {
		o.Open = func(string, string) (*sql.DB, error) { return nil, errNoDatabase }
	}
	cmd := console.New(o)
	var stdout, stderr bytes.Buffer
	cmd.SetIn(strings.NewReader(""))
	cmd.SetOut(&stdout)
	cmd.SetErr(&stderr)
	cmd.SetArgs(args)
	status := console.Run(context.Background(), cmd)
	return result{status, stdout.String(), stderr.String()}
}

var errNoDatabase = errors.New("these tests have no database")

// golden compares output with a file under testdata, which -update rewrites.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join(root, "testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("output differs from %s (go test -update rewrites it):\n%s", name, got)
	}
}

// root is the folder of this package, also after a test has changed the folder.
var root, _ = os.Getwd()

func TestHelp(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, command := range []string{"", "serve", "install", "keys", "keys add", "keys rotate", "client", "client create", "client list", "client update", "client rotate-secret", "client suspend", "client resume", "client revoke-tokens", "client revoke", "purge", "import", "import laravel", "import status", "user", "user create", "user list", "user set-password", "user invite", "user reset", "user verify", "user disable", "user enable", "migrate", "views", "version", "completion"} {
		t.Run("passport "+command, func(t *testing.T) {
			args := append(strings.Fields(command), "--help")
			got := run(t, console.Options{}, args...)
			if got.status != 0 || got.stderr != "" {
				t.Errorf("exit status %d, stderr %q; want 0 and none", got.status, got.stderr)
			}
			golden(t, strings.ReplaceAll(strings.TrimSpace("help "+command), " ", "-")+".txt", got.stdout)
		})
	}
}

func TestHelp_WithoutArguments(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, args := range [][]string{{}, {"user"}, {"import"}} {
		if got := run(t, console.Options{}, args...); got.status != 0 || !strings.Contains(got.stdout, "Usage:\n  passport ") {
			t.Errorf("passport %v: status %d, output %q; want the help", args, got.status, got.stdout)
		}
	}
}

// An application that embeds the library gets only the commands that work on its server.
func TestNew_ServerOfAnApplication(t *testing.T) {
	t.Chdir(t.TempDir())
	asked := errors.New("asked for the server")
	o := console.Options{Server: func(context.Context) (*passport.Server, error) { return nil, asked }}
	help := run(t, o, "--help").stdout
	for _, command := range []string{"serve", "install", "migrate", "user", "import"} {
		if strings.Contains(help, "\n  "+command+" ") {
			t.Errorf("the help offers %q, which needs the database of the binary", command)
		}
	}
	if got := run(t, o, "client", "list"); got.status != 1 || got.stderr != "passport: asked for the server\n" {
		t.Errorf("client list = %+v; want it to ask for the application's server", got)
	}
}

func TestUsage_PG_11(t *testing.T) {
	t.Chdir(t.TempDir())
	tests := []struct {
		name string
		args string
		want string
	}{
		{"unknown command", "sevre", "unknown command \"sevre\"; did you mean \"serve\"?\nSee `passport --help`.\n"},
		{"far from any command", "abrakadabra", "unknown command \"abrakadabra\"\nSee `passport --help`.\n"},
		{"unknown command below", "user crate", "unknown command \"user crate\"; did you mean \"user create\"?\nSee `passport user --help`.\n"},
		{"unknown flag", "serve --lisen x", "unknown flag --lisen; did you mean --listen?\nSee `passport serve --help`.\n"},
		{"an underscore and a letter too many", "client --redirect-uuri x", "unknown flag --redirect-uuri; did you mean --redirect-uri?\nSee `passport client --help`.\n"},
		{"the nearest command only", "serv", "unknown command \"serv\"; did you mean \"serve\"?\nSee `passport --help`.\n"},
		{"a word of other programs", "client remove x", "unknown command \"client remove\"; did you mean \"client revoke\"?\nSee `passport client --help`.\n"},
		{"a value is missing", "client --redirect_uri", "--redirect-uri needs a value: want --redirect-uri URI\nSee `passport client --help`.\n"},
		{"a number is missing", "purge --hours", "--hours needs a value: want a whole number such as 6\nSee `passport purge --help`.\n"},
		{"a URL in place of a number", "purge --hours postgres://u:canary@h/d", "--hours \"postgres://…\": want a whole number such as 6\nSee `passport purge --help`.\n"},
		{"the beginning of a flag", "client list --js", "unknown flag --js\nSee `passport client list --help`.\n"},
		{"most of a flag", "client --access-token 5m", "unknown flag --access-token; did you mean --access-token-ttl?\nSee `passport client --help`.\n"},
		{"a flag of every command", "client list --databse-url x", "unknown flag --databse-url; did you mean --database-url?\nSee `passport client list --help`.\n"},
		{"one hyphen", "client -name x", "unknown flag -name; did you mean --name?\nSee `passport client --help`.\n"},
		{"far from any flag", "client --abrakadabra", "unknown flag --abrakadabra\nSee `passport client --help`.\n"},
		{"hours in words", "purge --hours x", "--hours \"x\": want a whole number such as 6\nSee `passport purge --help`.\n"},
		{"too many digits", "purge --hours 99999999999999999999", "--hours \"99999999999999999999\": want a whole number such as 6\nSee `passport purge --help`.\n"},
		{"too many hours", "purge --hours 2562048", "--hours is 2562048: want between 0 and 2562047\nSee `passport purge --help`.\n"},
		{"hours before now", "purge --hours=-1", "--hours is -1: want between 0 and 2562047\nSee `passport purge --help`.\n"},
		{"a length in words", "keys --length long", "--length \"long\": want a whole number such as 4096\nSee `passport keys --help`.\n"},
		{"a length in words at rotation", "keys rotate --length 2k", "--length \"2k\": want a whole number such as 4096\nSee `passport keys rotate --help`.\n"},
		{"no time to publish", "keys rotate --publish soon", "--publish \"soon\": want a duration such as 90s, 15m, 1h or 30d\nSee `passport keys rotate --help`.\n"},
		{"a switch with a value", "client --public=maybe", "--public \"maybe\": want true, false, or no value\nSee `passport client --help`.\n"},
		{"argument missing", "client revoke", "ID is missing\nSee `passport client revoke --help`.\n"},
		{"no folder", "views", "FOLDER is missing\nSee `passport views --help`.\n"},
		{"argument too many", "client revoke a b", "unexpected argument \"b\"\nSee `passport client revoke --help`.\n"},
		{"argument for a command without any", "migrate now", "unexpected argument \"now\"\nSee `passport migrate --help`.\n"},
		{"no name, no terminal", "client", "not a terminal: pass --name\nSee `passport client --help`.\n"},
		{"no redirect URI, no terminal", "client --name x", "not a terminal: pass --redirect-uri\nSee `passport client --help`.\n"},
		{"client with redirect URI", "client --client --name x --redirect_uri https://a.example", "--client and --redirect-uri can't be used together: a client that acts for itself doesn't redirect users\nSee `passport client --help`.\n"},
		{"public client for itself", "client --client --public --name x", "--client and --public can't be used together: a client that acts for itself needs a secret\nSee `passport client --help`.\n"},
		{"two kinds of clients", "client --password --implicit", "--password and --implicit can't be used together: a client has only one kind\nSee `passport client --help`.\n"},
		{"personal and public", "client --personal --public", "--personal and --public can't be used together: the client of personal access tokens needs a secret\nSee `passport client --help`.\n"},
		{"password with redirect URI", "client --password --redirect_uri https://a.example", "--password and --redirect-uri can't be used together: such a client doesn't redirect users\nSee `passport client --help`.\n"},
		{"personal of a user", "client --personal --user_id 1", "--personal and --user-id can't be used together: such a client belongs to the operator\nSee `passport client --help`.\n"},
		{"implicit without redirect URI", "client --implicit --name x", "not a terminal: pass --redirect-uri\nSee `passport client --help`.\n"},
		{"no duration", "client --access-token-ttl soon", "--access-token-ttl \"soon\": want a duration such as 90s, 15m, 1h or 30d\nSee `passport client --help`.\n"},
		{"a secret that ended before", "client rotate-secret x --keep -1h", "--keep \"-1h\": want a duration such as 90s, 15m, 1h or 30d\nSee `passport client rotate-secret --help`.\n"},
		{"nothing to change", "client update x", "nothing to update: pass at least one option\nSee `passport client update --help`.\n"},
		{"no kind of IDs", "install --client-ids serial", "--client-ids \"serial\": want uuid or integer\nSee `passport install --help`.\n"},
		{"no email address", "user create", "not a terminal: pass --email\nSee `passport user create --help`.\n"},
		{"no password", "user create --email a@example.com --name A", "not a terminal: pass --password-stdin\nSee `passport user create --help`.\n"},
		{"demo with database", "serve --demo --database-url sqlite:x", "--demo has its own database, issuer and settings: leave out --database-url, --issuer and --config\nSee `passport serve --help`.\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := run(t, console.Options{}, strings.Fields(test.args)...)
			if got.status != 2 || got.stderr != "passport: "+test.want {
				t.Errorf("passport %s: status %d, stderr\n%s\nwant 2 and\npassport: %s", test.args, got.status, got.stderr, test.want)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	got := run(t, console.Options{Version: "v1.2.3"}, "version")
	if got.status != 0 || !strings.HasPrefix(got.stdout, "passport v1.2.3 (go") {
		t.Errorf("passport version = %+v", got)
	}
}
