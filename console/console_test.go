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

// result is what a command left behind.
type result struct {
	status         int
	stdout, stderr string
}

// run runs a command line with nothing in its environment and no terminal.
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

// golden compares with a file under testdata, which -update rewrites.
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

// root is this package's folder, also after a test went elsewhere.
var root, _ = os.Getwd()

func TestHelp(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, command := range []string{"", "serve", "install", "keys", "client", "client list", "client update", "client rotate-secret", "client suspend", "client resume", "client revoke-tokens", "client revoke", "purge", "user", "user create", "user list", "user disable", "user enable", "migrate", "views", "version"} {
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
	for _, args := range [][]string{{}, {"user"}} {
		if got := run(t, console.Options{}, args...); got.status != 0 || !strings.Contains(got.stdout, "Usage:\n  passport ") {
			t.Errorf("passport %v: status %d, output %q; want the help", args, got.status, got.stdout)
		}
	}
}

// An application that embeds the library mounts what works on its own server.
func TestNew_ServerOfAnApplication(t *testing.T) {
	t.Chdir(t.TempDir())
	asked := errors.New("asked for the server")
	o := console.Options{Server: func(context.Context) (*passport.Server, error) { return nil, asked }}
	help := run(t, o, "--help").stdout
	for _, command := range []string{"serve", "install", "migrate", "user"} {
		if strings.Contains(help, "\n  "+command+" ") {
			t.Errorf("the help offers %q, which needs a database of the binary's own", command)
		}
	}
	if got := run(t, o, "client", "list"); got.status != 1 || got.stderr != "passport: asked for the server\n" {
		t.Errorf("client list = %+v; want it to ask for the application's server", got)
	}
}

func TestUsage(t *testing.T) {
	t.Chdir(t.TempDir())
	tests := []struct {
		name string
		args string
		want string
	}{
		{"unknown command", "sevre", "\"sevre\" is no command of passport; did you mean serve?\nSee `passport --help`.\n"},
		{"far from any command", "abrakadabra", "\"abrakadabra\" is no command of passport\nSee `passport --help`.\n"},
		{"unknown command below", "user crate", "\"crate\" is no command of passport user; did you mean create?\nSee `passport user --help`.\n"},
		{"unknown flag", "serve --lisen x", "unknown flag: --lisen; did you mean --listen?\nSee `passport serve --help`.\n"},
		{"an underscore and a letter too many", "client --redirect-uuri x", "unknown flag: --redirect-uuri; did you mean --redirect_uri?\nSee `passport client --help`.\n"},
		{"a hyphen for an underscore", "client update x --redirect-uri=x", "unknown flag: --redirect-uri; did you mean --redirect_uri?\nSee `passport client update --help`.\n"},
		{"the begin of a flag", "client list --js", "unknown flag: --js\nSee `passport client list --help`.\n"},
		{"most of a flag", "client --access-token 5m", "unknown flag: --access-token; did you mean --access-token-ttl?\nSee `passport client --help`.\n"},
		{"a flag of every command", "client list --databse-url x", "unknown flag: --databse-url; did you mean --database-url?\nSee `passport client list --help`.\n"},
		{"one hyphen", "client -name x", "unknown shorthand flag: 'n' in -name; did you mean --name?\nSee `passport client --help`.\n"},
		{"far from any flag", "client --abrakadabra", "unknown flag: --abrakadabra\nSee `passport client --help`.\n"},
		{"hours in words", "purge --hours x", "invalid argument \"x\" for \"--hours\" flag: want a whole number such as 168\nSee `passport purge --help`.\n"},
		{"too many digits", "purge --hours 99999999999999999999", "invalid argument \"99999999999999999999\" for \"--hours\" flag: want a whole number such as 168\nSee `passport purge --help`.\n"},
		{"too many hours", "purge --hours 2562048", "--hours is 2562048: want between 0 and 2562047\nSee `passport purge --help`.\n"},
		{"hours before now", "purge --hours=-1", "--hours is -1: want between 0 and 2562047\nSee `passport purge --help`.\n"},
		{"a length in words", "keys --length long", "invalid argument \"long\" for \"--length\" flag: want a whole number\nSee `passport keys --help`.\n"},
		{"a length in words at rotation", "keys rotate --length 2k", "invalid argument \"2k\" for \"--length\" flag: want a whole number\nSee `passport keys rotate --help`.\n"},
		{"no time to publish", "keys rotate --publish soon", "invalid argument \"soon\" for \"--publish\" flag: want a duration such as 90s, 15m, 1h or 30d\nSee `passport keys rotate --help`.\n"},
		{"a switch with a value", "client --public=maybe", "invalid argument \"maybe\" for \"--public\" flag: want true, false, or no value\nSee `passport client --help`.\n"},
		{"argument missing", "client revoke", "ID is missing\nSee `passport client revoke --help`.\n"},
		{"no folder", "views", "FOLDER is missing\nSee `passport views --help`.\n"},
		{"argument too many", "client revoke a b", "\"b\" is one argument too many\nSee `passport client revoke --help`.\n"},
		{"argument where none is", "migrate now", "\"now\" is one argument too many\nSee `passport migrate --help`.\n"},
		{"no name, no terminal", "client", "--name is missing, and there is no terminal to ask on\nSee `passport client --help`.\n"},
		{"no redirect URI, no terminal", "client --name x", "--redirect_uri is missing, and there is no terminal to ask on\nSee `passport client --help`.\n"},
		{"client with redirect URI", "client --client --name x --redirect_uri https://a.example", "--client and --redirect_uri exclude one another: a client that acts for itself sends no user anywhere\nSee `passport client --help`.\n"},
		{"public client for itself", "client --client --public --name x", "--client and --public exclude one another: a client that acts for itself has to keep a secret\nSee `passport client --help`.\n"},
		{"two kinds of clients", "client --password --implicit", "--password and --implicit exclude one another: a client is of one kind\nSee `passport client --help`.\n"},
		{"personal and public", "client --personal --public", "--personal and --public exclude one another: the client of personal access tokens proves by its secret that it is the right one\nSee `passport client --help`.\n"},
		{"password with redirect URI", "client --password --redirect_uri https://a.example", "--password and --redirect_uri exclude one another: such a client sends no user anywhere\nSee `passport client --help`.\n"},
		{"personal of a user", "client --personal --user_id 1", "--personal and --user_id exclude one another: such a client is the operator's own\nSee `passport client --help`.\n"},
		{"implicit without redirect URI", "client --implicit --name x", "--redirect_uri is missing, and there is no terminal to ask on\nSee `passport client --help`.\n"},
		{"no duration", "client --access-token-ttl soon", "invalid argument \"soon\" for \"--access-token-ttl\" flag: want a duration such as 90s, 15m, 1h or 30d\nSee `passport client --help`.\n"},
		{"a secret that ended before", "client rotate-secret x --keep -1h", "invalid argument \"-1h\" for \"--keep\" flag: want a duration such as 90s, 15m, 1h or 30d\nSee `passport client rotate-secret --help`.\n"},
		{"nothing to change", "client update x", "nothing is to change: say what with an option\nSee `passport client update --help`.\n"},
		{"no kind of IDs", "install --client-ids serial", "--client-ids is \"serial\": want uuid or integer\nSee `passport install --help`.\n"},
		{"no e-mail address", "user create", "--email is missing, and there is no terminal to ask on\nSee `passport user create --help`.\n"},
		{"no password", "user create --email a@example.com --name A", "--password-stdin is missing, and there is no terminal to ask on\nSee `passport user create --help`.\n"},
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
