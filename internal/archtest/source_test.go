package archtest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
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
			t.Errorf("%s has %d lines, want at most %d: split it by concept", s.name, s.lines, longestFile)
		}
		for _, f := range functions(s.file) {
			if n := set.Position(f.End()).Line - set.Position(f.Pos()).Line + 1; n > longestFunction {
				t.Errorf("%s: func %s has %d lines, want at most %d, and usually 40", s.name, f.Name.Name, n, longestFunction)
			}
		}
	}
}

// A panic is for a programmer's mistake at start-up, or for a state that cannot
// happen. Its message, a comment on its line or the function's comment says
// which.
func TestPanicsExplainThemselves(t *testing.T) {
	files, set := sources(t)
	for _, s := range files {
		commented := map[int]bool{}
		for _, group := range s.file.Comments {
			commented[set.Position(group.Pos()).Line] = true
		}
		for _, f := range functions(s.file) {
			if strings.Contains(f.Doc.Text(), "panic") {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if ok && isPanic(call) && !hasText(call) && !commented[set.Position(call.Pos()).Line] {
					t.Errorf("%s: func %s panics without an explanation: return an error, or say why it cannot happen", set.Position(call.Pos()), f.Name.Name)
				}
				return true
			})
		}
	}
}

func isPanic(call *ast.CallExpr) bool {
	name, ok := call.Fun.(*ast.Ident)
	return ok && name.Name == "panic"
}

// hasText reports whether an expression contains a text.
func hasText(e ast.Node) (found bool) {
	ast.Inspect(e, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			found = true
		}
		return true
	})
	return found
}

// boundedRead reads the body of a request whose connection is hidden. Only a
// goroutine can bound such a read; it ends with the request.
const boundedRead = "internal/bodylimit/timed.go"

// The library starts no goroutine. The application starts and stops background
// work.
func TestLibraryStartsNoGoroutine(t *testing.T) {
	files, set := sources(t)
	for _, s := range files {
		if _, ok := rooms[s.room]; (!ok && !strings.HasPrefix(s.room, "internal/")) || slices.Contains([]string{"console", "storetest", "internal/testkit"}, s.room) || opened(s.room) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if g, ok := n.(*ast.GoStmt); ok && s.name != boundedRead {
				t.Errorf("%s: the library starts a goroutine", set.Position(g.Pos()))
			}
			return true
		})
	}
}

// Only tests make password hashes cheap.
func TestPasswordHashesStayExpensive(t *testing.T) {
	files, set := sources(t)
	for _, s := range files {
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "Lower" {
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == "hashcost" {
					t.Errorf("%s: hashcost.Lower makes password hashes insecure: call it only from TestMain", set.Position(n.Pos()))
				}
			}
			return true
		})
	}
}

// ownTime are the functions that have a request and may read the clock.
// wire.Received passes the time to endpoints. Guards check headers before the
// application's handlers run. A page calls reauth after it has read its form.
var ownTime = []string{"internal/reauth URL", "internal/wire Received", "internal/tokens verify", "internal/firstparty check", "internal/firstparty findOnce", "internal/lastused Note"}

// The server judges a request at the time when it is complete. So no function of
// the server that has a request or its ResponseWriter reads the clock.
func TestEndpoints_FR_03_ReadTheTimeWithTheBody(t *testing.T) {
	files, set := sources(t)
	for _, s := range files {
		if !serving(s.room) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			var name string
			var signature *ast.FuncType
			switch f := n.(type) {
			case *ast.FuncDecl:
				name, signature = f.Name.Name, f.Type
			case *ast.FuncLit:
				name, signature = "a function", f.Type
			default:
				return true
			}
			if slices.Contains(ownTime, s.room+" "+name) || s.room == "internal/bodylimit" || !hasRequest(signature) {
				return true
			}
			ast.Inspect(n, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok && asksForTheTime(call) {
					t.Errorf("%s: %s has a request and reads the clock: use the time from wire.Received", set.Position(call.Pos()), name)
				}
				return true
			})
			return true
		})
	}
}

// hasRequest reports whether a function has a parameter for a request or for its
// ResponseWriter.
func hasRequest(f *ast.FuncType) bool {
	return slices.ContainsFunc(f.Params.List, func(p *ast.Field) bool {
		e := p.Type
		if star, ok := e.(*ast.StarExpr); ok {
			e = star.X
		}
		switch e := e.(type) {
		case *ast.Ident:
			return e.Name == "apiRequest"
		case *ast.SelectorExpr:
			return e.Sel.Name == "Request" || e.Sel.Name == "ResponseWriter"
		}
		return false
	})
}

func asksForTheTime(call *ast.CallExpr) bool {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name == "now"
	case *ast.SelectorExpr:
		x, ok := f.X.(*ast.Ident)
		return ok && (x.Name == "time" || x.Name == "clock") && slices.Contains([]string{"Now", "Since", "Until"}, f.Sel.Name)
	}
	return false
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

// sources parses the Go files of the repository, except other modules and tests.
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
		t.Fatalf("found only %d Go files: does this test look in the right place?", len(all))
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
