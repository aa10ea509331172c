package docstest_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// top is the folder of the repository, seen from this package.
const top = "../.."

// page is one text of the documentation.
type page struct {
	name string // from the top
	text string
}

// pages returns all Markdown pages: the README, the files beside it, and docs/.
func pages(t *testing.T) []page {
	t.Helper()
	names, err := filepath.Glob(top + "/*.md")
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(top+"/docs", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && strings.HasSuffix(name, ".md") {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var all []page
	for _, name := range names {
		all = append(all, page{strings.TrimPrefix(filepath.ToSlash(name), top+"/"), read(t, name)})
	}
	if len(all) < 10 {
		t.Fatalf("found %d pages of documentation, want more: has it moved?", len(all))
	}
	return all
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A block is a fenced block of a page.
type block struct {
	text    string
	line    int    // of its first line
	section string // the heading above it, of level 2 or 3
}

// blocks returns the fenced blocks of a language.
func (p page) blocks(language string) (found []string) {
	for _, b := range p.located(language) {
		found = append(found, b.text)
	}
	return found
}

// located returns the fenced blocks of a language, and where they are.
func (p page) located(language string) (found []block) {
	in, number := "", 0
	var b block
	for line := range strings.Lines(p.text) {
		number++
		fence, isFence := strings.CutPrefix(strings.TrimRight(line, "\n"), "```")
		switch {
		case isFence && in == "":
			in, b.text, b.line = "of "+fence, "", number+1
		case isFence:
			if in == "of "+language {
				found = append(found, b)
			}
			in = ""
		case in != "":
			b.text += line
		case strings.HasPrefix(line, "## "), strings.HasPrefix(line, "### "):
			b.section = strings.TrimSpace(line)
		}
	}
	return found
}

var (
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	fences  = regexp.MustCompile("(?ms)^```.*?^```$")
	code    = regexp.MustCompile("(?ms)^```.*?^```$|`[^`\n]*`")
	notSlug = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchors returns the names that links use for a page's headings.
func (p page) anchors() (names []string) {
	for _, m := range heading.FindAllStringSubmatch(fences.ReplaceAllString(p.text, ""), -1) {
		name := notSlug.ReplaceAllString(strings.ToLower(strings.TrimSpace(m[1])), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}

func TestLinksLeadSomewhere(t *testing.T) {
	all := pages(t)
	for _, p := range all {
		for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(p.text, ""), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			file, anchor, _ := strings.Cut(m[1], "#")
			target := p.name
			if file != "" {
				target = filepath.ToSlash(filepath.Join(filepath.Dir(p.name), file))
			}
			if _, err := os.Stat(filepath.Join(top, target)); err != nil {
				t.Errorf("%s links to %s, which is not there", p.name, m[1])
				continue
			}
			i := slices.IndexFunc(all, func(other page) bool { return other.name == target })
			if anchor != "" && (i < 0 || !slices.Contains(all[i].anchors(), anchor)) {
				t.Errorf("%s links to %s, but %s has no such heading", p.name, m[1], target)
			}
		}
	}
}
