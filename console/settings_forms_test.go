package console_test

import (
	"database/sql"
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/go-passport/passport/console"
)

// Values in the forms of env files, secret stores, shells and editors.
func TestSettings_FR_46_FormsInTheEnvironment(t *testing.T) {
	const secret = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=" // 0123456789abcdef, twice
	bytes := fmt.Sprint([]byte("0123456789abcdef0123456789abcdef"))
	for _, test := range []struct{ key, value, want string }{
		{"keys_secret", secret, bytes},
		{"keys_secret", secret + "\n", bytes},
		{"keys_secret", "\uFEFF" + secret + "\r\n", bytes},
		{"keys_secret", `"` + secret + `"`, bytes},
		{"keys_secret", "'" + secret + "'", bytes},
		{"keys_secret", "base64:" + secret, bytes},
		{"keys_secret", secret[:20] + "\n" + secret[20:], bytes},
		{"secrets", `["` + secret + `", "` + secret + `"]`, "[" + bytes + " " + bytes + "]"},
		{"secrets", secret + "\n" + secret + "\n", "[" + bytes + " " + bytes + "]"},
		{"issuer", ` "https://auth.example.com" `, "https://auth.example.com"},
		{"issuer", "\u00a0https://auth.example.com\u200b", "https://auth.example.com"},
		{"database_url", "'sqlite:a'\n", "sqlite:a"},
		{"keys_dir", `"/var/lib/passport keys"`, "/var/lib/passport keys"},
		{"listen", "127.0.0.1:9000\r", "127.0.0.1:9000"},
		{"require_pkce", "true\n", "true"},
		{"require_pkce", "yes", "true"},
		{"require_pkce", "True", "true"},
		{"require_pkce", "TRUE", "true"},
		{"require_pkce", "1", "true"},
		{"require_pkce", "On", "true"},
		{"require_pkce", `"true"`, "true"},
		{"migrate_on_start", "No", "false"},
		{"migrate_on_start", "off", "false"},
		{"migrate_on_start", "0", "false"},
		{"access_token_ttl", "90s\n", "1m30s"},
		{"access_token_ttl", `"30d"`, "720h0m0s"},
		{"access_token_ttl", "30 days", "720h0m0s"},
		{"access_token_ttl", "1 hour", "1h0m0s"},
		{"access_token_ttl", "1H", "1h0m0s"},
		{"access_token_ttl", "15min", "15m0s"},
		{"access_token_ttl", "2w", "336h0m0s"},
		{"access_token_ttl", "1d12h", "36h0m0s"},
		{"access_token_ttl", "1h 30m", "1h30m0s"},
		{"refresh_token_grace", "-1s", "-1s"},
		{"default_scopes", "a,b", "[a b]"},
		{"default_scopes", " a , b ,", "[a b]"},
		{"default_scopes", "a b", "[a b]"},
		{"default_scopes", "a;b", "[a b]"},
		{"default_scopes", "a\nb\n", "[a b]"},
		{"default_scopes", `["a", "b"]`, "[a b]"},
		{"default_scopes", `['a','b']`, "[a b]"},
		{"default_scopes", `"a","b"`, "[a b]"},
		{"default_scopes", `"a, b"`, "[a b]"},
		{"default_scopes", "[]", "[]"},
		{"trusted_proxies", `["10.0.0.0/8","::1"]`, "[10.0.0.0/8 ::1/128]"},
		{"access_token_ttl_by_grant", `["client_credentials=10m", "password=1d"]`, "map[client_credentials:10m0s password:24h0m0s]"},
		{"scopes", `"read=Read orders; write=Write orders"`, "[{read Read orders  false false false} {write Write orders  false false false}]"},
		{"scopes", "read=Read orders\nwrite=Write orders\n", "[{read Read orders  false false false} {write Write orders  false false false}]"},
		{"resources", `["https:\/\/r.example.com", "https://\u0061.example"]`, "[https://r.example.com https://a.example]"},
		{"default_scopes", "[a, b]", "[a b]"},
		{"scopes", `["read=Read","write=Write"]`, "[{read Read  false false false} {write Write  false false false}]"},
		{"scopes", `["sum=A = B, C=D\nE"]`, "[{sum A = B, C=D\nE  false false false}]"},
		{"scopes", "read=Read, and list", "[{read Read, and list  false false false}]"},
		{"scopes", "read=Read orders, write=Write orders", "[{read Read orders  false false false} {write Write orders  false false false}]"},
		{"scopes", `"read=Read","write=Write"`, "[{read Read  false false false} {write Write  false false false}]"},
		{"log_level", "INFO", "INFO"},
		{"log_level", "warning", "WARN"},
		{"log_format", "JSON", "json"},
		{"client_ids", "UUID", "uuid"},
		{"personal_token_format", "JWT\n", "jwt"},
	} {
		got, err := console.Environment(test.key, test.value)
		if err != nil || fmt.Sprint(got) != test.want {
			t.Errorf("%s from %q = %v, %v, want %s", test.key, test.value, got, err, test.want)
		}
	}
}

// An ambiguous value is refused, and the error says how to write it.
func TestSettings_FR_46_Ambiguous(t *testing.T) {
	for _, test := range []struct{ key, value, want string }{
		{"access_token_ttl", "3600", "want a duration"},
		{"access_token_ttl", "1M", "want a duration"},
		{"access_token_ttl", "PT1H", "want a duration"},
		{"access_token_ttl", "99999w", "want a duration"},
		{"require_pkce", "enabled please", "want true or false"},
		{"require_pkce", "2", "want true or false"},
		{"trusted_proxies", "*", "want a list of addresses"},
		{"trusted_proxies", "10.0.0.1:443", "want a list of addresses"},
		{"access_token_ttl_by_grant", `{"password": "1d"}`, "want a list such as"},
		{"scopes", `[{"id": "a", "description": "A"}]`, "want scopes as"},
		{"keys_secret", "not base64!", "want base64"},
		{"resources", `["https:\/\/r.example.com"`, "is not a JSON array of texts: want a list such as"},
		{"resources", `["a", 1]`, "is not a JSON array of texts"},
		{"resources", `["a", null]`, "is not a JSON array of texts"},
		{"resources", `[["a"]]`, "is not a JSON array of texts"},
		{"resources", `https:\/\/r.example.com`, "has quotes, braces or a backslash in an item: want a list such as"},
		{"default_scopes", `a\nb`, "backslash in an item"},
		{"default_scopes", `a"b,c`, "has quotes"},
		{"trusted_proxies", `["10.0.0.0\/8"`, "is not a JSON array of texts: want a list of addresses"},
		{"scopes", "read=Read, look and list,write=Write", "put a semicolon between scopes"},
		{"scopes", "read=Read write=Write", "put a semicolon between scopes"},
		{"scopes", `read=Read\nwrite=Write`, "put a semicolon between scopes"},
		{"scopes", `['read=Read']`, "is not a JSON array of texts: want scopes as"},
		{"access_token_ttl_by_grant", "password=1h,password=2h", "two lifetimes for one grant"},
		{"access_token_ttl_by_grant", `["password=1h", "password = 1h"]`, "two lifetimes for one grant"},
	} {
		if _, err := console.Environment(test.key, test.value); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s from %q: error %v, want %q", test.key, test.value, err, test.want)
		}
	}
}

// A variable with only spaces or quotes is not set.
func TestSettings_FR_46_BlankVariable(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "passport.toml", `database_url = "sqlite:of-the-file"`)
	for _, value := range []string{"", " ", "\n", `""`, "''", "\uFEFF"} {
		if got := opens(t, []string{"PASSPORT_DATABASE_URL=" + value, "PASSPORT_CONFIG=" + value, "PASSPORT_REQUIRE_PKCE=" + value}); !strings.Contains(got, "of-the-file") {
			t.Errorf("with the variables set to %q it opened %q, want the database of the file", value, got)
		}
	}
}

func TestSettings_FR_46_FileEncodings(t *testing.T) {
	const text = "# für Ada\r\ndatabase_url = \"sqlite:of-the-file \"\r\n"
	inUTF16 := func(order binary.AppendByteOrder, mark string) string {
		var b []byte
		for _, unit := range utf16.Encode([]rune(mark + text)) {
			b = order.AppendUint16(b, unit)
		}
		return string(b)
	}
	for name, file := range map[string]string{
		"UTF-8":                         text,
		"UTF-8 with a byte order mark":  "\uFEFF" + text,
		"UTF-16LE, as Notepad saves it": inUTF16(binary.LittleEndian, "\uFEFF"),
		"UTF-16BE":                      inUTF16(binary.BigEndian, "\uFEFF"),
		"UTF-16LE without a mark":       inUTF16(binary.LittleEndian, ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			write(t, "passport.toml", file)
			if got := opens(t, []string{}); !strings.Contains(got, "of-the-file?") {
				t.Errorf("opened %q, want the database of the file", got)
			}
		})
	}
	t.Run("Latin-1", func(t *testing.T) {
		t.Chdir(t.TempDir())
		write(t, "passport.toml", "# f\xfcr Ada\n")
		o := console.Options{Open: func(string, string) (*sql.DB, error) { return nil, errNoDatabase }}
		if got := run(t, o, "user", "list"); got.status != 1 || !strings.Contains(got.stderr, "passport.toml: not UTF-8 text: save the file in the encoding UTF-8") {
			t.Errorf("user list = %+v, want an error that names the encoding", got)
		}
	})
}

// A link to a missing settings file is an error. The server must not start with the
// defaults.
func TestSettings_FR_49_LinkToNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Symlink("gone.toml", "passport.toml"); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"user", "list"}, {"install"}} {
		if got := run(t, console.Options{}, args...); got.status != 1 || !strings.Contains(got.stderr, "passport.toml is a link to a missing file") {
			t.Errorf("passport %v = %+v, want it to name the link", args, got)
		}
	}
}
