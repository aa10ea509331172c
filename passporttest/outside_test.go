package passporttest_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Functions that bypass authentication panic in a binary.
func TestPassporttest_PanicsOutsideOfTests(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "outside")
	if out, err := exec.Command("go", "build", "-o", binary, "./testdata/outside").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	for _, name := range []string{"ActingAs", "ActingAsUserOf", "ActingAsClient", "NewServer"} {
		out, err := exec.Command(binary, name).CombinedOutput()
		want := "panic: passporttest: " + name + " was called outside of a test."
		if err == nil || !strings.HasPrefix(string(out), want) {
			t.Errorf("a binary that calls %s ends with %v and the output %q, want the panic %q", name, err, out, want)
		}
	}
}
