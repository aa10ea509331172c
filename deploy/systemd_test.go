package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const unit = "systemd/passport.service"

// directive returns the values of a directive of the unit.
func directive(t *testing.T, name string) []string {
	t.Helper()
	var values []string
	for line := range strings.Lines(read(t, unit)) {
		if value, ok := strings.CutPrefix(line, name+"="); ok {
			values = append(values, strings.TrimSpace(value))
		}
	}
	if len(values) == 0 {
		t.Fatalf("%s has no %s", unit, name)
	}
	return values
}

// systemdAnalyze runs systemd-analyze on the unit, whose program is the binary.
func systemdAnalyze(t *testing.T, args ...string) string {
	t.Helper()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		if os.Getenv("PASSPORT_TEST_REQUIRE") == "1" {
			t.Fatal("systemd-analyze is not installed")
		}
		t.Skip("systemd-analyze is not installed")
	}
	file := filepath.Join(t.TempDir(), "passport.service")
	text := strings.ReplaceAll(read(t, unit), "/usr/local/bin/passport", binary)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), analyze, append(args, file)...).CombinedOutput()
	if err != nil {
		t.Errorf("systemd-analyze %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func TestSystemd_UnitIsValid(t *testing.T) {
	if out := systemdAnalyze(t, "verify", "--man=no", "--recursive-errors=no"); out != "" {
		t.Errorf("systemd-analyze verify prints:\n%s", out)
	}
}

// maxExposure is ten times the exposure level that systemd-analyze may find, of 100.
const maxExposure = "20"

func TestSystemd_UnitIsSandboxed(t *testing.T) {
	systemdAnalyze(t, "security", "--offline=yes", "--no-pager", "--threshold="+maxExposure)
}

// The unit's command runs with the settings of the recipe, and keeps its keys and its
// database below its folder.
func TestSystemd_CommandRuns(t *testing.T) {
	command := strings.Fields(directive(t, "ExecStart")[0])
	checkCommand(t, command[1:])
	config := filepath.Join(t.TempDir(), "passport.toml")
	if err := os.WriteFile(config, []byte(read(t, "passport.toml")), 0o600); err != nil {
		t.Fatal(err)
	}
	for i, arg := range command {
		if arg == "/etc/passport/passport.toml" {
			command[i] = config
		}
	}
	p := process{dir: t.TempDir()}
	address := p.serve(t, command[1:]...)
	wantStatus(t, "http://"+address+"/livez", 200)
	for _, name := range []string{"passport.sqlite", "oauth-private.key"} {
		if _, err := os.Stat(filepath.Join(p.dir, "storage", name)); err != nil {
			t.Error(err)
		}
	}
}

func TestSystemd_FoldersAgree(t *testing.T) {
	if work, state := directive(t, "WorkingDirectory")[0], directive(t, "StateDirectory")[0]; work != "/var/lib/"+state {
		t.Errorf("the server works in %s, and may only write to /var/lib/%s", work, state)
	}
	for _, name := range regexp.MustCompile(`PASSPORT_[A-Z_]+`).FindAllString(read(t, unit), -1) {
		checkVariable(t, name)
	}
}
