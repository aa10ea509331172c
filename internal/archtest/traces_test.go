package archtest_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// trace matches a folder of a developer's machine or a host of a package
// registry, which mean nothing to other readers.
var trace = regexp.MustCompile(`(^|[\s"'=(:])/(work|farm|root|home)/|\b(proxy|registry|deb)\.[a-z]+\.(org|com|net)\b`)

func TestNoTraceOfAMachine(t *testing.T) {
	for _, name := range tracked(t) {
		if strings.HasSuffix(name, "go.sum") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root(t), name))
		if err != nil || bytes.IndexByte(text, 0) >= 0 {
			continue // removed but not committed yet, or not text
		}
		number := 0
		for line := range bytes.Lines(text) {
			number++
			if found := trace.Find(line); found != nil {
				t.Errorf("%s:%d has a path of a machine or a host of a registry: %s", name, number, bytes.TrimSpace(found))
			}
		}
	}
}

// tracked lists the files under version control, or all files without version
// control.
func tracked(t *testing.T) []string {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "-z")
	cmd.Dir = root(t)
	if out, err := cmd.Output(); err == nil && len(out) > 0 {
		return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	}
	var names []string
	walk(t, func(name string) { names = append(names, name) })
	return names
}
