package docstest_test

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// shownFile is a link to a file of deploy/, and the block after it.
var shownFile = regexp.MustCompile("(?ms)^\\[(deploy/[^\\]]+)\\]\\([^)]+\\):\n\n```[a-z]*\n(.*?)^```$")

// Each file that a recipe shows is the file in deploy/, and each of these files is shown
// by a recipe.
func TestRecipes_ShowTheirFiles(t *testing.T) {
	var shown []string
	for _, p := range pages(t) {
		if !strings.HasPrefix(p.name, "docs/recipes/") {
			continue
		}
		for _, m := range shownFile.FindAllStringSubmatch(p.text, -1) {
			shown = append(shown, m[1])
			if file := read(t, filepath.Join(top, m[1])); file != m[2] {
				t.Errorf("%s shows another text than %s has; copy the file into the page:\n%s", p.name, m[1], file)
			}
		}
	}
	err := filepath.WalkDir(top+"/deploy", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(name, ".go") || strings.HasPrefix(entry.Name(), "go.") {
			return err
		}
		if name = strings.TrimPrefix(filepath.ToSlash(name), top+"/"); !slices.Contains(shown, name) {
			t.Errorf("no page in docs/recipes shows %s", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
