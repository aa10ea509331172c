package docstest_test

import (
	"cmp"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var picture = regexp.MustCompile(`(?:srcset|src)="([^":]+)"|!\[[^]]*\]\(([^):]+)\)`)

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

// The pictures of the documentation exist, are small, and are shown: docs/images has
// no others.
func TestPictures(t *testing.T) {
	unused := map[string]bool{}
	total := int64(0)
	err := filepath.WalkDir(top+"/docs/images", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		total += info.Size()
		unused[filepath.Clean(name)] = true
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if total > 1<<20 {
		t.Errorf("docs/images has %d bytes, want at most 1 MB: every clone downloads it", total)
	}
	for _, p := range pages(t) {
		for _, m := range picture.FindAllStringSubmatch(code.ReplaceAllString(p.text, ""), -1) {
			name := filepath.Join(top, filepath.Dir(p.name), cmp.Or(m[1], m[2]))
			if _, err := os.Stat(name); err != nil {
				t.Errorf("%s shows a picture that does not exist: %v", p.name, err)
			}
			delete(unused, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(unused)) {
		t.Errorf("no page shows %s: show it, or remove it", name)
	}
}
