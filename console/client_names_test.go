package console_test

import (
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/console"
)

// A command and an option have the names that people look for.
func TestClient_PG_11_OtherNames(t *testing.T) {
	o, server := shop(t, nil)
	for _, args := range []string{
		"client create --name x --redirect-uri https://app.example.com",
		"client create --name x --redirect_uri https://app.example.com",
		"client --name x --redirect_uri https://app.example.com --access_token_ttl 15m",
		"client --client --name x --user_id=7",
		"clients create --client --name x",
	} {
		if got := run(t, o, strings.Fields(args)...); got.status != 0 {
			t.Errorf("passport %s = %+v", args, got)
		}
	}
	id := ""
	for c, err := range server.Clients(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		id = c.ID
	}
	for _, args := range []string{"client update " + id + " --access_token_ttl 5m", "client update " + id + " --access-token-ttl 5m", "clients suspend " + id} {
		if got := run(t, o, strings.Fields(args)...); got.status != 0 {
			t.Errorf("passport %s = %+v", args, got)
		}
	}
	list := run(t, o, "client", "list", "--json").stdout
	if got := run(t, o, "clients", "--json"); got.status != 0 || got.stdout != list || strings.Count(list, "\n") != 7 {
		t.Errorf("passport clients = %+v, want the list of 5 clients\n%s", got, list)
	}
	if got := run(t, o, "clients", "lst"); got.status != 2 || !strings.Contains(got.stderr, `unknown command "clients lst"; did you mean "clients list"?`) {
		t.Errorf("passport clients lst = %+v", got)
	}
}

// The help has hyphens only.
func TestHelp_PG_11_Hyphens(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, command := range []string{"client", "client create", "client update"} {
		if got := run(t, console.Options{}, append(strings.Fields(command), "--help")...); strings.Contains(got.stdout, "--redirect_uri") || !strings.Contains(got.stdout, "--redirect-uri URI") {
			t.Errorf("passport %s --help = %+v", command, got)
		}
	}
}

// After a new client come the commands to try it with, filled in, without its secret on
// a command line.
func TestClient_PG_11_NextSteps(t *testing.T) {
	o, _ := shop(t, func(c *passport.Config) { c.EnablePasswordGrant, c.EnableImplicitGrant = true, true })
	for args, want := range map[string][]string{
		"--name x --redirect-uri https://app.example.com/cb": {
			"https://shop.example.com/oauth/authorize?response_type=code&client_id=ID&redirect_uri=https%3A%2F%2Fapp.example.com%2Fcb&code_challenge=",
			"curl -u ID \\\n", "-d redirect_uri=https%3A%2F%2Fapp.example.com%2Fcb", "https://shop.example.com/oauth/token",
		},
		"--name x --public --redirect-uri com.example.app:/cb": {"&code_challenge_method=S256", "curl -d client_id=ID \\\n", "-d code_verifier="},
		"--client --name x": {"curl -u ID \\\n    -d grant_type=client_credentials \\\n    https://shop.example.com/oauth/token\n"},
		"--password":        {"curl -u ID \\\n    -d grant_type=password "},
		"--api":             {"curl -u ID \\\n    -d token=TOKEN \\\n    https://shop.example.com/oauth/introspect"},
		"--personal":        {"PASSPORT_PERSONAL_ACCESS_CLIENT_ID=ID\n"},
		"--implicit --name x --redirect-uri https://app.example.com/cb": {"https://shop.example.com/oauth/authorize?response_type=token&client_id=ID&"},
	} {
		got := run(t, o, append([]string{"client"}, strings.Fields(args)...)...)
		_, id, _ := strings.Cut(got.stdout, "Client ID      ")
		id, _, _ = strings.Cut(id, "\n")
		printed := strings.ReplaceAll(got.stdout, id, "ID")
		for _, line := range want {
			if !strings.Contains(printed, line) {
				t.Errorf("passport client %s lacks %q:\n%s", args, line, printed)
			}
		}
		if _, secret, ok := strings.Cut(got.stdout, "Client secret  "); ok && args != "--personal" {
			if secret, _, _ = strings.Cut(secret, "\n"); strings.Count(got.stdout, secret) != 1 {
				t.Errorf("passport client %s prints the secret more than once:\n%s", args, got.stdout)
			}
		}
	}
}
