package console_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/console"
)

// complete returns what a shell offers for the last of the arguments.
func complete(t *testing.T, o console.Options, args ...string) (values []string, directive string) {
	t.Helper()
	got := run(t, o, append([]string{"__complete"}, args...)...)
	lines := strings.Split(strings.TrimSpace(got.stdout), "\n")
	directive, ok := strings.CutPrefix(lines[len(lines)-1], ":")
	if got.status != 0 || !ok {
		t.Fatalf("passport __complete %q = %+v", args, got)
	}
	return lines[:len(lines)-1], directive
}

// Directives of cobra: what the shell does with the values.
const (
	noFiles        = "4"
	filterByEnding = "8"
	foldersOnly    = "16"
)

func TestCompletion_PG_11_Values(t *testing.T) {
	o, server := shop(t, func(c *passport.Config) {
		c.Scopes = []passport.Scope{{ID: "check-status", Description: "Check order status"}, {ID: "place-orders", Description: "Place orders"}}
	})
	active, err := server.CreateClient(t.Context(), passport.Registration{ID: "01a1", Name: "Order  Tracker", RedirectURIs: []string{"https://app.example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.CreateClient(t.Context(), passport.Registration{ID: "01a2", Name: "Gone", GrantTypes: []string{"client_credentials"}}); err != nil {
		t.Fatal(err)
	}
	if err := server.RevokeClient(t.Context(), "01a2"); err != nil {
		t.Fatal(err)
	}
	clientValue := active.Client.ID + "\tOrder Tracker"
	for _, test := range []struct {
		line      string // the last word is being typed
		want      []string
		directive string
	}{
		{"client revoke ", []string{clientValue}, noFiles},
		{"client update 01", []string{clientValue}, noFiles},
		{"client rotate-secret 02", nil, noFiles},
		{"client suspend 01a1 ", nil, noFiles},
		{"client show ", []string{clientValue}, noFiles},
		{"clients resume ", []string{clientValue}, noFiles},
		{"client list --color ", []string{"auto", "always", "never"}, noFiles},
		{"client --scopes ch", []string{"check-status\tCheck order status"}, noFiles},
		{"client create --scopes check-status,", []string{"check-status,check-status\tCheck order status", "check-status,place-orders\tPlace orders"}, noFiles},
		{"client --provider ", []string{"users", "staff"}, noFiles},
		{"client --name ", nil, noFiles},
		{"client --redirect-uri ", nil, noFiles},
		{"client --client-uri ", nil, noFiles},
		{"client --logo ", []string{"png", "jpg", "jpeg"}, filterByEnding},
		{"client update --logo ", []string{"png", "jpg", "jpeg"}, filterByEnding},
		{"keys --alg ", []string{"ES256", "EdDSA", "RS256", "PS256"}, noFiles},
		{"keys rotate --alg ", []string{"ES256", "EdDSA", "RS256", "PS256"}, noFiles},
		{"keys rotate --replace ", []string{"ES256", "EdDSA", "RS256", "PS256"}, noFiles},
		{"keys add --alg ", []string{"ES256", "EdDSA", "RS256", "PS256"}, noFiles},
		{"keys --keys-dir ", nil, foldersOnly},
		{"views ", nil, foldersOnly},
		{"purge ", nil, noFiles},
		{"purge --hours ", nil, noFiles},
	} {
		got, directive := complete(t, o, strings.Split(test.line, " ")...)
		if !slices.Equal(got, test.want) || directive != test.directive {
			t.Errorf("after %q a shell offers %q with the directive %s, want %q with %s", test.line, got, directive, test.want, test.directive)
		}
	}
}

func TestCompletion_PG_11_OfTheBinary(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, test := range []struct {
		line      string
		want      []string
		directive string
	}{
		{"install --client-ids ", []string{"uuid\tUUIDs", "integer\tsequential numbers"}, noFiles},
		{"--config ", []string{"toml"}, filterByEnding},
		{"completion ", []string{"bash", "zsh", "fish", "powershell"}, noFiles},
		{"client revoke ", nil, noFiles}, // there is no database: no error, no file names
		{"user disable ", nil, noFiles},
		{"serve --listen ", nil, noFiles},
		{"comp", []string{"completion\tPrint the completion script for a shell"}, noFiles},
	} {
		got, directive := complete(t, console.Options{}, strings.Split(test.line, " ")...)
		if !slices.Equal(got, test.want) || directive != test.directive {
			t.Errorf("after %q a shell offers %q with the directive %s, want %q with %s", test.line, got, directive, test.want, test.directive)
		}
	}
}

// No description has a backquote. The help still names the placeholder of a value, also
// when it is printed twice.
func TestCompletion_PG_11_NoBackquotes(t *testing.T) {
	t.Chdir(t.TempDir())
	root := console.New(console.Options{Env: []string{}})
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		cmd.Flags().VisitAll(func(flag *pflag.Flag) {
			if strings.Contains(flag.Usage, "`") {
				t.Errorf("--%s of %s is described as %q, with a backquote", flag.Name, cmd.CommandPath(), flag.Usage)
			}
		})
		for _, sub := range cmd.Commands() {
			if strings.Contains(sub.Short, "`") && !sub.Hidden {
				t.Errorf("%s is described as %q, with a backquote", sub.CommandPath(), sub.Short)
			}
			walk(sub)
		}
	}
	walk(root)
	_ = root.UsageString() // cobra adds "[flags]" from the second time on
	if first, second := root.UsageString(), root.UsageString(); first != second || !strings.Contains(first, "--config FILE ") {
		t.Errorf("the help reads\n%s\nand then\n%s", first, second)
	}
	if got, _ := complete(t, console.Options{}, "--con"); !slices.Equal(got, []string{"--config\tread settings from FILE (default passport.toml, if it exists)"}) {
		t.Errorf("after --con a shell offers %q", got)
	}
}

func TestCompletion_Scripts(t *testing.T) {
	t.Chdir(t.TempDir())
	for shell, want := range map[string]string{"bash": "complete -o default", "zsh": "#compdef passport", "fish": "complete -c passport", "powershell": "Register-ArgumentCompleter"} {
		if got := run(t, console.Options{}, "completion", shell); got.status != 0 || !strings.Contains(got.stdout, want) || strings.Contains(got.stdout, `\u00`) {
			t.Errorf("passport completion %s: status %d, %q, a script of %d bytes without %q", shell, got.status, got.stderr, len(got.stdout), want)
		}
	}
	if got := run(t, console.Options{}, "completion", "tcsh"); got.status != 2 || !strings.Contains(got.stderr, `unknown shell "tcsh": want bash, zsh, fish, powershell`) {
		t.Errorf("passport completion tcsh = %+v", got)
	}
	o, _ := shop(t, nil)
	if got := run(t, o, "completion", "bash"); strings.Contains(run(t, o, "--help").stdout, "completion SHELL") || got.status == 0 && strings.Contains(got.stdout, "SHELL") {
		t.Errorf("an application's command offers our completion: %+v", got)
	}
}
