package console_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/go-passport/passport/console"
)

// DV-01: the table [device] and PASSPORT_DEVICE_… turn on device authorization, and
// faults have their names. A fault shows that the feature is on.
func TestSettings_DV_01_Device(t *testing.T) {
	const on, off = "device.lifetime is 1h0m0s: want 1m to 15m", "no database at sqlite:storage/passport.sqlite"
	tests := []struct {
		name, file string
		env        []string
		want       string // in the error
	}{
		{"no table", "", nil, off},
		{"an empty table", "[device]", nil, off}, // and it has no fault
		{"a table with settings", "[device]\nlifetime = \"15m\"\ninterval = \"10s\"\nmax_pending = 3", nil, off},
		{"a wrong lifetime", "[device]\nlifetime = \"1h\"", nil, on},
		{"a dotted name", "device.lifetime = \"1h\"", nil, on},
		{"turned off in the table", "[device]\nenabled = false\nlifetime = \"1h\"", nil, off},
		{"a lifetime in the environment", "", []string{"PASSPORT_DEVICE_LIFETIME=1h"}, on},
		{"turned off by the environment", "[device]\nlifetime = \"1h\"", []string{"PASSPORT_DEVICE_ENABLED=false"}, off},
		{"turned on by the environment", "[device]\nenabled = false\nlifetime = \"1h\"", []string{"PASSPORT_DEVICE_ENABLED=true"}, on},
		{"a short interval", "[device]\ninterval = \"10ms\"", nil, "device.interval is 10ms: want 1s to 1m"},
		{"a negative number", "[device]\nmax_pending = -1", nil, "device.max_pending is -1: want a positive number"},
		{"an unknown setting", "[device]\nlifetme = \"5m\"", nil, `passport.toml: unknown setting "device.lifetme"; did you mean device.lifetime?`},
		{"a setting after the table", "[device]\nissuer = \"https://auth.example.com\"", nil, "passport.toml: issuer is in the table [device]: move it above the line [device]"},
		{"a text in place of the table", "device = true", nil, "passport.toml: device is a table: write [device], and its settings below"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			write(t, "passport.toml", test.file)
			got := run(t, console.Options{Env: append([]string{}, test.env...)}, "user", "list")
			if !strings.Contains(got.stderr, test.want) {
				t.Errorf("stderr is\n%s\nwant %s", got.stderr, test.want)
			}
		})
	}
}

// laravelKey returns a public key of Laravel Passport in PEM.
func laravelKey(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// The table [laravel] turns on the feature, and faults have their names.
func TestSettings_LP_2_Laravel(t *testing.T) {
	const on, off = "laravel.public_key and laravel.app_keys are empty: set both", "no database at sqlite:storage/passport.sqlite"
	const appKey = "base64:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	for _, tt := range []struct {
		name, file string
		env        []string
		want       string // in the error
	}{
		{"no table", "", nil, off},
		{"an empty table", "[laravel]", nil, on},
		{"turned off in the table", "[laravel]\nenabled = false", nil, off},
		{"a file and a key", "[laravel]\npublic_key = \"key.pem\"\napp_keys = [\"" + appKey + "\"]", nil, off},
		{"keys in the environment", "", []string{"PASSPORT_LARAVEL_PUBLIC_KEY=" + laravelKey(t), "PASSPORT_LARAVEL_APP_KEYS=" + appKey + "," + appKey}, off},
		{"a missing file", "[laravel]\npublic_key = \"none.pem\"", nil, "passport.toml: laravel.public_key: can't read the file: no such file or directory"},
		{"a file without a key", "[laravel]\npublic_key = \"passport.toml\"", nil, "laravel.public_key: want a key in PEM"},
		{"a wrong key", "[laravel]\napp_keys = [\"base64:?\"]", nil, "laravel.app_keys[0]: the text after base64: is not base64"},
		{"a wrong database", "[laravel]\napp_keys = [\"" + appKey + "\"]\nfrom = \"nonsense\"", nil, "laravel.from"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			write(t, "passport.toml", tt.file)
			write(t, "key.pem", laravelKey(t))
			got := run(t, console.Options{Env: append([]string{}, tt.env...)}, "user", "list")
			if !strings.Contains(got.stderr, tt.want) {
				t.Errorf("stderr is\n%s\nwant %s", got.stderr, tt.want)
			}
			if strings.Contains(got.stderr, appKey[10:]) {
				t.Errorf("stderr shows the APP_KEY:\n%s", got.stderr)
			}
		})
	}
}

// The table [openid] and PASSPORT_OPENID_… turn on OpenID Connect, and faults have their
// names.
func TestSettings_OpenID(t *testing.T) {
	const on, off = "openid.id_token_ttl is 1ms: want at least a second", "no database at sqlite:storage/passport.sqlite"
	for _, tt := range []struct {
		name, file string
		env        []string
		want       string // in the error
	}{
		{"no table", "", nil, off},
		{"an empty table", "[openid]", nil, off}, // and it has no fault
		{"a table with settings", "[openid]\nid_token_ttl = \"10m\"\nbackchannel_allowed_hosts = [\"app.internal\"]", nil, off},
		{"a wrong lifetime", "[openid]\nid_token_ttl = \"1ms\"", nil, on},
		{"turned off in the table", "[openid]\nenabled = false\nid_token_ttl = \"1ms\"", nil, off},
		{"a lifetime in the environment", "", []string{"PASSPORT_OPENID_ID_TOKEN_TTL=1ms"}, on},
		{"turned on by the environment", "[openid]\nenabled = false\nid_token_ttl = \"1ms\"", []string{"PASSPORT_OPENID_ENABLED=true"}, on},
		{"an unknown setting", "[openid]\nid_token_tll = \"5m\"", nil, `unknown setting "openid.id_token_tll"; did you mean openid.id_token_ttl?`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			write(t, "passport.toml", tt.file)
			if got := run(t, console.Options{Env: append([]string{}, tt.env...)}, "user", "list"); !strings.Contains(got.stderr, tt.want) {
				t.Errorf("stderr is\n%s\nwant %s", got.stderr, tt.want)
			}
		})
	}
}
