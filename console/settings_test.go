package console_test

import (
	"database/sql"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/console"
)

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// opens returns the database that a command opens with the given settings.
func opens(t *testing.T, env []string, args ...string) string {
	t.Helper()
	opened := ""
	o := console.Options{Env: env, Open: func(_, dsn string) (*sql.DB, error) {
		opened = dsn
		return nil, errNoDatabase
	}}
	if got := run(t, o, append([]string{"migrate"}, args...)...); got.status != 1 {
		t.Fatalf("migrate = %+v, want it to fail at the database", got)
	}
	return opened
}

func TestSettings_Precedence(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "passport.toml", `database_url = "sqlite:of-the-file"`)
	write(t, "other.toml", `database_url = "sqlite:of-another-file"`)
	env := []string{"PASSPORT_DATABASE_URL=sqlite:of-the-environment"}
	tests := []struct {
		name string
		env  []string
		args []string
		want string
	}{
		{"the file", []string{}, nil, "of-the-file"},
		{"the environment beats the file", env, nil, "of-the-environment"},
		{"a flag beats the environment", env, []string{"--database-url", "sqlite:of-the-flag"}, "of-the-flag"},
		{"an empty variable counts as none", []string{"PASSPORT_DATABASE_URL="}, nil, "of-the-file"},
		{"the last variable of a name counts", append([]string{"PASSPORT_DATABASE_URL=sqlite:first"}, env...), nil, "of-the-environment"},
		{"another file by flag", []string{}, []string{"--config", "other.toml"}, "of-another-file"},
		{"another file by environment", []string{"PASSPORT_CONFIG=other.toml"}, nil, "of-another-file"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := opens(t, test.env, test.args...); !strings.Contains(got, test.want) {
				t.Errorf("opened %q, want the database %s", got, test.want)
			}
		})
	}
}

func TestSettings_DefaultDatabase(t *testing.T) {
	t.Chdir(t.TempDir())
	if got := opens(t, []string{}); !strings.Contains(got, filepath.Join("storage", "passport.sqlite")) {
		t.Errorf("opened %q, want storage/passport.sqlite", got)
	}
	if info, err := os.Stat("storage"); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
		t.Errorf("the folder storage: %v, %v; want it created, for its owner only", info, err)
	}
}

func TestSettings_Faults(t *testing.T) {
	tests := []struct {
		name, file string
		env        []string
		want       string
	}{
		{"unknown key", `acces_token_ttl = "1h"`, nil, `passport.toml: unknown setting "acces_token_ttl"; did you mean access_token_ttl?`},
		{"another way of writing it", `AccessTokenTTL = "1h"`, nil, `passport.toml: unknown setting "AccessTokenTTL"; did you mean access_token_ttl?`},
		{"far from any key", `colour = "blue"`, nil, "passport.toml: unknown setting \"colour\"; `passport install --config FILE` writes a file that explains all settings"},
		{"a table", "[server]\nlisten = \"x\"", nil, "passport.toml: unknown setting \"server\"; `passport install --config FILE` writes a file that explains all settings"},
		{"a number for a duration", `access_token_ttl = 3600`, nil, `passport.toml: access_token_ttl: want a duration such as "90s", "1h" or "30d"`},
		{"no duration", `access_token_ttl = "soon"`, nil, `passport.toml: access_token_ttl: want a duration such as "90s", "1h" or "30d"`},
		{"text for a switch", `require_pkce = "true"`, nil, `passport.toml: require_pkce: want true or false, without quotes`},
		{"text for a number", `max_clients_per_user = "3"`, nil, `passport.toml: max_clients_per_user: want a whole number such as 100, without quotes`},
		{"a number for text", `issuer = 1`, nil, `passport.toml: issuer: want text in quotes`},
		{"text for a list", `default_scopes = "a"`, nil, `passport.toml: default_scopes: want a list such as ["one", "two"]`},
		{"a list of numbers", `default_scopes = [1]`, nil, `passport.toml: default_scopes: want a list such as ["one", "two"]`},
		{"no network", `trusted_proxies = ["10.0.0.0/99"]`, nil, `passport.toml: trusted_proxies: want a list of addresses or networks such as ["10.0.0.0/8", "::1"]`},
		{"no base64", `secrets = ["§"]`, nil, "passport.toml: secrets: want a list of base64 texts, such as from `openssl rand -base64 32`"},
		{"a scope without description", "[[scopes]]\nid = \"a\"", nil, `passport.toml: scopes: want [[scopes]] tables, each with the texts id and description`},
		{"a scope with more", "[[scopes]]\nid = \"a\"\ndescription = \"A\"\nx = 1", nil, `passport.toml: scopes: want [[scopes]] tables, each with the texts id and description`},
		{"scopes as texts", `scopes = ["a"]`, nil, `passport.toml: scopes: want [[scopes]] tables, each with the texts id and description`},
		{"no level", `log_level = "loud"`, nil, `passport.toml: log_level: want "debug", "info", "warn" or "error"`},
		{"no format", `log_format = "xml"`, nil, `passport.toml: log_format: want "auto", "text" or "json"`},
		{"IDs of no kind", `client_ids = "serial"`, nil, `client_ids "serial": want uuid or integer`},
		{"a switch for the kind of IDs", `client_ids = true`, nil, `passport.toml: client_ids: want text in quotes`},
		{"no format of tokens", `personal_token_format = "xml"`, nil, `personal_token_format "xml": want opaque or jwt`},
		{"a prefix that no header takes", `personal_token_prefix = "our token"`, nil, `personal_token_prefix "our token": want at most 32 letters, digits, hyphens and underscores`},
		{"a cookie of no name", `cookie_name = "a b"`, nil, `cookie_name "a b": want letters, digits, dots, hyphens and underscores`},
		{"lifetimes by grant as a table", "[access_token_ttl_by_grant]\npassword = \"1h\"", nil, `passport.toml: access_token_ttl_by_grant: want a list such as ["client_credentials=10m", "password=1d"]`},
		{"a lifetime without a grant", `access_token_ttl_by_grant = ["10m"]`, nil, `passport.toml: access_token_ttl_by_grant: want a list such as ["client_credentials=10m", "password=1d"]`},
		{"a grant without a lifetime", "", []string{"PASSPORT_ACCESS_TOKEN_TTL_BY_GRANT=client_credentials"}, `PASSPORT_ACCESS_TOKEN_TTL_BY_GRANT: want a list such as ["client_credentials=10m", "password=1d"]`},
		{"a lifetime that is none", `access_token_ttl_by_grant = ["password=-1h"]`, nil, `access_token_ttl_by_grant["password"] is -1h0m0s: want at least a second`},
		{"half a client of personal tokens", "", []string{"PASSPORT_PERSONAL_ACCESS_CLIENT_ID=x"}, `personal_access_client_id and personal_access_client_secret: set both, or neither to let the server create the client`},
		{"text for the password grant", `enable_password_grant = "yes"`, nil, `passport.toml: enable_password_grant: want true or false, without quotes`},
		{"the implicit grant misspelled", `enable_implcit_grant = true`, nil, `passport.toml: unknown setting "enable_implcit_grant"; did you mean enable_implicit_grant?`},
		{"no lifetime of personal tokens", `personal_token_ttl = "1ms"`, nil, `personal_token_ttl is 1ms: want at least a second`},
		{"no TOML", "listen = \"x\"\nissuer = ", nil, `passport.toml:2:`},
		{"in the environment", "", []string{"PASSPORT_ACCESS_TOKEN_TTL=soon"}, `PASSPORT_ACCESS_TOKEN_TTL: want a duration such as "90s", "1h" or "30d"`},
		{"a switch in the environment", "", []string{"PASSPORT_REQUIRE_PKCE=maybe"}, `PASSPORT_REQUIRE_PKCE: want true or false`},
		{"scopes in the environment", "", []string{"PASSPORT_SCOPES=check-status"}, `PASSPORT_SCOPES: want scopes as "check-status=Check order status; place-orders=Place orders"`},
		{"a missing file", "", []string{"PASSPORT_CONFIG=none.toml"}, "the settings file none.toml doesn't exist: write one with `passport install --config none.toml`"},
		{"a file that is a folder", "", []string{"PASSPORT_CONFIG=."}, `can't read the settings file .: . is not a regular file but a folder: replace it with the file, or name another file`},
		{"all at once", "colour = 1\nrequire_pkce = 1", []string{"PASSPORT_CODE_TTL=x"}, "3 things are wrong:\n  - passport.toml: unknown setting \"colour\""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if test.file != "" {
				write(t, "passport.toml", test.file)
			}
			got := run(t, console.Options{Env: append([]string{}, test.env...)}, "user", "list")
			if got.status != 1 || !strings.HasPrefix(got.stderr, "passport: "+test.want) {
				t.Errorf("status %d, stderr\n%s\nwant 1 and\npassport: %s", got.status, got.stderr, test.want)
			}
		})
	}
}

// A wrong value may be a secret in the wrong place.
func TestSettings_C7_FaultsRepeatNoValue(t *testing.T) {
	t.Chdir(t.TempDir())
	const canary = "canary-1f0c9e"
	write(t, "passport.toml", `access_token_ttl = "`+canary+`"
secrets = "`+canary+`"
require_pkce = "`+canary+`"
issuer = ["`+canary+`"]`)
	got := run(t, console.Options{Env: []string{"PASSPORT_SECRETS=§" + canary, "PASSPORT_LOG_LEVEL=" + canary}}, "user", "list")
	if got.status != 1 || strings.Contains(got.stderr, canary) {
		t.Errorf("stderr repeats a value:\n%s", got.stderr)
	}
}

var (
	setting = regexp.MustCompile(`(?m)^# ([a-z_]+) = `)
	tables  = regexp.MustCompile(`(?m)^# (\[(?:brand|device|openid|laravel)\]|\[\[scopes\]\]|(?:id|description|group|can_change|sensitive|optional) = .*)$`)
)

// installed returns the file that `passport install` writes.
func installed(t *testing.T) string {
	t.Helper()
	if got := run(t, console.Options{}, "install"); got.status != 1 || !strings.Contains(got.stdout, "Wrote the settings to passport.toml.") {
		t.Fatalf("install = %+v, want it to write passport.toml before it fails at the database", got)
	}
	text, err := os.ReadFile("passport.toml")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The file has a setting for every field of Config that a file can hold.
func TestSettings_CoverConfig(t *testing.T) {
	t.Chdir(t.TempDir())
	explained := map[string]bool{"scopes": true} // as tables
	for _, match := range setting.FindAllStringSubmatch(installed(t), -1) {
		explained[match[1]] = true
	}
	holdable := map[reflect.Type]bool{
		reflect.TypeFor[string](): true, reflect.TypeFor[bool](): true, reflect.TypeFor[int](): true,
		reflect.TypeFor[time.Duration](): true, reflect.TypeFor[[]string](): true, reflect.TypeFor[map[string]time.Duration](): true,
		reflect.TypeFor[passport.IDFormat](): true, reflect.TypeFor[passport.TokenFormat](): true, reflect.TypeFor[fs.FS](): true,
		reflect.TypeFor[[]passport.Scope](): true, reflect.TypeFor[[]netip.Prefix](): true, reflect.TypeFor[[][]byte](): true,
	}
	for field := range reflect.TypeFor[passport.Config]().Fields() {
		if holdable[field.Type] && !explained[snake(field.Name)] {
			t.Errorf("Config.%s has no setting %s", field.Name, snake(field.Name))
		}
	}
}

func snake(name string) string {
	name = strings.NewReplacer("IDs", "Ids", "URIs", "Uris", "JSONAPI", "JsonApi").Replace(name)
	var b strings.Builder
	for i, r := range name {
		next := strings.IndexFunc(name[i+1:], unicode.IsLower) == 0
		if i > 0 && unicode.IsUpper(r) && (next || unicode.IsLower(rune(name[i-1]))) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// Each line of the file is valid without its comment sign.
func TestSettings_FileIsValid(t *testing.T) {
	t.Chdir(t.TempDir())
	text := installed(t)
	text = setting.ReplaceAllString(text, "$1 = ")
	text = tables.ReplaceAllString(text, "$1")
	write(t, "passport.toml", text)
	run(t, console.Options{}, "views", "views") // which the file names then
	write(t, "logo.svg", logo)
	write(t, "logo-dark.svg", logo)
	write(t, "laravel-public.key", laravelKey(t))
	if got := run(t, console.Options{}, "migrate"); !strings.Contains(got.stderr, errNoDatabase.Error()) {
		t.Errorf("with every line uncommented: %s", got.stderr)
	}
	golden(t, "passport.toml", text)
}
