//go:build unix

package main_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The commands that the tour prints work in a shell, as they are printed.
func TestDemo_CommandsWork(t *testing.T) {
	for _, program := range []string{"sh", "curl", "sed"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("PASSPORT_TEST_REQUIRE") == "1" {
				t.Fatal(err)
			}
			t.Skip("this test needs sh, curl and sed:", err)
		}
	}
	s, _ := startDemo(t)
	_, commands, found := strings.Cut(s.out.String(), "Get a token for demo-service and call the API\n")
	if !found {
		t.Fatalf("the tour prints no commands:\n%s", s.out)
	}
	var script strings.Builder
	for line := range strings.Lines(commands) {
		if strings.HasPrefix(line, "  ") {
			script.WriteString(line)
		}
	}
	out, err := exec.Command("sh", "-ec", script.String()).Output()
	if err != nil {
		t.Fatalf("the commands of the tour fail: %v\n%s", err, script.String())
	}
	got := string(out)
	for _, want := range []string{`"client":"demo-service"`, `"active":true`, `"active":false`} {
		_, after, found := strings.Cut(got, want)
		if !found {
			t.Fatalf("the commands of the tour print no %s, in this order:\n%s", want, out)
		}
		got = after
	}
}
