package docstest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// otherPrograms are folders whose code sends clients no errors, or is an
// application.
var otherPrograms = []string{"bench", "examples", "internal/demo", "internal/e2e", "internal/testkit", "passporttest", "storetest"}

// parsed parses every file of the library that is not a test, wherever it lies.
func parsed(t *testing.T) []*ast.File {
	t.Helper()
	var files []*ast.File
	err := filepath.WalkDir(top, func(name string, entry fs.DirEntry, err error) error {
		switch relative := strings.TrimPrefix(filepath.ToSlash(name), top+"/"); {
		case err != nil:
			return err
		case entry.IsDir() && name != top && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata" || slices.Contains(otherPrograms, relative)):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		files = append(files, file)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 100 {
		t.Fatalf("found %d files of Go, want more: has the module moved?", len(files))
	}
	return files
}

var verb = regexp.MustCompile(`%[-+# 0-9.]*[a-zA-Z]`)

// publicText returns the text that a call makes an oauth.Error of, with … for
// what differs, or "".
func publicText(call *ast.CallExpr) string {
	if len(call.Args) == 0 {
		return ""
	}
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		code, ok := f.X.(*ast.SelectorExpr)
		if !ok || f.Sel.Name != "Errorf" {
			return ""
		}
		if pkg, ok := code.X.(*ast.Ident); !ok || pkg.Name != "oauth" {
			return ""
		}
	case *ast.Ident:
		if f.Name != "lacking" { // of package guard
			return ""
		}
	default:
		return ""
	}
	literal, ok := call.Args[0].(*ast.BasicLit)
	if !ok {
		return ""
	}
	text, err := strconv.Unquote(literal.Value)
	if err != nil {
		return ""
	}
	return verb.ReplaceAllString(text, "…")
}

// docs/errors.md explains each error that a client can receive.
func TestErrorsAreExplained(t *testing.T) {
	explained := read(t, top+"/docs/errors.md")
	count := 0
	for _, file := range parsed(t) {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			text := publicText(call)
			if strings.Trim(text, "…") == "" {
				return true
			}
			count++
			if !strings.Contains(explained, "| "+text+" |") && !strings.Contains(explained, strings.TrimPrefix(text, "…")+" |") {
				t.Errorf("docs/errors.md does not explain %q: add a row that says what to do", text)
			}
			return true
		})
	}
	if count < 50 {
		t.Errorf("found %d texts of errors, want more: are they made in another way now?", count)
	}
}

// The table of settings has every field of Config.
func TestSettingsAreExplained(t *testing.T) {
	explained := read(t, top+"/docs/configuration.md")
	count := 0
	for _, file := range parsed(t) {
		if file.Name.Name != "passport" {
			continue
		}
		for _, name := range fieldsOf(file, "Config") {
			count++
			if !strings.Contains(explained, "`"+name+"`") {
				t.Errorf("docs/configuration.md does not name Config.%s: add it to the table of settings", name)
			}
		}
	}
	if count < 20 {
		t.Errorf("found %d fields of Config, want more: is it declared elsewhere now?", count)
	}
}

// fieldsOf returns the exported fields of a struct that a file declares.
func fieldsOf(file *ast.File, structName string) (fields []string) {
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok || spec.Name.Name != structName {
			return true
		}
		s, ok := spec.Type.(*ast.StructType)
		if !ok {
			return true
		}
		for _, field := range s.Fields.List {
			for _, name := range field.Names {
				if name.IsExported() {
					fields = append(fields, name.Name)
				}
			}
		}
		return false
	})
	return fields
}

var (
	listedID = regexp.MustCompile(`(?m)^- \*\*([A-Z]+)-?(\d+)\*\*`)
	namedID  = regexp.MustCompile(`(?:^|[^A-Za-z0-9])([A-Z]{1,2})[-_]?(\d{1,3})(?:[^0-9a-z]|$)`)
)

// Each requirement that the documentation lists is named by a test, in this
// module or in that of the end-to-end tests.
func TestRequirementsAreNamedByTests(t *testing.T) {
	named := map[string]bool{}
	err := filepath.WalkDir(top, func(name string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		for line := range strings.Lines(read(t, name)) {
			for {
				m := namedID.FindStringSubmatchIndex(line)
				if m == nil {
					break
				}
				named[line[m[2]:m[3]]+line[m[4]:m[5]]] = true
				line = line[m[5]:] // what ends one may begin the next
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	listed := listedID.FindAllStringSubmatch(read(t, top+"/docs/standards.md"), -1)
	if len(listed) < 100 {
		t.Errorf("docs/standards.md lists %d requirements, want more: has its form changed?", len(listed))
	}
	for _, m := range listed {
		if !named[m[1]+m[2]] {
			t.Errorf("docs/standards.md lists %s-%s, and no test has it in its name: write one, or take the line out", m[1], m[2])
		}
	}
}
