package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// binary is the program under test, built once and without cgo, like a release.
var binary string

func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "passport-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "passport")
	build := exec.Command("go", "build", "-o", binary, "./cmd/passport")
	build.Dir = filepath.Join("..", "..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the binary: %v\n%s", err, out)
		return 1
	}
	defer closeBrowser()
	return m.Run()
}

// require skips a test without ok, or fails it if PASSPORT_TEST_REQUIRE is set.
func require(t *testing.T, ok bool, sentence string) {
	t.Helper()
	switch {
	case ok:
	case os.Getenv("PASSPORT_TEST_REQUIRE") == "1":
		t.Fatal(sentence)
	default:
		t.Skip(sentence)
	}
}
