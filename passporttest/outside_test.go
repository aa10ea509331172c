package passporttest_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What lets in whom it is told to does nothing in a binary.
func TestPassporttest_PanicsOutsideOfTests(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "outside")
	if out, err := exec.Command("go", "build", "-o", binary, "./testdata/outside").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	for _, name := range []string{"ActingAs", "ActingAsUserOf", "ActingAsClient", "NewServer"} {
		out, err := exec.Command(binary, name).CombinedOutput()
		want := "panic: passporttest: " + name + " was called outside of a test."
		if err == nil || !strings.HasPrefix(string(out), want) {
			t.Errorf("a binary that calls %s ends with %v and says %q, want it to panic with %q", name, err, out, want)
		}
	}
}
