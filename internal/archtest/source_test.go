package archtest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	longestFile     = 400 // lines
	longestFunction = 80
)

// A source is one file of Go that is not a test.
type source struct {
	name  string // from the module's root
	room  string
	file  *ast.File
	lines int
}

func TestFilesAndFunctionsStayShort(t *testing.T) {
	files, set := sources(t)
	for _, s := range files {
		if s.lines > longestFile {
			t.Errorf("%s has %d lines; more than %d are more than one concept", s.name, s.lines, longestFile)
		}
		for _, f := range functions(s.file) {
			if n := set.Position(f.End()).Line - set.Position(f.Pos()).Line + 1; n > longestFunction {
				t.Errorf("%s: func %s has %d lines; at most %d are allowed, and 40 are the rule", s.name, f.Name.Name, n, longestFunction)
			}
		}
	}
}

// Panics are for a programmer's mistake at start-up, and the comment of the
// function says so.
func TestPanicsAreDocumented(t *testing.T) {
	files, set := sources(t)
	for _, s := range files {
		for _, f := range functions(s.file) {
			if strings.Contains(f.Doc.Text(), "panic") {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				if name, ok := call.Fun.(*ast.Ident); ok && name.Name == "panic" {
					t.Errorf("%s: func %s panics; return an error, or say in its comment when it panics", set.Position(call.Pos()), f.Name.Name)
				}
				return true
			})
		}
	}
}

// The library starts no goroutine: what runs in the background is the
// application's to start and to stop.
func TestLibraryStartsNoGoroutine(t *testing.T) {
	files, set := sources(t)
	for _, s := range files {
		if _, ok := rooms[s.room]; (!ok && !strings.HasPrefix(s.room, "internal/")) || slices.Contains([]string{"console", "storetest"}, s.room) || opened(s.room) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if g, ok := n.(*ast.GoStmt); ok {
				t.Errorf("%s: the library starts a goroutine", set.Position(g.Pos()))
			}
			return true
		})
	}
}

// secretName matches what a variable or a field is called that holds something
// to be kept from others, or a digest of it.
var secretName = regexp.MustCompile(`(?i)(secret|password|passwd|verifier|digest|signature|mac)$`)

// A comparison that stops at the first difference tells how much of a guess was
// right. What is compared by == with "" or nil only asks whether it is there.
func TestNeverRepeat_C3_SecretsAreComparedInConstantTime(t *testing.T) {
	files, set := sources(t)
	for _, s := range files {
		ast.Inspect(s.file, func(n ast.Node) bool {
			e, ok := n.(*ast.BinaryExpr)
			if !ok || (e.Op != token.EQL && e.Op != token.NEQ) || constant(e.X) || constant(e.Y) {
				return true
			}
			if secretName.MatchString(lastName(e.X)) || secretName.MatchString(lastName(e.Y)) {
				t.Errorf("%s: a secret is compared with %s; use internal/secret or oauth.Digest.Matches", set.Position(e.Pos()), e.Op)
			}
			return true
		})
	}
}

func constant(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return true
	case *ast.Ident:
		return e.Name == "nil" || e.Name == "true" || e.Name == "false"
	}
	return false
}

func lastName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.StarExpr:
		return lastName(e.X)
	}
	return ""
}

func functions(f *ast.File) []*ast.FuncDecl {
	var all []*ast.FuncDecl
	for _, d := range f.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			all = append(all, f)
		}
	}
	return all
}

// sources parses what the repository has of Go, other modules and tests apart.
func sources(t *testing.T) ([]source, *token.FileSet) {
	t.Helper()
	set := token.NewFileSet()
	var all []source
	walk(t, func(name string) {
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return
		}
		file, err := parser.ParseFile(set, filepath.Join(root(t), name), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, source{name, filepath.ToSlash(filepath.Dir(name)), file, set.File(file.Pos()).LineCount()})
	})
	if len(all) < 10 {
		t.Fatalf("found %d files of Go; this test looks in the wrong place", len(all))
	}
	return all, set
}

// walk calls visit with the name of each file of the repository.
func walk(t *testing.T, visit func(name string)) {
	t.Helper()
	top := root(t)
	err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if path != top && slices.Contains([]string{".git", ".cache", "bin", "node_modules", "testdata"}, entry.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		name, err := filepath.Rel(top, path)
		if err == nil && entry.Type().IsRegular() {
			visit(filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
