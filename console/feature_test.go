package console_test

import (
	"strings"
	"testing"

	"github.com/go-passport/passport/console"
)

// DV-01: the table [device] and PASSPORT_DEVICE_… turn on device authorization, and
// faults have their names. Only with the feature does a lifetime for the grant have a
// meaning.
func TestSettings_DV_01_Device(t *testing.T) {
	const (
		grant   = "urn:ietf:params:oauth:grant-type:device_code"
		needsIt = "access_token_ttl_by_grant = [\"" + grant + "=5m\"]\n"
		off     = `access_token_ttl_by_grant["` + grant + `"] names a grant type that does not exist`
	)
	tests := []struct {
		name, file string
		env        []string
		want       string // in the error; empty for none
	}{
		{"no table", "", nil, off},
		{"an empty table", "[device]", nil, ""},
		{"a table with settings", "[device]\nlifetime = \"15m\"\ninterval = \"10s\"\nmax_pending = 3", nil, ""},
		{"a dotted name", "device.enabled = true", nil, ""},
		{"turned off in the table", "[device]\nenabled = false", nil, off},
		{"turned on by the environment", "", []string{"PASSPORT_DEVICE_ENABLED=true"}, ""},
		{"another setting in the environment", "", []string{"PASSPORT_DEVICE_LIFETIME=5m"}, ""},
		{"turned off by the environment", "[device]", []string{"PASSPORT_DEVICE_ENABLED=false"}, off},
		{"another table", "[brand]\nname = \"The Shop\"", nil, off},
		{"a long lifetime", "[device]\nlifetime = \"1h\"", nil, "device.lifetime is 1h0m0s: want 1m to 15m"},
		{"a short interval", "[device]\ninterval = \"10ms\"", nil, "device.interval is 10ms: want 1s to 1m"},
		{"a negative number", "[device]\nmax_pending = -1", nil, "device.max_pending is -1: want a positive number"},
		{"an unknown setting", "[device]\nlifetme = \"5m\"", nil, `passport.toml: unknown setting "device.lifetme"; did you mean device.lifetime?`},
		{"a setting after the table", "[device]\nissuer = \"https://auth.example.com\"", nil, "passport.toml: issuer is in the table [device]: move it above the line [device]"},
		{"a text in place of the table", "device = true", nil, "passport.toml: device is a table: write [device], and its settings below"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			write(t, "passport.toml", needsIt+test.file)
			got := run(t, console.Options{Env: append([]string{}, test.env...)}, "user", "list")
			if test.want == "" {
				test.want = "no database at sqlite:storage/passport.sqlite" // the settings are valid
			}
			if !strings.Contains(got.stderr, test.want) {
				t.Errorf("stderr is\n%s\nwant %s", got.stderr, test.want)
			}
		})
	}
}
