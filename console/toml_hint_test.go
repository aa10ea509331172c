package console_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-passport/passport/console"
)

// For a line that is not TOML, the error says how to write the setting, and never repeats
// its value.
func TestSettings_HintsForTOML(t *testing.T) {
	const canary = "cAnAry17"
	for line, want := range map[string]string{
		"listen = 127.0.0.1:8400":                 `put the text in straight quotes: listen = "…"`,
		"issuer = https://auth.example.com":       `put the text in straight quotes: issuer = "…"`,
		"keys_secret = " + canary:                 `put the text in straight quotes: keys_secret = "…"`,
		"client_ids = uuid":                       `put the text in straight quotes: client_ids = "…"`,
		"keys_dir = storage":                      `put the text in straight quotes: keys_dir = "…"`,
		"require_pkce = maybe":                    "write require_pkce = true or require_pkce = false",
		"require_pkce = True":                     "write require_pkce = true or require_pkce = false",
		"require_pkce = yes":                      "write require_pkce = true or require_pkce = false",
		"max_clients_per_user = many":             "write max_clients_per_user = 100",
		"access_token_ttl = 1h":                   `write access_token_ttl = "1h"`,
		"default_scopes = a, b":                   `write default_scopes = ["…", "…"]`,
		"listen = “127.0.0.1:8400”":               `use straight quotes: listen = "…"`,
		"listen = ‘127.0.0.1:8400’":               `use straight quotes: listen = "…"`,
		"listen = „127.0.0.1:8400“":               `use straight quotes: listen = "…"`,
		"default_scopes = [“" + canary + "”]":     `use straight quotes: default_scopes = ["…", "…"]`,
		`keys_dir = "C:\passport\` + canary + `"`: "put a text with backslashes in single quotes: keys_dir = '…'",
		"listen =":           `the value is missing: listen = "…"`,
		"listen: 127.0.0.1":  `write an equals sign after the name: listen = "…"`,
		"require_pkce: true": "write an equals sign after the name: require_pkce = true or require_pkce = false",
	} {
		t.Run(line, func(t *testing.T) {
			t.Chdir(t.TempDir())
			write(t, "passport.toml", "log_level = \"info\"\n"+line+"\naudit_log = true\n")
			got := run(t, console.Options{}, "user", "list")
			if got.status != 1 || !strings.HasPrefix(got.stderr, "passport: passport.toml:2:") || !strings.HasSuffix(got.stderr, "; "+want+"\n") {
				t.Errorf("%s: status %d,\n%s\nwant it to end with %s", line, got.status, got.stderr, want)
			}
			if strings.Contains(got.stderr, canary) {
				t.Errorf("%s: the value is repeated:\n%s", line, got.stderr)
			}
		})
	}
}

// The list in the documentation has each setting, with its name or that of the field.
func TestSettings_Documented(t *testing.T) {
	docs, err := os.ReadFile(filepath.Join(root, "..", "docs", "configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	list := strings.ToLower(string(docs))
	for _, found := range setting.FindAllStringSubmatch(installed(t), -1) {
		if name := found[1]; name != "id" && name != "description" && !strings.Contains(list, "`"+name+"`") && !strings.Contains(list, "`"+strings.ReplaceAll(name, "_", "")+"`") {
			t.Errorf("docs/configuration.md does not name the setting %s", name)
		}
	}
	if !strings.Contains(string(docs), "`PASSPORT_CONFIG`") {
		t.Error("docs/configuration.md does not name PASSPORT_CONFIG")
	}
}
