package console_test

import (
	"strings"
	"testing"

	"github.com/go-passport/passport/console"
)

// The delay before a server stops is bounded.
func TestSettings_OP_04_DrainDelay(t *testing.T) {
	t.Chdir(t.TempDir())
	for value, want := range map[string]string{
		"-1h": "drain_delay is -1h: want 0s to 10m", "-1ns": "drain_delay is -1ns", "601s": "drain_delay is 601s", "1000d": "drain_delay is 1000d: want 0s to 10m",
		"10m": "", "0s": "",
	} {
		got := run(t, console.Options{Env: []string{"PASSPORT_DRAIN_DELAY=" + value}}, "migrate")
		if strings.Contains(got.stderr, "drain_delay") != (want != "") || !strings.Contains(got.stderr, want) {
			t.Errorf("migrate with the delay %s: %+v, want %q", value, got, want)
		}
	}
}
