package docstest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// compiled are the files that the compiler sees and the documentation shows
// parts of: the examples of the package, and the applications in examples/.
func compiled(t *testing.T) map[string]string {
	t.Helper()
	names, err := filepath.Glob(top + "/example*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(top+"/examples", func(name string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(name, ".go") {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]string{}
	for _, name := range names {
		sources[name] = read(t, name)
	}
	return sources
}

// indented is a block as it stands within so many levels of braces.
func indented(block string, levels int) string {
	var b strings.Builder
	for line := range strings.Lines(block) {
		if line != "\n" {
			b.WriteString(strings.Repeat("\t", levels))
		}
		b.WriteString(line)
	}
	return b.String()
}

// contains reports whether a block is in a source, whatever its indentation.
func contains(source, block string) bool {
	for levels := range 3 {
		if strings.Contains("\n"+source, "\n"+indented(block, levels)) {
			return true
		}
	}
	return false
}

// What the documentation shows of Go stands, line by line, in a file that is
// compiled, so it cannot fall behind the code.
func TestGoIsCompiled(t *testing.T) {
	sources := compiled(t)
	count := 0
	for _, p := range pages(t) {
		if strings.HasPrefix(p.name, "docs/decisions/") {
			continue
		}
		for _, block := range p.blocks("go") {
			count++
			if len(foldersOf(sources, block)) == 0 {
				t.Errorf("%s shows Go that no compiled file has; put it into an example_*_test.go or into examples/, or bring the two together:\n%s", p.name, block)
			}
		}
	}
	if count < 20 {
		t.Errorf("found %d blocks of Go in the documentation, want more: are they still fenced as go?", count)
	}
}

// quickStartLines is what issue and README promise.
const quickStartLines = 15

// The quick start of the README is the example of New, whole, and no longer than
// it is promised to be.
func TestQuickStart(t *testing.T) {
	readme := page{"README.md", read(t, top+"/README.md")}
	blocks := readme.blocks("go")
	if len(blocks) == 0 {
		t.Fatal("the README shows no Go")
	}
	name := top + "/example_test.go"
	source := read(t, name)
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, source, 0)
	if err != nil {
		t.Fatal(err)
	}
	body := ""
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "ExampleNew" {
			body = source[set.Position(f.Body.Lbrace).Offset+2 : set.Position(f.Body.Rbrace).Offset]
		}
	}
	if want := indented(blocks[0], 1); body != want {
		t.Errorf("the body of ExampleNew is\n%s\nand the README's quick start\n%s\nwant one text", body, want)
	}
	if n := strings.Count(blocks[0], "\n"); n > quickStartLines {
		t.Errorf("the quick start has %d lines, want at most %d", n, quickStartLines)
	}
}
