package docstest_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var picture = regexp.MustCompile(`(?:srcset|src)="([^":]+)"`)

// The README begins with a picture for both color schemes and with three ways in of at
// most five lines, which have the two commands that a new machine needs.
func TestReadmeFirstScreen_PG_12(t *testing.T) {
	first, _, found := strings.Cut(read(t, top+"/README.md"), "\n## In your app\n")
	if !found {
		t.Fatal(`README.md has no section "In your app": what ends the first screen now?`)
	}
	pictures := picture.FindAllStringSubmatch(first, -1)
	if len(pictures) != 2 || !strings.Contains(first, "prefers-color-scheme: dark") {
		t.Errorf("the first screen of README.md has %d pictures, want a light and a dark one", len(pictures))
	}
	ways := page{text: first}.blocks("shell")
	if len(ways) != 3 {
		t.Errorf("the first screen of README.md has %d ways in, want 3", len(ways))
	}
	for _, way := range ways {
		if n := strings.Count(way, "\n"); n > 5 {
			t.Errorf("a way in has %d lines, want at most 5:\n%s", n, way)
		}
	}
	for _, command := range []string{"go run ./cmd/passport serve --demo", "go test ./..."} {
		if !strings.Contains(strings.Join(ways, ""), command) {
			t.Errorf("the first screen of README.md does not show %q", command)
		}
	}
}

// The pictures of the documentation exist.
func TestPicturesExist(t *testing.T) {
	for _, p := range pages(t) {
		for _, m := range picture.FindAllStringSubmatch(code.ReplaceAllString(p.text, ""), -1) {
			if _, err := os.Stat(filepath.Join(top, filepath.Dir(p.name), m[1])); err != nil {
				t.Errorf("%s shows a picture that does not exist: %v", p.name, err)
			}
		}
	}
}
