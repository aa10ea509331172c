package console_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/go-passport/passport/console"
)

func TestSettings_FR_47_VariablesThatAreNoSettings(t *testing.T) {
	for variable, meant := range map[string]string{
		"PASSPORT_DB_URL":              "PASSPORT_DATABASE_URL",
		"PASSPORT_DATABASE":            "PASSPORT_DATABASE_URL",
		"PASSPORT_DATABASE_DSN":        "PASSPORT_DATABASE_URL",
		"PASSPORT_DSN":                 "PASSPORT_DATABASE_URL",
		"PASSPORT_TRUSTED_PROXY":       "PASSPORT_TRUSTED_PROXIES",
		"PASSPORT_TRUST_PROXIES":       "PASSPORT_TRUSTED_PROXIES",
		"PASSPORT_ISSUER_URL":          "PASSPORT_ISSUER",
		"PASSPORT_BASE_URL":            "PASSPORT_ISSUER",
		"PASSPORT_ISUER":               "PASSPORT_ISSUER",
		"PASSPORT_LISTEN_ADDRESS":      "PASSPORT_LISTEN",
		"PASSPORT_ADDR":                "PASSPORT_LISTEN",
		"PASSPORT_HOST":                "PASSPORT_LISTEN",
		"PASSPORT_ACCESS_TOKEN_EXPIRY": "PASSPORT_ACCESS_TOKEN_TTL",
		"PASSPORT_ACCESSTOKENTTL":      "PASSPORT_ACCESS_TOKEN_TTL",
		"PASSPORT_KEY_SECRET":          "PASSPORT_KEYS_SECRET",
		"PASSPORT_KEYS_DIRECTORY":      "PASSPORT_KEYS_DIR",
		"PASSPORT_SCOPE":               "PASSPORT_SCOPES",
		"PASSPORT_CONFIG_FILE":         "PASSPORT_CONFIG",
		"passport_issuer":              "PASSPORT_ISSUER",
		"PASSPORT_Issuer":              "PASSPORT_ISSUER",
		"PASSPORT_LISTEN_PORT":         "PASSPORT_LISTEN",
		"PASSPORT_COLOUR":              "",
		"PASSPORT_":                    "",
	} {
		t.Run(variable, func(t *testing.T) {
			t.Parallel()
			const secret = "canary-57ab"
			got := run(t, console.Options{Env: []string{variable + "=" + secret, "PASSPORT_CONFIG=testdata/empty.toml"}}, "user", "list")
			want := "passport: warning: " + variable + " is not a setting and has no effect"
			if meant != "" {
				want += "; did you mean " + meant + "?"
			}
			if !strings.HasPrefix(got.stderr, want+"\n") || strings.Count(got.stderr, "warning") != 1 || strings.Contains(got.stderr, secret) {
				t.Errorf("user list wrote\n%s\nwant once, and without the value,\n%s", got.stderr, want)
			}
		})
	}
}

// Kubernetes sets variables for each service, also for services called passport or
// passport-admin. Our tests have variables too.
func TestSettings_FR_47_VariablesOfOthers(t *testing.T) {
	t.Chdir(t.TempDir())
	got := run(t, console.Options{Env: []string{
		"PASSPORT_TEST_POSTGRES=x", "PASSPORT_TEST_REQUIRE=1",
		"PASSPORT_PORT=tcp://10.0.0.1:80", "PASSPORT_PORT_8000_TCP=tcp://10.0.0.1:8000", "PASSPORT_PORT_8000_TCP_PROTO=tcp",
		"PASSPORT_PORT_8000_TCP_PORT=8000", "PASSPORT_PORT_8000_TCP_ADDR=10.0.0.1",
		"PASSPORT_SERVICE_HOST=10.0.0.1", "PASSPORT_SERVICE_PORT=80", "PASSPORT_SERVICE_PORT_HTTP=80",
		"PASSPORT_ADMIN_SERVICE_HOST=10.0.0.1", "PASSPORT_ADMIN_SERVICE_PORT=80", "PASSPORT_ADMIN_SERVICE_PORT_HTTP=80",
		"PASSPORT_ADMIN_PORT=tcp://10.0.0.1:80", "PASSPORT_ADMIN_PORT_80_TCP_ADDR=10.0.0.1",
		"PASSPORT_LOG_LEVEL=debug", "PASSPORTS=12", "OTHER=1",
	}}, "user", "list")
	if strings.Contains(got.stderr, "warning") {
		t.Errorf("user list wrote\n%s\nwant no warning", got.stderr)
	}
}

// The command warns even if it fails before it opens anything, because the variable may be
// the reason.
func TestSettings_FR_47_WarningBesideAFault(t *testing.T) {
	t.Chdir(t.TempDir())
	got := run(t, console.Options{Env: []string{"PASSPORT_DB_URL=x", "PASSPORT_CODE_TTL=soon"}}, "serve", "--listen", "127.0.0.1:0")
	if got.status != 1 || !strings.Contains(got.stderr, "did you mean PASSPORT_DATABASE_URL?") || !strings.Contains(got.stderr, "PASSPORT_CODE_TTL: want") {
		t.Errorf("serve = %+v, want the warning and the fault", got)
	}
}

func TestSettings_FR_47_UnknownKeys(t *testing.T) {
	for file, want := range map[string]string{
		`db_url = "x"`:                 "unknown setting \"db_url\"; did you mean database_url?",
		`database-url = "x"`:           "unknown setting \"database-url\"; did you mean database_url?",
		"[database]\nurl = \"x\"":      "unknown setting \"database\"; did you mean database_url?",
		`trusted_proxy = "x"`:          "unknown setting \"trusted_proxy\"; did you mean trusted_proxies?",
		`PASSPORT_ISSUER = "x"`:        "unknown setting \"PASSPORT_ISSUER\"; did you mean issuer?",
		`issuer_url = "x"`:             "unknown setting \"issuer_url\"; did you mean issuer?",
		`access_token_lifetime = "1h"`: "unknown setting \"access_token_lifetime\"; did you mean access_token_ttl?",
	} {
		t.Run(file, func(t *testing.T) {
			t.Chdir(t.TempDir())
			write(t, "passport.toml", file)
			if got := run(t, console.Options{}, "user", "list"); got.status != 1 || !strings.Contains(got.stderr, want) {
				t.Errorf("user list = %+v, want an error with %s", got, want)
			}
		})
	}
}

func TestUsage_FR_47_UnknownFlags(t *testing.T) {
	t.Chdir(t.TempDir())
	for args, want := range map[string]string{
		"serve --db-url x":                "did you mean --database-url?",
		"serve --database x":              "did you mean --database-url?",
		"serve --port 8000":               "did you mean --listen?",
		"serve --addr :8000":              "did you mean --listen?",
		"serve --issuer-url x":            "did you mean --issuer?",
		"client list --db_url x":          "did you mean --database-url?",
		"serve --trusted-proxies x":       "trusted_proxies is a setting: write it in passport.toml, or set PASSPORT_TRUSTED_PROXIES",
		"serve --trusted-proxy x":         "trusted_proxies is a setting: write it in passport.toml, or set PASSPORT_TRUSTED_PROXIES",
		"migrate --log-level debug":       "log_level is a setting: write it in passport.toml, or set PASSPORT_LOG_LEVEL",
		"client --name x --abrakadabra=1": "unknown flag --abrakadabra\n",
	} {
		if got := run(t, console.Options{}, strings.Fields(args)...); got.status != 2 || !strings.Contains(got.stderr, want) {
			t.Errorf("passport %s = %+v, want %q", args, got, want)
		}
	}
}

// An application's own options have plain errors too, below our commands.
func TestUsage_PG_11_OptionsOfAnApplication(t *testing.T) {
	for args, want := range map[string]string{
		"client list --level x":    `--level "x": want a number` + "\n",
		"client list --ratio x":    `--ratio "x": want a number` + "\n",
		"client list --address x":  `--address "x": `,
		"client list --my_option":  "--my-option needs a value: want --my-option VALUE\n",
		"client list --=x":         "bad flag syntax: --=x\n",
		"client list -x":           "unknown flag -x\n",
		"client list --level 2000": `--level "2000": want a number`,
	} {
		o, _ := shop(t, nil)
		root := &cobra.Command{Use: "shop", SilenceErrors: true, SilenceUsage: true}
		root.PersistentFlags().Uint8("level", 0, "")
		root.PersistentFlags().Float64("ratio", 0, "")
		root.PersistentFlags().IP("address", nil, "")
		root.PersistentFlags().String("my_option", "", "")
		root.AddCommand(console.New(o))
		var stderr bytes.Buffer
		root.SetErr(&stderr)
		root.SetArgs(append([]string{"passport"}, strings.Fields(args)...))
		if status := console.Run(t.Context(), root); status != 2 || !strings.HasPrefix(stderr.String(), "passport: "+want) || strings.Contains(stderr.String(), "strconv") {
			t.Errorf("shop passport %s = %d, %q, want 2 and %q", args, status, &stderr, want)
		}
	}
}
