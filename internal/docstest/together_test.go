package docstest_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A reader puts all Go of a page into one program, so the blocks of a page compile
// together, in one function, with the declarations of the package's examples around
// it. The blocks of examples/ are in one program.
func TestGoOfAPageCompilesTogether(t *testing.T) {
	sources := compiled(t)
	checker := newChecker(t)
	for _, p := range pages(t) {
		if strings.HasPrefix(p.name, "docs/decisions/") {
			continue
		}
		var own []block // not of a program in examples/
		programs := map[string][]string{}
		for _, b := range p.located("go") {
			folders := foldersOf(sources, b.text)
			if len(folders) == 0 || slices.Contains(folders, filepath.Clean(top)) {
				own = append(own, b)
				continue
			}
			program := p.program(b)
			if known := programs[program]; known != nil {
				folders = slices.DeleteFunc(folders, func(f string) bool { return !slices.Contains(known, f) })
			}
			if programs[program] = folders; len(folders) == 0 {
				t.Errorf("%s:%d: this Go and the Go above it are not in one program of examples/", p.name, b.line)
			}
		}
		for _, err := range checker.check(p, own) {
			t.Errorf("the Go of %s does not compile together: %v", p.name, err)
		}
	}
}

// severalPrograms are the pages with a program in each section: one for each router or
// step, or one that replaces parts of the server.
var severalPrograms = []string{"docs/configuration.md", "docs/mounting.md", "docs/tutorial.md", "docs/tutorial-sign-in.md"}

// program names the program that a block belongs to.
func (p page) program(b block) string {
	if slices.Contains(severalPrograms, p.name) {
		return b.section
	}
	return ""
}

// foldersOf returns the folders of the files that contain a block.
func foldersOf(sources map[string]string, block string) (folders []string) {
	for name, source := range sources {
		if contains(source, block) {
			folders = append(folders, filepath.Dir(name))
		}
	}
	slices.Sort(folders)
	return slices.Compact(folders)
}

// A checker compiles blocks with the declarations of the package's examples around
// them.
type checker struct {
	set      *token.FileSet
	imports  map[string]string // path by name
	examples []string          // names of the files
	importer types.Importer
}

func newChecker(t *testing.T) *checker {
	t.Helper()
	examples, err := filepath.Glob(top + "/example*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	c := &checker{set: token.NewFileSet(), imports: map[string]string{}, examples: examples}
	for _, name := range examples {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range file.Imports {
			path := strings.Trim(i.Path.Value, `"`)
			c.imports[path[strings.LastIndex(path, "/")+1:]] = path
		}
	}
	compiled := exportData(t, slices.Sorted(maps.Values(c.imports)))
	c.importer = importer.ForCompiler(c.set, "gc", func(path string) (io.ReadCloser, error) { return os.Open(compiled[path]) })
	return c
}

// exportData returns the files with the compiled declarations of packages and of what
// they import.
func exportData(t *testing.T, packages []string) map[string]string {
	t.Helper()
	list := exec.Command("go", append([]string{"list", "-export", "-deps", "-f", "{{.ImportPath}}={{.Export}}"}, packages...)...)
	list.Dir, list.Stderr = top, os.Stderr
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "=")
		files[path] = file
	}
	return files
}

// check returns the errors of compiling blocks together, with their lines in the page.
func (c *checker) check(p page, blocks []block) (all []error) {
	if len(blocks) == 0 {
		return nil
	}
	file, err := c.program(p, blocks)
	if err != nil {
		return []error{err}
	}
	files := []*ast.File{file}
	for _, name := range c.examples {
		example, err := parser.ParseFile(c.set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return []error{err}
		}
		files = append(files, without(example, declared(file)))
	}
	config := types.Config{Importer: c.importer, Error: func(err error) {
		e, ok := errors.AsType[types.Error](err)
		unused := ok && e.Soft // such as a variable that only the application uses
		if !unused && filepath.Base(c.set.Position(e.Pos).Filename) == filepath.Base(p.name) {
			all = append(all, err)
		}
	}}
	_, _ = config.Check("page", c.set, files, nil) // the errors are in all
	return all
}

// program returns the page's Go as one file: its declarations, and a function with its
// statements.
func (c *checker) program(p page, blocks []block) (*ast.File, error) {
	var declarations, statements strings.Builder
	for _, b := range blocks {
		text := fmt.Sprintf("//line %s:%d\n%s\n", filepath.Base(p.name), b.line, b.text)
		if _, err := parser.ParseFile(token.NewFileSet(), "", "package p\n"+b.text, parser.SkipObjectResolution); err == nil {
			declarations.WriteString(text)
		} else {
			statements.WriteString(text)
		}
	}
	body := declarations.String() + "func _() {\n" + statements.String() + "}\n"
	header := "package passport_test\n"
	for _, name := range slices.Sorted(maps.Keys(c.imports)) {
		if regexp.MustCompile(`\b` + name + `\.[A-Z]`).MatchString(body) {
			header += fmt.Sprintf("import %q\n", c.imports[name])
		}
	}
	return parser.ParseFile(c.set, p.name, header+body, parser.SkipObjectResolution)
}

// declared returns the names that a file declares. A method has the name of its type
// and its own.
func declared(file *ast.File) map[string]bool {
	names := map[string]bool{}
	for _, d := range file.Decls {
		for _, name := range namesOf(d) {
			names[name] = true
		}
	}
	delete(names, "_")
	return names
}

func namesOf(d ast.Decl) (names []string) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv != nil {
			return []string{types.ExprString(d.Recv.List[0].Type) + "." + d.Name.Name}
		}
		return []string{d.Name.Name}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				names = append(names, s.Name.Name)
			case *ast.ValueSpec:
				for _, name := range s.Names {
					names = append(names, name.Name)
				}
			}
		}
	}
	return names
}

// without returns a file without the declarations of the names.
func without(file *ast.File, names map[string]bool) *ast.File {
	file.Decls = slices.DeleteFunc(file.Decls, func(d ast.Decl) bool {
		return slices.ContainsFunc(namesOf(d), func(name string) bool { return names[name] })
	})
	return file
}

// route finds the patterns that Go registers on a mux.
var route = regexp.MustCompile(`\bmux\.Handle(?:Func)?\("([^"]+)"`)

// All routes of a page can be registered on one mux, beside those of the server.
// http.ServeMux panics if two patterns conflict.
func TestRoutesOfAPageDoNotConflict(t *testing.T) {
	server := everything(t)
	count := 0
	for _, p := range pages(t) {
		muxes := map[string]*http.ServeMux{}
		for _, b := range p.located("go") {
			program := p.program(b)
			if muxes[program] == nil {
				muxes[program] = http.NewServeMux()
				server.Mount(muxes[program])
			}
			for _, m := range route.FindAllStringSubmatchIndex(b.text, -1) {
				count++
				if err := register(muxes[program], b.text[m[2]:m[3]]); err != nil {
					t.Errorf("%s:%d: a reader's program panics: %v", p.name, b.line+strings.Count(b.text[:m[0]], "\n"), err)
				}
			}
		}
	}
	if count < 20 {
		t.Errorf("found %d routes in the documentation, want more: are they still registered on a variable mux?", count)
	}
}

// register registers a pattern, and returns the mux's panic as an error.
func register(mux *http.ServeMux, pattern string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	mux.Handle(pattern, http.NotFoundHandler())
	return nil
}
